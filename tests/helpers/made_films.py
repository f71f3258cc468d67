"""Films as found in practice: with sound, places, covers and gaps in time."""

from fractions import Fraction

import av
import numpy as np

from priv_keras.films import encode
from priv_keras.films import pipeline
from priv_keras.films.video import Video

SIZE = (64, 48)
PLACE = "+52.5200+013.4050/"


def scene(i, size=SIZE):
    """Returns a picture whose colours and pattern tell its number, and which
    differs from its inverse."""
    y, x = np.mgrid[: size[1], : size[0]]
    rings = 60 + 50 * np.sin(np.hypot(x - 2 * i, y - size[1] / 2) / 4)
    return np.stack([rings, rings / 2, np.full_like(rings, 3 * i)], -1).astype(
        "uint8"
    )


def lopsided(i, size=SIZE):
    """Returns a scene that shows whether it was turned or mirrored."""
    pixels = scene(i, size)
    pixels[: size[1] // 2] //= 2
    return pixels


def scenes(count=30, size=SIZE):
    return [scene(i, size) for i in range(count)]


def write_film(
    path,
    pictures=None,
    *,
    times=None,
    codec="libx264",
    pix_fmt="yuv420p",
    rate=25,
    aspect=None,
    audio=None,
    cover=False,
    metadata=None,
    options=None,
):
    """Writes pictures at `rate`, or at `times` in milliseconds, as close to
    lossless as the codec gets."""
    pictures = scenes() if pictures is None else pictures
    base = Fraction(1, 1000) if times else Fraction(1, rate)
    times = times or range(len(pictures))
    with av.open(str(path), "w", container_options=options or {}) as container:
        container.metadata.update(metadata or {})
        crf = {"crf": "1"} if "x264" in codec else {}
        video = container.add_stream(codec, rate=rate, options=crf)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pix_fmt
        video.codec_context.time_base = base
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        sound = container.add_stream(audio, rate=8000) if audio else None
        if cover:
            picture = container.add_stream("mjpeg")
            picture.width, picture.height = SIZE
            picture.pix_fmt = "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
        for time, pixels in zip(times, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels)
            frame.pts, frame.time_base = time, base
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound:
            seconds = float(times[-1] * base)
            for packet in hum(sound, seconds):
                container.mux(packet)
        if cover:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(scene(0))))
            container.mux(picture.encode())
    return path


def hum(stream, seconds):
    """Yields packets of a stream of sound."""
    for i in range(int(seconds * 8000 / 1024) + 1):
        wave = (8000 * np.sin(np.arange(1024) / 5)).astype("int16")
        frame = av.AudioFrame.from_ndarray(wave[None], "s16", "mono")
        frame.sample_rate, frame.pts = 8000, 1024 * i
        yield from stream.encode(frame)
    yield from stream.encode()


def read_film(path):
    """Returns the RGB pictures of a film and their times in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        pictures = [frame.to_ndarray(format="rgb24") for frame in frames]
        return np.stack(pictures), np.array([frame.time for frame in frames])


def seconds_of(path):
    """Returns the seconds at which the last frame of the video ends."""
    with av.open(str(path)) as container:
        *_, last = container.decode(video=0)
        return float((last.pts + last.duration) * last.time_base)


def inverted(batches):
    """Inverts frames, as an anonymizer whose output can be checked."""
    for frames in batches:
        yield 255 - frames


def convert(source, output, *, stream=inverted, size=None, audio=False, **kw):
    """Converts a film by the core of the program, without the program."""
    with Video(str(source), audio=audio) as film:
        options = {"audio": film.audio, **kw}
        with encode.Encoder(
            output, output.suffix, film.format, **options
        ) as sink:
            pipeline.run(film, sink, stream, size=size)
    return film
