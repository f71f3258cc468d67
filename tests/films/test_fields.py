import av
import numpy as np
import pytest
from made_films import SIZE
from made_films import convert
from made_films import read_film
from odd_films import H264
from odd_films import MPEG2
from odd_films import moving
from odd_films import write_interlaced

from priv_keras.films.video import Video

INTERLACED = "it is interlaced; each frame was made of its two fields"


@pytest.mark.parametrize(
    ("name", "how"),
    [("in.mp4", H264), ("in.ts", H264), ("in.mkv", H264), ("in.mpg", MPEG2)],
)
def test_fields_are_made_frames(tmp_path, name, how):
    path = write_interlaced(tmp_path / name, *how)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    raw, times = read_film(path)
    film = convert(path, tmp_path / "out.mp4", stream=lambda batches: batches)
    assert film.warnings == [INTERLACED]
    found, at = read_film(tmp_path / "out.mp4")
    np.testing.assert_allclose(at, times - times[0], atol=1e-3)
    assert len(found) == 8
    for frame, combed in zip(found[1:-1], raw[1:-1], strict=True):
        assert comb(combed) > 20
        assert comb(frame) < 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not next(container.decode(video=0)).interlaced_frame


def comb(pixels):
    """Returns how much lines differ from the mean of their neighbours."""
    lines = pixels[8:-8].astype(int)
    return np.abs(2 * lines[1:-1] - lines[:-2] - lines[2:]).mean()


@pytest.mark.parametrize("count", [1, 2])
def test_the_shortest_films_stay_whole(tmp_path, count):
    path = write_interlaced(tmp_path / "in.mp4", *H264, count=count)
    with Video(str(path)) as film:
        assert len(list(film.frames(film.format.size))) == count


def test_what_is_not_interlaced_passes_as_it_is(tmp_path):
    parts = []
    for number, how in enumerate((("libx264", {"crf": "1"}), H264)):
        path = tmp_path / f"{number}.h264"
        parts.append(path)
        write = write_interlaced if number else write_progressive
        write(path, *how)
    path = tmp_path / "in.h264"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    raw, _ = read_film(path)
    with Video(str(path)) as film:
        found = [f.pixels for f in film.frames(film.format.size)]
    assert len(found) == 16
    np.testing.assert_array_equal(np.stack(found[:8]), raw[:8])
    assert comb(found[12]) < 4 < comb(raw[12])


def write_progressive(path, codec, options):
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        for i in range(8):
            container.mux(video.encode(av.VideoFrame.from_ndarray(moving(i))))
        container.mux(video.encode())
