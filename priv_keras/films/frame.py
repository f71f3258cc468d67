"""A frame of a film, and the format of a film."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

MAX_PIXELS = 1 << 26  # of a frame; a larger header is damaged or a bomb


class Frame(NamedTuple):
    """A picture and the time at which it is shown."""

    pixels: np.ndarray  # uint8 (height, width, 3), RGB, upright
    time: int  # in ticks of `Format.time_base`
    duration: int  # likewise; 0 if it is not known


class Colour(NamedTuple):
    """How pixels are coded, as numbers of ITU-T H.273; 2 means unspecified."""

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2


class Format(NamedTuple):
    """The properties that an output shares with its input."""

    size: tuple  # (width, height) in pixels, upright
    time_base: Fraction = Fraction(1, 25)  # seconds per tick
    rate: Fraction = Fraction(25)  # frames per second, on average
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel over its height
    colour: Colour = Colour()
    bits: int = 8  # of a component of a pixel


def check_pixels(name, count, size=None):
    """Raises if a frame has more than `MAX_PIXELS`, before it is decoded.

    Args:
        name: String, the name of the input.
        count: Int, the pixels that the header of the frame announces.
        size: `(width, height)` in pixels; `None` if it is not known.

    Raises:
        ValueError: If it has more.
    """
    if count > MAX_PIXELS:
        shape = f" ({size[0]}x{size[1]})" if size else ""
        raise ValueError(
            f"{name} has frames of {count} pixels{shape}, and the limit is "
            f"{MAX_PIXELS}. Scale it down first."
        )


def resized(pixels, size):
    """Resizes a picture: averages areas to shrink it, or else uses Lanczos.

    Args:
        pixels: uint8 array `(height, width, 3)`.
        size: `(width, height)` in pixels.

    Returns:
        uint8 array `(size[1], size[0], 3)`.
    """
    import cv2

    shape = pixels.shape[1::-1]
    if shape == tuple(size):
        return pixels
    smaller = size[0] * size[1] < shape[0] * shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4
    return cv2.resize(pixels, size, interpolation=way)
