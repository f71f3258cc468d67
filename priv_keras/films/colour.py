"""How the pixels of a film are coded: matrix, depth and transparency."""

import functools

import numpy as np

from priv_keras.films.frame import Colour

# Numbers of ITU-T H.273.
RGB, BT709, UNSPECIFIED, SMPTE170M = 0, 1, 2, 6
RESERVED = (0, 3)  # of primaries and transfer; 3 of matrices, too
MATRICES = (1, 4, 5, 6, 7, 9)  # those that FFmpeg's scaler knows
UNREADABLE = {
    8: "YCgCo",
    10: "BT.2020 with constant luminance",
    11: "SMPTE ST 2085",
    12: "a matrix that is derived from its primaries",
    13: "a matrix that is derived from its primaries",
    14: "ICtCp",
    15: "IPT-C2",
    16: "YCgCo-R",
    17: "YCgCo-R",
}
BACKGROUND = 255  # white, which is seen through transparent pixels


def check(name, frame):
    """Raises if FFmpeg's scaler would get the colours of a frame wrong.

    Args:
        name: String, the name of the input.
        frame: `av.VideoFrame`.

    Raises:
        ValueError: If so.
    """
    found = UNREADABLE.get(int(frame.colorspace))
    if found and not _is_rgb(frame.format.name):
        raise ValueError(
            f"{name} has colours in {found}, which are not read. Convert it to "
            "BT.709 first."
        )


def matrix(frame):
    """Returns the matrix of a frame, or `UNSPECIFIED` if it makes no sense."""
    number = int(frame.colorspace)
    return number if number in MATRICES else UNSPECIFIED


def of(frame):
    """Returns the `Colour` in which a film of such frames is written.

    Args:
        frame: `av.VideoFrame`.
    """
    number = matrix(frame)
    if _is_rgb(frame.format.name):
        number = of_rgb((frame.width, frame.height)).matrix
    tags = (int(frame.color_primaries), int(frame.color_trc))
    tags = (UNSPECIFIED if tag in RESERVED else tag for tag in tags)
    return Colour(number, *tags)


def of_rgb(size):
    """Returns the `Colour` in which a film of frames in RGB is written.

    They have no matrix, and get the one that players assume for their size,
    since some players ignore what a file says.

    Args:
        size: `(width, height)` in pixels.
    """
    width, height = size
    return Colour(BT709 if width >= 1280 or height > 576 else SMPTE170M)


@functools.cache
def _is_rgb(name):
    import av

    format = av.VideoFormat(name)
    return format.is_rgb or format.has_palette or name.startswith("xyz")


@functools.cache
def bits(name):
    """Returns the bits of a component of a pixel format."""
    import av

    return max(part.bits for part in av.VideoFormat(name).components)


@functools.cache
def has_alpha(name):
    """Returns whether pixels of a format, by its name, may be transparent."""
    import av

    format = av.VideoFormat(name)
    parts = format.components
    return format.has_palette or any(part.is_alpha for part in parts)


def composited(pixels):
    """Lays a picture on `BACKGROUND`, which hides what transparent pixels hold.

    Args:
        pixels: uint8 array `(height, width, 4)`, RGB and alpha.

    Returns:
        uint8 array `(height, width, 3)`, and whether a pixel was transparent.
    """
    colours, alpha = pixels[..., :3], pixels[..., 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(colours), False
    alpha = alpha.astype("uint16")
    blend = colours * alpha + BACKGROUND * (255 - alpha) + 127
    return (blend // 255).astype("uint8"), True
