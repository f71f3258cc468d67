"""Films of many kinds come out as FFmpeg decodes them.

Each cell is a container, a codec, a pixel format, a frame rate, a rotation and
a kind of damage. What is damaged is refused, or comes out right as far as it
goes.
"""

import functools
import itertools
from fractions import Fraction

import av
import numpy as np
import pytest
from made_films import read_film
from made_films import scenes
from made_films import write_film
from made_videos import turn

from priv_keras import Anonymizer
from priv_keras import baselines
from priv_keras.films import encode
from priv_keras.films import pipeline
from priv_keras.films.video import Video

COUNT = 8
# Suffix of a file, an encoder, and its pixel formats.
KINDS = [
    ("mp4", "libx264", ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le")),
    ("mp4", "libx265", ("yuv420p", "yuv420p10le")),
    ("mp4", "mpeg4", ("yuv420p",)),
    ("mov", "libx264", ("yuv420p", "yuvj420p")),
    ("mov", "mjpeg", ("yuvj420p", "yuvj422p", "yuvj444p")),
    ("mov", "prores_ks", ("yuv422p10le",)),
    ("mov", "png", ("rgb24", "rgb48be", "gray")),
    ("mov", "qtrle", ("rgb24",)),
    ("3gp", "mpeg4", ("yuv420p",)),
    ("mkv", "libx264", ("yuv420p", "gray")),
    ("mkv", "ffv1", ("yuv420p", "bgr0", "gray", "yuv444p10le", "gbrp10le")),
    ("mkv", "mpeg2video", ("yuv420p", "yuv422p")),
    ("mkv", "libvpx-vp9", ("yuv420p", "yuv444p")),
    ("webm", "libvpx", ("yuv420p",)),
    ("webm", "libvpx-vp9", ("yuv420p", "yuv422p", "gbrp")),
    ("avi", "mpeg4", ("yuv420p",)),
    ("avi", "mjpeg", ("yuvj420p",)),
    ("avi", "ffv1", ("yuv420p",)),
    ("avi", "rawvideo", ("bgr24", "yuv420p")),
    ("ts", "libx264", ("yuv420p",)),
    ("ts", "libx265", ("yuv420p",)),
    ("ts", "mpeg2video", ("yuv420p",)),
    ("mpg", "mpeg2video", ("yuv420p",)),
    ("mpg", "mpeg1video", ("yuv420p",)),
    ("flv", "flv", ("yuv420p",)),
    ("flv", "libx264", ("yuv420p",)),
    ("asf", "wmv2", ("yuv420p",)),
    ("asf", "msmpeg4v3", ("yuv420p",)),
    ("nut", "ffv1", ("yuv420p",)),
    ("nut", "mpeg4", ("yuv420p",)),
    ("gif", "gif", ("rgb8",)),
    ("apng", "apng", ("rgb24",)),
    ("h264", "libx264", ("yuv420p",)),
    ("hevc", "libx265", ("yuv420p",)),
]
# Frames per second, or times in milliseconds.
RATES = {"25": 25, "ntsc": Fraction(30000, 1001), "60": 60}
VARIABLE = [0, 40, 80, 500, 520, 560, 1000, 1900]
OF_TELEVISION = ("mpeg2video", "mpeg1video")  # which know these rates alone
WITH_TIMES = ("mp4", "mov", "mkv", "webm", "nut")
TURNS = {
    "quarter": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "half": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "three quarters": ((0, -1, 1, 0), np.rot90),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "upside down": ((1, 0, 0, -1), np.flipud),
}
DAMAGES = ("rubbish behind", "cut", "joined", "noise")


def cells():
    """Yields a kind, a pixel format, a rate, a turn and a damage."""
    for kind in KINDS:
        suffix, codec, formats = kind
        rates = [*RATES, "variable"] if suffix in WITH_TIMES else [*RATES]
        for pixels, rate in itertools.product(formats, rates):
            if rate != "variable" or codec not in OF_TELEVISION:
                yield suffix, codec, pixels, rate, None, None
        for damage in DAMAGES:
            if (suffix, damage) == ("nut", "rubbish behind"):
                continue  # FFmpeg itself takes it for a frame
            yield suffix, codec, formats[0], "25", None, damage
        if suffix in ("mp4", "mov"):
            for turned in TURNS:
                yield suffix, codec, formats[0], "25", turned, None


@functools.cache
def passing():
    return Anonymizer.of(baselines.build("downsample_1"))


def write(folder, suffix, codec, pixels, rate):
    times = VARIABLE if rate == "variable" else None
    return write_film(
        folder / f"in.{suffix}",
        scenes(COUNT),
        codec=codec,
        pix_fmt=pixels,
        rate=25 if times else RATES[rate],
        times=times,
    )


def damaged(content, kind):
    if kind == "rubbish behind":
        return content + b"TAG" + bytes(125)
    if kind == "cut":
        return content[: len(content) * 6 // 10]
    if kind == "joined":
        return content * 2
    middle = len(content) // 2
    noise = np.random.default_rng(0).integers(0, 256, 200, "uint8").tobytes()
    return content[:middle] + noise + content[middle + len(noise) :]


def convert(path):
    """Returns the pictures and times of the output, and the warnings."""
    output = path.with_name("out.mkv")
    with (
        Video(str(path)) as film,
        encode.Encoder(
            output, ".mkv", film.format, config={"crf": 1, "preset": "veryfast"}
        ) as sink,
    ):
        pipeline.run(film, sink, passing().stream)
    return *read_film(output), film.warnings


def assert_alike(found, right, kind):
    """Raises unless pictures are those of FFmpeg, but for halved colours."""
    assert found.shape == right.shape, kind
    error = np.square(found.astype(float) - right).mean(axis=(1, 2, 3))
    noise = 10 * np.log10(255**2 / np.maximum(error, 1e-3))
    least = 20 if kind[0] == "gif" else 30  # which dithers, in full resolution
    assert noise.min() > least, (kind, noise.min())


def check_damaged(path, right, times, damage, kind):
    path.write_bytes(damaged(path.read_bytes(), damage))
    try:
        found, at, warnings = convert(path)
    except (ValueError, OSError) as error:
        assert str(path) in str(error), (kind, error)
        assert "\n" not in str(error), kind
        return
    if damage == "noise":  # not every codec can tell
        assert len(found) <= COUNT, kind
    elif damage == "joined" and len(found) == 2 * COUNT:
        assert_alike(found, np.concatenate([right, right]), kind)
        np.testing.assert_allclose(
            np.diff(at), times[1] - times[0], atol=0.002, err_msg=str(kind)
        )
    elif damage == "joined":
        assert_alike(found, right, kind)
        assert any("another film follows" in w for w in warnings), kind
    else:
        assert len(found) == COUNT or damage == "cut", kind
        assert_alike(found, right[: len(found)], kind)
        np.testing.assert_allclose(
            at, times[: len(at)], atol=0.002, err_msg=str(kind)
        )


def check(folder, kind):
    suffix, codec, pixels, rate, turned, damage = kind
    path = write(folder, suffix, codec, pixels, rate)
    if turned:
        turn(path, *TURNS[turned][0])
    right, times = plain(path)
    if damage:
        check_damaged(path, right, times, damage, kind)
        return
    if turned:
        right = np.stack([TURNS[turned][1](picture) for picture in right])
    found, at, warnings = convert(path)
    assert_alike(found, right, kind)
    assert len(found) == COUNT, kind
    np.testing.assert_allclose(at, times, atol=0.002, err_msg=str(kind))
    assert warnings == [], kind


def plain(path):
    """Returns what FFmpeg decodes, with times from 0."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        rate = container.streams.video[0].average_rate or 25
    pictures = [frame.to_ndarray(format="rgb24") for frame in frames]
    if any(frame.time is None for frame in frames):  # a raw stream
        times = np.arange(len(frames)) / float(rate)
    else:
        times = np.array([frame.time for frame in frames])
    return np.stack(pictures), times - times[0]


def test_the_matrix_is_large():
    assert len(list(cells())) >= 300


@pytest.mark.slow
@pytest.mark.parametrize("suffix", dict.fromkeys(kind[0] for kind in KINDS))
def test_films_come_out_as_ffmpeg_decodes_them(tmp_path, suffix):
    for number, kind in enumerate(cells()):
        if kind[0] != suffix or kind[1] not in av.codecs_available:
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        check(folder, kind)
