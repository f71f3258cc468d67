"""Shapes as polygons, and how OpenCV fills them."""

from typing import NamedTuple

import numpy as np

_BITS = 4  # binary places of pixel positions


class Part(NamedTuple):
    """Polygons of one colour in each of `n` frames."""

    depth: np.ndarray  # (n,), higher is nearer to the camera
    polygons: np.ndarray  # (n, polygons, corners, 2), metres
    colour: tuple


def fill(image, polygons, colour):
    """Fills `fixed` polygons, (count, corners, 2), which must not overlap."""
    import cv2

    cv2.fillPoly(image, list(polygons), colour, cv2.LINE_AA, _BITS)


def fixed(points):
    """Returns pixel positions as `fill` takes them, as fixed-point numbers."""
    return np.rint(points * 2**_BITS).astype(np.int32)


def ellipse(corners, start=0.0, stop=2 * np.pi):
    """Returns points of the unit circle from one angle to another."""
    angles = np.linspace(start, stop, corners)
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def tube(start, end, radii, extra=0.0):
    """Returns the outline, (n, 1, 14, 2), of a limb with round ends.

    Args:
        start: Array (n, 2), metres.
        end: Array (n, 2), metres.
        radii: Half the thickness at `start` and at `end`, metres. Either may
            be an array (n, 1).
        extra: Float, metres added to both.
    """
    along, across = axes(start, end)
    arc = ellipse(7, -np.pi / 2, np.pi / 2)[None]
    caps = []
    for point, radius, sign in ((start, radii[0], -1), (end, radii[1], 1)):
        reach = (np.asarray(radius) + extra)[..., None] * sign
        offset = arc[..., :1] * along[:, None] + arc[..., 1:] * across[:, None]
        caps.append(point[:, None] + reach * offset)
    return np.concatenate(caps, 1)[:, None]


def axes(start, end):
    """Returns unit vectors (n, 2) along a limb and across it."""
    along = end - start
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    along = along / np.maximum(length, 1e-6)
    return along, np.stack([-along[:, 1], along[:, 0]], -1)


def texture(name, rows, columns):
    """Returns polygons (count, corners, 2) in cloth coordinates.

    The first coordinate runs along the limb, 0 to 1, and the second one across
    it, -1 to 1. A cloth of another name is plain and has no polygons.
    """
    row, column = np.mgrid[:rows, :columns].reshape(2, -1)
    square = np.array(((0, 0), (1, 0), (1, 1), (0, 1)))
    diamond = np.array(((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)))
    if name == "hoops":
        row, column, columns = np.arange(rows), np.zeros(rows), 1
        shape = square * (0.5, 1) + (0.25, 0)
    elif name == "pins":
        row, column, rows = np.zeros(columns), np.arange(columns), 1
        shape = square * (1, 0.5) + (0, 0.25)
    elif name == "dots":
        shape = 0.3 * ellipse(9)[:-1] + 0.5
    elif name == "diamonds":
        shape = diamond
    elif name == "checks":
        dark = (row + column) % 2 == 0
        row, column, shape = row[dark], column[dark], square
    else:
        return np.empty((0, 4, 2))
    cells = shape + np.stack([row, column], -1)[:, None]
    return cells / (rows, columns) * (1, 2) - (0, 1)


def printed(start, end, radii, cells):
    """Returns texture polygons (n, count, corners, 2), laid on a limb."""
    _, across = axes(start, end)
    along, side = cells[None, ..., :1], cells[None, ..., 1:]
    first, last = (np.asarray(r)[..., None, None] for r in radii)
    radius = first + (last - first) * along
    base = start[:, None, None] + along * (end - start)[:, None, None]
    return base + side * radius * across[:, None, None]


def shade(colour, factor):
    """Returns a colour `factor` times as bright."""
    return tuple(factor * channel for channel in colour)
