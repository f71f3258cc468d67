"""`anonymize` and `build` decode alike: each has code of its own."""

import gc
import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from both_readers import READERS
from both_readers import read_by_anonymize
from both_readers import read_by_build
from made_films import lopsided
from made_films import scenes
from made_films import write_film
from made_videos import turn
from odd_films import H264
from odd_films import MPEG2
from odd_films import TRANSPARENT
from odd_films import join
from odd_films import jpegs
from odd_films import write_flat
from odd_films import write_interlaced
from odd_films import write_transparent
from odd_pictures import exif_bytes
from odd_pictures import swapped
from odd_pictures import twelve_bits
from odd_pictures import write_16_bits
from odd_pictures import write_picture
from PIL import Image
from PIL import ImageCms

from priv_keras.films import jobs
from priv_keras.films import video
from tfrecords_tools import decode
from tfrecords_tools import names

LEVELS = 4  # on average; the ways differ in which halved colours are enlarged


def joined(suffix, codec):
    def write(path):
        parts = [
            write_film(path.with_name(f"{i}.{suffix}"), scenes(9), codec=codec)
            for i in range(2)
        ]
        return join(path, *parts)

    return write


def turned(*matrix):
    def write(path):
        write_film(path, [lopsided(i) for i in range(4)])
        turn(path, *matrix)
        return path

    return write


def mjpeg(orientation):
    def write(path):
        path.write_bytes(b"".join(jpegs(4, orientation)))
        return path

    return write


def flat(matrix, range_, pix_fmt):
    return lambda path: write_flat(path, matrix, range_, pix_fmt)


def transparent(name):
    kind = TRANSPARENT[name]
    return lambda path: write_transparent(path, *kind)


def interlaced(how):
    return lambda path: write_interlaced(path, *how)


def see_through(path):
    pixels = np.empty((48, 64, 4), "uint8")
    pixels[:, :32], pixels[:, 32:] = (250, 10, 10, 40), (20, 60, 200, 255)
    Image.fromarray(pixels).save(path)
    return path


def profiled(path):
    profile = swapped()
    return write_picture(path, icc_profile=profile)


def upside_down(path):
    return write_picture(path, exif=exif_bytes(3))


def deep(channels):
    def write(path):
        values = twelve_bits() * 10
        return write_16_bits(path, values, channels)

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
    "interlaced.mp4": interlaced(H264),
    "interlaced.mpg": interlaced(MPEG2),
    **{name: transparent(name) for name in TRANSPARENT},
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
    ours = read_by_anonymize(path)
    theirs = read_by_build(path, ours.shape[2:0:-1])
    assert ours.shape == theirs.shape
    error = np.abs(ours.astype(int) - theirs).mean(axis=(1, 2, 3))
    assert error.max() < LEVELS


def test_the_same_files_are_those_of_systems():
    assert jobs.SYSTEM_NAMES == names.SYSTEM
    for name in (*names.SYSTEM, "@eaDir", ".a.mp4", "~$a.mp4"):
        assert jobs.is_system(name) and names.is_system(name)
    for name in ("a.mp4", "~a.mp4", "$a.mp4", "a$~.mp4"):
        assert not jobs.is_system(name) and not names.is_system(name)


@pytest.mark.parametrize("read", READERS)
def test_each_picture_of_a_gif_without_times_is_a_frame(tmp_path, read):
    path = tmp_path / "in.gif"
    first, *rest = (Image.fromarray(lopsided(i)) for i in range(5))
    first.save(path, save_all=True, append_images=rest)  # Pillow's default
    assert len(read(path)) == 5


@pytest.mark.parametrize("read", READERS)
def test_no_picture_of_a_gif_is_larger_than_the_limit(tmp_path, read):
    """The size of the screen in its header limits none of them."""
    path = tmp_path / "in.gif"
    first, *rest = (Image.fromarray(lopsided(i)) for i in range(3))
    first.save(path, save_all=True, append_images=rest)
    content = path.read_bytes()
    at = content.rindex(b"\x00,") + 1  # what begins the last picture
    large = struct.pack("<HHHH", 0, 0, 60_000, 60_000)
    path.write_bytes(content[: at + 1] + large + content[at + 9 :])
    with pytest.raises(ValueError, match="60000x60000"):
        read(path)


@pytest.mark.parametrize("read", READERS)
def test_a_gif_that_is_cut_off_is_refused(tmp_path, read):
    path = tmp_path / "in.gif"
    Image.fromarray(lopsided(0)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(ValueError, match="in.gif"):
        read(path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("suffix", ["png", "mov"])
def test_a_profile_in_a_film_of_pngs_does_not_crash_and_is_told(
    tmp_path, read, suffix
):
    """PyAV would free a part of it that FFmpeg frees as well."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    first, *rest = (Image.fromarray(lopsided(i)) for i in range(4))
    path = tmp_path / f"in.{suffix}"
    if suffix == "png":
        options = {"save_all": True, "append_images": rest, "duration": 40}
        first.save(path, icc_profile=profile.tobytes(), **options)
    else:
        with av.open(path, "w") as film:
            stream = film.add_stream("png", 25)
            stream.width, stream.height = first.size
            stream.pix_fmt = "rgb24"
            for i, image in enumerate((first, *rest)):
                content = io.BytesIO()
                image.save(content, "PNG", icc_profile=profile.tobytes())
                packet = av.Packet(content.getvalue())
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts = packet.dts = i
                film.mux(packet)
    assert len(read(path)) == 4
    gc.collect()
    if read is read_by_build:
        told = []
        decode.frames(path, (64, 48), warn=told.append)
        assert told == [f"{path}: its colour profile is not applied."]
    else:
        with video.Video(str(path)) as film:
            assert film.warnings == ["its colour profile is not applied"]
            assert "colour profile" in film.dropped
