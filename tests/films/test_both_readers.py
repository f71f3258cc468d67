"""`anonymize` and `build` decode alike: each has code of its own."""

import numpy as np
import pytest
import test_clock
import test_colour
import test_fields
import test_picture
import test_video
from made_films import scenes
from made_films import write_film
from made_videos import turn
from PIL import Image

from priv_keras.films import picture
from priv_keras.films import video
from tfrecords_tools import decode

LEVELS = 4  # on average; the ways differ in which halved colours are enlarged


def by_anonymize(path):
    reader = picture.Picture if picture.is_picture(path) else video.Video
    with reader(str(path)) as film:
        return np.stack([f.pixels for f in film.frames(film.format.size)])


def by_build(path):
    found = by_anonymize(path)
    return decode.frames(path, found.shape[2:0:-1])


def joined(suffix, codec):
    def write(path):
        parts = [
            write_film(path.with_name(f"{i}.{suffix}"), scenes(9), codec=codec)
            for i in range(2)
        ]
        return test_clock.join(path, *parts)

    return write


def turned(*matrix):
    def write(path):
        write_film(path, scenes(4))
        turn(path, *matrix)
        return path

    return write


def mjpeg(orientation):
    def write(path):
        path.write_bytes(b"".join(test_video.jpegs(4, orientation)))
        return path

    return write


def flat(matrix, range_, pix_fmt):
    return lambda path: test_colour.write_flat(path, matrix, range_, pix_fmt)


def transparent(name):
    kind = test_colour.TRANSPARENT[name]
    return lambda path: test_colour.write_transparent(path, *kind)


def interlaced(how):
    return lambda path: test_fields.write_interlaced(path, *how)


def see_through(path):
    pixels = np.empty((48, 64, 4), "uint8")
    pixels[:, :32], pixels[:, 32:] = (250, 10, 10, 40), (20, 60, 200, 255)
    Image.fromarray(pixels).save(path)
    return path


def profiled(path):
    profile = test_picture.swapped()
    return test_picture.write(path, icc_profile=profile)


def upside_down(path):
    return test_picture.write(path, exif=test_picture.exif_bytes(3))


def deep(channels):
    def write(path):
        values = test_picture.twelve_bits() * 10
        return test_picture.write_16_bits(path, values, channels)

    return write


FILMS = {
    "joined.ts": joined("ts", "libx264"),
    "joined.mpg": joined("mpg", "mpeg2video"),
    "joined.webm": joined("webm", "libvpx-vp9"),
    "joined.mkv": joined("mkv", "libx264"),
    "quarter.mp4": turned(0, 1, -1, 0),
    "flipped.mp4": turned(1, 0, 0, -1),
    "exif_6.mjpeg": mjpeg(6),
    "exif_2.mjpeg": mjpeg(2),
    "bt709.mkv": flat(1, 1, "yuv420p"),
    "bt2020.mkv": flat(9, 1, "yuv420p10le"),
    "full.mkv": flat(1, 2, "yuv444p"),
    "interlaced.mp4": interlaced(test_fields.H264),
    "interlaced.mpg": interlaced(test_fields.MPEG2),
    **{name: transparent(name) for name in test_colour.TRANSPARENT},
}
PICTURES = {
    "see_through.png": see_through,
    "see_through.webp": see_through,
    "profiled.jpg": profiled,
    "profiled.png": profiled,
    "upside_down.jpg": upside_down,
    "upside_down.png": upside_down,
    "grey.png": deep(1),
    "grey.tif": deep(1),
    "colour.png": deep(3),
    "colour.tif": deep(3),
    "alpha.png": deep(4),
}


@pytest.mark.parametrize("name", [*FILMS, *PICTURES])
def test_frames_are_the_same(tmp_path, name):
    path = {**FILMS, **PICTURES}[name](tmp_path / name)
    ours, theirs = by_anonymize(path), by_build(path)
    assert ours.shape == theirs.shape
    error = np.abs(ours.astype(int) - theirs).mean(axis=(1, 2, 3))
    assert error.max() < LEVELS
