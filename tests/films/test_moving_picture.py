"""Tests of moving pictures that FFmpeg does not decode."""

import numpy as np
import pytest
from made_films import read_film
from made_films import scene
from PIL import Image
from quick_anonymize import run

import priv_keras
from priv_keras import baselines
from priv_keras.films import jobs
from priv_keras.films import moving_picture
from priv_keras.films.moving_picture import MovingPicture

DURATIONS = [40, 80, 120, 40]  # milliseconds
TIMES = [0, 40, 120, 240]


def write(path, pictures=None, **options):
    pictures = (
        [scene(3 * i) for i in range(4)] if pictures is None else pictures
    )
    first, *rest = map(Image.fromarray, pictures)
    options = {"duration": DURATIONS, "lossless": True, **options}
    first.save(path, "WEBP", save_all=True, append_images=rest, **options)
    return path


def test_every_frame_is_there_at_its_time(tmp_path):
    path = write(tmp_path / "in.webp")
    with MovingPicture(str(path)) as film:
        assert film.count == 4
        frames = list(film.frames(film.format.size))
    assert [frame.time for frame in frames] == TIMES
    assert [frame.duration for frame in frames] == DURATIONS
    for i, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.pixels, scene(3 * i))


def test_it_comes_out_as_a_film(tmp_path):
    path = write(tmp_path / "in.webp")
    done = run(path, "-o", tmp_path / "out.mp4")
    assert done.status == 0, done.errors
    pictures, times = read_film(tmp_path / "out.mp4")
    np.testing.assert_allclose(times, np.array(TIMES) / 1000, atol=2e-3)
    right = 255 - scene(6).astype(int)
    assert np.abs(pictures[2] - right).mean() < 8
    same = priv_keras.Anonymizer.of(baselines.build("downsample_1"))
    assert len(list(priv_keras.anonymized_video(path, same))) == 4


def test_its_metadata_are_told_as_lost(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "Annas garden"
    path = write(tmp_path / "in.webp", exif=exif, xmp=b"<x:xmpmeta/>")
    done = run(path, "-o", tmp_path / "out.mp4", "-m")
    assert done.status == 0
    (told,) = [line for line in done.errors if "warning" in line]
    assert "does not keep exif of the file, xmp of the file" in told


def test_it_ends_after_so_many_seconds(tmp_path):
    with MovingPicture(str(write(tmp_path / "in.webp")), seconds=0.2) as film:
        assert len(list(film.frames((32, 24)))) == 3


def test_a_gif_without_times_shows_each_picture_for_a_tenth_of_a_second(
    tmp_path,
):
    path = tmp_path / "in.gif"
    first, *rest = (Image.fromarray(scene(3 * i)) for i in range(4))
    first.save(path, save_all=True, append_images=rest)  # Pillow's default
    assert moving_picture.is_one(path)
    with MovingPicture(str(path)) as film:
        assert film.count == 4
        frames = list(film.frames(film.format.size))
    assert [frame.time for frame in frames] == [0, 100, 200, 300]
    for i, frame in enumerate(frames):
        wrong = np.abs(frame.pixels - scene(3 * i).astype(int))
        assert wrong.mean() < 12  # of 256 colours
    done = run(path, "-o", tmp_path / "out.mp4")
    assert done.status == 0, done.errors
    assert len(read_film(tmp_path / "out.mp4")[0]) == 4
    first.save(path, save_all=True, append_images=rest, duration=40)
    assert not moving_picture.is_one(path)


def test_a_still_picture_is_none(tmp_path):
    still = write(tmp_path / "in.webp", [scene(0)], duration=40)
    assert not moving_picture.is_one(still)
    assert jobs.list_jobs([str(still)], None).jobs[0].kind == "picture"
    Image.fromarray(scene(0)).save(tmp_path / "in.png")
    assert not moving_picture.is_one(tmp_path / "in.png")
    assert not moving_picture.is_one(tmp_path / "missing.webp")


def test_what_was_transparent_does_not_come_back(tmp_path):
    pixels = np.full((48, 64, 4), (250, 10, 10, 0), "uint8")
    pixels[:, 32:] = (20, 60, 200, 255)
    other = pixels[:, ::-1].copy()
    path = write(tmp_path / "in.webp", [pixels, other], duration=40, exact=True)
    with MovingPicture(str(path)) as film:
        one, two = (frame.pixels for frame in film.frames(film.format.size))
    assert film.dropped.count("transparency") == 1
    assert (one[:, :32] == 255).all()
    assert (two[:, 32:] == 255).all()


def test_what_comes_before_damage_is_kept_on_request(tmp_path):
    path = write(tmp_path / "in.webp")
    content = bytearray(path.read_bytes())
    last = content.rindex(b"VP8L") + 8
    content[last + 5 : last + 60] = bytes(55)
    path.write_bytes(content)
    with (
        MovingPicture(str(path)) as film,
        pytest.raises(ValueError, match="in.webp cannot be decoded"),
    ):
        list(film.frames(film.format.size))
    with MovingPicture(str(path), accept_damaged=True) as film:
        assert len(list(film.frames(film.format.size))) == 3
    (warning,) = film.warnings
    assert warning.startswith("broke off")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_one_that_is_cut_off_is_refused_in_one_line(tmp_path, share):
    path = write(tmp_path / "in.webp")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    done = run(path)
    assert done.status == 1
    (line,) = [x for x in done.errors if x.startswith("error")]
    assert "in.webp" in line
    assert [found.name for found in tmp_path.iterdir()] == ["in.webp"]
