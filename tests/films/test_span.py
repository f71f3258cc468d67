"""A part of a film, in time."""

from fractions import Fraction

import av
import numpy as np
import pytest
from made_films import read_film
from made_films import scenes
from made_films import write_film
from quick_anonymize import run

from priv_keras.films.span import Span
from priv_keras.films.video import Video

slow = pytest.mark.slow
SPANS = [
    (Fraction("0.4"), Fraction("0.8")),
    (Fraction("0.5"), None),
    (Fraction(1), Fraction(9)),
]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm"])
@pytest.mark.parametrize(("start", "end"), SPANS)
def test_frames_of_a_span_are_those_at_its_times(tmp_path, name, start, end):
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = write_film(tmp_path / name, codec=codec)
    with Video(str(path)) as film:
        base = film.format.time_base
        every = list(film.frames(film.format.size))
    inside = [
        frame for frame in every if start <= frame.time * base < (end or np.inf)
    ]
    with Span(Video(str(path)), start, end) as part:
        found = list(part.frames(part.format.size))
    assert len(found) == len(inside) > 0
    for frame, expected in zip(found, inside, strict=True):
        np.testing.assert_array_equal(frame.pixels, expected.pixels)
        seconds = float((expected.time - frame.time) * base)
        assert seconds == pytest.approx(float(start), abs=0.001)


@pytest.mark.parametrize(
    ("args", "first", "count"),
    [
        (("--start=00:00:00.4", "--seconds=0.4"), 10, 10),
        pytest.param(("--end=0:0.2",), 0, 5, marks=slow),
        pytest.param(("--start=1",), 25, 5, marks=slow),
    ],
)
def test_a_part_is_written(tmp_path, args, first, count):
    path = write_film(tmp_path / "in.mp4")
    raw, _ = read_film(path)
    done = run(path, "-o", tmp_path / "out.mp4", *args)
    assert done.status == 0, done.errors
    found, times = read_film(tmp_path / "out.mp4")
    assert len(found) == count
    np.testing.assert_allclose(times, np.arange(count) / 25, atol=0.001)
    wrong = 255 - raw[first : first + count].astype(int) - found
    assert np.abs(wrong).mean() < 14


@pytest.mark.slow
def test_sound_of_a_part_stays_with_its_frames(tmp_path):
    path = write_film(tmp_path / "in.mkv", scenes(100), audio="pcm_s16le")
    out = tmp_path / "out.mkv"
    span = ("--start=1", "--end=3")
    assert run(path, "-o", out, "-k", *span).status == 0
    with av.open(str(out)) as film:
        times = [x.pts * x.time_base for x in film.demux(audio=0) if x.size]
    assert 0 <= times[0] < 0.2
    assert 1.7 < times[-1] < 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--start=99",), "in.mp4 has no frame between --start and --end"),
        (("--start=5", "--end=4"), "--end must be later than --start"),
        *(
            pytest.param((flag,), "must be seconds or HH:MM:SS", marks=slow)
            for flag in ("--start=abc", "--start=1:75", "--end=-3")
        ),
        pytest.param(
            ("--end=4", "--seconds=3"), "a time; not both", marks=slow
        ),
    ],
)
def test_a_span_that_is_none_is_refused(tmp_path, args, said):
    path = write_film(tmp_path / "in.mp4", scenes(3))
    done = run(path, "-o", tmp_path / "out.mp4", *args)
    assert done.status == 1
    assert said in done.errors[-1]
    assert list(tmp_path.iterdir()) == [path]
