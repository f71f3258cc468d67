"""Colours of the output are those that a player shows of the input."""

import io

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from made_films import SIZE
from made_films import convert
from made_films import write_film
from odd_films import SEEN
from odd_films import TRANSPARENT
from odd_films import write_flat
from odd_films import write_transparent
from PIL import Image

from priv_keras.films import colour
from priv_keras.films import encode
from priv_keras.films import moving_picture
from priv_keras.films import pipeline
from priv_keras.films import raw
from priv_keras.films.video import Video

# Weights of red and blue in luma.
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
LIMITED, FULL = 1, 2


def shown(yuv, matrix, range_):
    """Returns the RGB values by the formula of the standard."""
    red, blue = WEIGHTS[matrix]
    y, u, v = (np.array(yuv) - [0, 128, 128]) / 255
    if range_ == LIMITED:
        y = (yuv[0] - 16) / 219
        u, v = (np.array(yuv[1:]) - 128) / 224
    r, b = y + 2 * (1 - red) * v, y + 2 * (1 - blue) * u
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.array([r, g, b]) * 255


def passed(batches):
    yield from batches


def first_frame(path):
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        return frame, frame.to_ndarray(format="rgb24").astype(int)


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("range_", [LIMITED, FULL])
@pytest.mark.parametrize("matrix", WEIGHTS)
def test_matrices_and_ranges(tmp_path, matrix, range_, pix_fmt):
    if matrix == 9 and not hasattr(Colorspace, "BT2020"):
        pytest.skip("PyAV 17 takes BT.2020 for BT.601")
    path = write_flat(tmp_path / "in.mkv", matrix, range_, pix_fmt)
    right = shown((120, 100, 160), matrix, range_)
    with Video(str(path)) as film:
        found = next(film.frames(SIZE)).pixels
    assert np.abs(found - right).max() < 4
    convert(path, tmp_path / "out.mp4", stream=passed, config={"crf": 1})
    frame, out = first_frame(tmp_path / "out.mp4")
    assert (int(frame.colorspace), int(frame.color_range)) == (matrix, LIMITED)
    assert np.abs(out - right).max() < 6


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out.mov"])
@pytest.mark.parametrize(("primaries", "transfer"), [(9, 16), (1, 1), (12, 13)])
def test_primaries_and_transfer_are_told(tmp_path, output, primaries, transfer):
    pictures = [np.full((48, 64, 3), 90, "uint8")] * 2
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p10le"
        video.codec_context.color_primaries = primaries
        video.codec_context.color_trc = transfer
        for pixels in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(video.encode())
    convert(path, tmp_path / output)
    frame, _ = first_frame(tmp_path / output)
    found = (int(frame.color_primaries), int(frame.color_trc))
    assert found == (primaries, transfer)


GREEN = (0, 192, 0)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "name"),
    [
        ("ffv1", "bgr0", "in.mkv"),
        ("libx265", "gbrp", "in.mp4"),
        ("gif", "rgb8", "in.gif"),
        ("png", "rgb48be", "in.mov"),
        ("rawvideo", "bgr24", "in.avi"),
    ],
)
@pytest.mark.parametrize("size", [SIZE, (1280, 720)])
def test_rgb_gets_the_matrix_that_players_assume(
    tmp_path, codec, pix_fmt, name, size
):
    pictures = [np.full((*size[::-1], 3), GREEN, "uint8")] * 4
    path = write_film(tmp_path / name, pictures, codec=codec, pix_fmt=pix_fmt)
    convert(path, tmp_path / "out.mp4", stream=passed, config={"crf": 1})
    frame, found = first_frame(tmp_path / "out.mp4")
    assert int(frame.colorspace) == (1 if size[0] == 1280 else 6)
    assert np.abs(found.mean(axis=(0, 1)) - GREEN).max() < 8  # GIF dithers


def webp(path, pixels):
    first, *rest = [Image.fromarray(pixels - i) for i in range(2)]
    first.save(path, save_all=True, append_images=rest, lossless=True)
    return moving_picture.MovingPicture(str(path))


def pipe(path, pixels):
    return raw.RawInput(io.BytesIO(pixels.tobytes()), pixels.shape[1::-1], 25)


@pytest.mark.parametrize("opened", [webp, pipe])
@pytest.mark.parametrize("size", [SIZE, (1280, 720)])
def test_and_so_does_what_ffmpeg_does_not_read(tmp_path, opened, size):
    pixels = np.full((*size[::-1], 3), GREEN, "uint8")
    path = tmp_path / "out.mp4"
    with opened(tmp_path / "in.webp", pixels) as film:
        sink = encode.Encoder(path, ".mp4", film.format, config={"crf": 1})
        with sink:
            pipeline.run(film, sink, passed)
    frame, found = first_frame(path)
    assert int(frame.colorspace) == (1 if size[0] == 1280 else 6)
    assert np.abs(found.mean(axis=(0, 1)) - GREEN).max() < 4


def test_an_encoder_of_rgb_gets_rgb(tmp_path):
    path = write_film(tmp_path / "in.mp4", [np.full((48, 64, 3), 90, "uint8")])
    convert(
        path,
        tmp_path / "out.mkv",
        codec="ffv1",
        config={"pixelformat": "bgr0"},
        stream=lambda batches: (np.full_like(b, GREEN) for b in batches),
    )
    frame, found = first_frame(tmp_path / "out.mkv")
    assert frame.format.is_rgb
    assert np.abs(found - GREEN).max() == 0


@pytest.mark.parametrize("matrix", [8, 10, 14])
def test_colours_that_would_come_out_wrong_are_refused(tmp_path, matrix):
    path = write_flat(tmp_path / "in.mkv", matrix, FULL)
    with pytest.raises(ValueError, match="has colours in .* Convert it to BT"):
        Video(str(path))


@pytest.mark.parametrize("name", TRANSPARENT)
@pytest.mark.parametrize("size", [SIZE, (32, 24)])
def test_what_was_transparent_does_not_come_back(tmp_path, name, size):
    path = write_transparent(tmp_path / name, *TRANSPARENT[name])
    with Video(str(path)) as film:
        pixels = [frame.pixels.astype(int) for frame in film.frames(size)]
    assert film.dropped == ["transparency"]
    assert len(pixels) == 3
    left = np.stack(pixels)[:, :, : size[0] // 2 - 4]
    right = np.stack(pixels)[:, :, size[0] // 2 + 4 :]
    assert np.abs(left - colour.BACKGROUND).max() < 12
    assert np.abs(right - SEEN).max() < 12


def test_the_fourth_byte_of_raw_avi_is_no_transparency(tmp_path):
    pixels = np.full((48, 64, 4), (20, 60, 200, 0), "uint8")
    with av.open(str(tmp_path / "in.avi"), "w") as container:
        video = container.add_stream("rawvideo", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "bgra"
        frame = av.VideoFrame.from_ndarray(pixels, "bgra")
        container.mux(video.encode(frame))
        container.mux(video.encode())
    with Video(str(tmp_path / "in.avi")) as film:
        found = next(film.frames(SIZE)).pixels
    assert film.dropped == []
    np.testing.assert_array_equal(found[5, 5], (200, 60, 20))
