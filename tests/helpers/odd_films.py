"""Films whose colours, fields, transparency or turns are unusual."""

import io

import av
import numpy as np
from made_films import SIZE
from made_films import lopsided
from PIL import Image

HIDDEN, SEEN = (250, 10, 10), (20, 60, 200)

TRANSPARENT = {
    "png.mov": ("png", "rgba"),
    "qtrle.mov": ("qtrle", "argb"),
    "ffv1.mkv": ("ffv1", "yuva420p"),
    "vp9.webm": ("libvpx-vp9", "yuva420p"),
    "prores.mov": ("prores_ks", "yuva444p10le"),
    "a.apng": ("apng", "rgba"),
}

H264 = ("libx264", {"crf": "1", "x264-params": "tff=1"})

MPEG2 = ("mpeg2video", {"qmax": "1", "qmin": "1"})


def join(path, *parts):
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def write_flat(path, matrix, range_, pix_fmt="yuv444p", yuv=(120, 100, 160)):
    """Writes frames of one colour, without conversion."""
    deep = "10" in pix_fmt
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, pix_fmt
        context = video.codec_context
        context.colorspace, context.color_range = matrix, range_
        for _ in range(2):
            frame = av.VideoFrame(*SIZE, pix_fmt)
            frame.colorspace, frame.color_range = matrix, range_
            for plane, value in zip(frame.planes, yuv, strict=True):
                kind = "uint16" if deep else "uint8"
                size = plane.buffer_size // (1 + deep)
                level = value * 4 if deep else value
                plane.update(np.full(size, level, kind).tobytes())
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


def write_transparent(path, codec, pix_fmt):
    """Writes a film whose left half is transparent and not empty."""
    pixels = np.empty((*SIZE[::-1], 4), "uint8")
    pixels[:, :32], pixels[:, 32:] = (*HIDDEN, 0), (*SEEN, 255)
    frame = av.VideoFrame.from_ndarray(pixels, "rgba")
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, pix_fmt
        video.metadata["alpha_mode"] = "1"
        for _ in range(3):
            container.mux(video.encode(frame.reformat(format=pix_fmt)))
        container.mux(video.encode())
    return path


def moving(i, size=SIZE):
    """Returns a bright bar that moves by 2 pixels from field to field."""
    pixels = np.full((*size[::-1], 3), 40, "uint8")
    pixels[:, 4 + 2 * i : 12 + 2 * i] = 220
    return pixels


def write_interlaced(path, codec, options, *, count=8):
    """Writes frames of two fields each, the upper one first."""
    flags = av.codec.context.Flags
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.flags |= flags.interlaced_dct | flags.interlaced_me
        for i in range(count):
            pixels = moving(2 * i)
            pixels[1::2] = moving(2 * i + 1)[1::2]
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(video.encode())
    return path


def jpegs(count, orientation):
    """Returns JPEGs whose EXIF data say how to turn them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for i in range(count):
        content = io.BytesIO()
        image = Image.fromarray(lopsided(i))
        image.save(content, "JPEG", exif=exif, quality=95)
        yield content.getvalue()
