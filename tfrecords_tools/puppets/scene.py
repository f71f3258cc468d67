"""The room, its light and the camera."""

from typing import NamedTuple

import numpy as np

from tfrecords_tools.puppets import drawing

_VIEW = (3.2, 2.5)  # metres that are in view at least, width and height


class View(NamedTuple):
    """Where the camera looks in each of `n` frames."""

    size: tuple  # of a frame: width and height, pixels
    fold: int  # how many times as wide and high as a frame its canvas is
    scale: float  # pixels of the canvas for each metre, at a zoom of 1
    centre: np.ndarray  # (n, 2), metres
    zoom: np.ndarray  # (n,)

    def canvas(self):
        """Returns the width and height of the canvas, in pixels."""
        return tuple(self.fold * side for side in self.size)

    def pixels(self, points):
        """Returns canvas positions of (n, polygons, corners, 2) in metres."""
        zoom = (self.zoom * self.scale)[:, None, None, None]
        offset = points - self.centre[:, None, None, :]
        return offset * zoom * (1, -1) + np.array(self.canvas()) / 2 - 0.5


def camera(rng, size):
    """Draws a `View` at random, and so the number of frames, 10 to 46."""
    width, height = size
    count = int(rng.integers(10, 47))
    time = np.linspace(-0.5, 0.5, count)
    fold = max(1, -(-240 // min(width, height)))
    pan = rng.uniform(-0.07, 0.07, 2) + np.outer(
        time, rng.uniform(-0.12, 0.12, 2)
    )
    shake = np.stack([wander(rng, time, 9) for _ in range(2)], 1)
    return View(
        size=(width, height),
        fold=fold,
        scale=fold * min(width / _VIEW[0], height / _VIEW[1]),
        centre=(0, 1.0) + pan * (1, 0.5) + 0.012 * shake,
        zoom=rng.uniform(0.93, 1.07) + time * rng.uniform(-0.05, 0.05),
    )


def wander(rng, time, speed):
    """Returns smooth noise in [-1, 1] over `time`."""
    rates = speed * rng.uniform(0.5, 1.5, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)
    return np.sin(2 * np.pi * np.outer(time, rates) + phases).mean(1)


def lit(rng, frames):
    """Returns frames in a light of random colour and contrast."""
    import cv2

    gain = rng.uniform(0.75, 1.05) * rng.uniform(0.9, 1.1, 3)
    ramp = np.linspace(0, 1, 256) ** rng.uniform(0.8, 1.3)
    table = np.clip(255 * np.outer(ramp, gain), 0, 255).astype(np.uint8)
    count, height, width, _ = frames.shape
    flat = frames.reshape(1, -1, 3)
    lit = cv2.LUT(flat, table[None])
    return lit.reshape(count, height, width, 3)


def room(rng, view):
    """Returns the floor's colour, and the room as a picture of 3/2 canvas."""
    width, height = (3 * side // 2 for side in view.canvas())
    wall = tint(rng, 80, 210)
    floor = tint(rng, 50, 200)
    skirting = rng.uniform(0.3, 0.6)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.rint(wall)
    shapes = [(box(0, skirting - 5, 20, 5), floor)]
    shapes.append((box(0, skirting, 20, 0.04), 0.75 * wall))
    for _ in range(rng.integers(2, 6)):
        shapes += _furniture(rng, skirting)
    middle = np.array((width, height)) / 2
    for corners, colour in shapes:
        points = (corners - (0, 1)) * view.scale * (1, -1) + middle - 0.5
        drawing.fill(image, drawing.fixed(points[None]), colour)
    return floor, image


def tint(rng, low, high):
    """Returns a random colour whose brightness is about `low` to `high`."""
    return rng.uniform(low, high) + rng.uniform(-28, 28, 3)


def box(x, y, width, height):
    """Returns corners (4, 2) of a box that stands on `y`, centred at `x`."""
    left, right = x - width / 2, x + width / 2
    return np.array(
        ((left, y), (right, y), (right, y + height), (left, y + height))
    )


def _furniture(rng, floor):
    """Returns polygons of one thing at the wall and their colours.

    It is a cupboard, a picture or a lamp.
    """
    kind = rng.integers(3)
    x = rng.uniform(-2.2, 2.2)
    colour = tint(rng, 50, 220)
    inner = tint(rng, 50, 220)
    wide, high = rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.9)
    if kind == 0:
        base = floor - 0.06
        lid = box(x, base + 0.52 * high, 0.85 * wide, 0.4 * high)
        return [(box(x, base, wide, high), colour), (lid, 0.85 * colour)]
    if kind == 1:
        y = rng.uniform(1.1, 1.8)
        frame = box(x, y, wide + 0.1, 0.7 * high + 0.1)
        return [(frame, colour), (box(x, y + 0.05, wide, 0.7 * high), inner)]
    y = rng.uniform(1.2, 2.0)
    shade = drawing.ellipse(24) * (0.35 * wide, 0.35 * wide) + (x, y)
    return [(box(x, floor, 0.05, y - floor), 0.6 * colour), (shade, colour)]


def backdrop(image, view, index):
    """Returns the part of the room that the camera sees in one frame."""
    import cv2

    width, height = view.canvas()
    zoom = view.zoom[index]
    shift = (view.centre[index] - (0, 1)) * view.scale * (1, -1)
    middle = np.array(image.shape[1::-1]) / 2 - 0.5 + shift
    half = np.array((width, height)) / 2 - 0.5
    inverse = np.array(
        (
            (1 / zoom, 0, middle[0] - half[0] / zoom),
            (0, 1 / zoom, middle[1] - half[1] / zoom),
        )
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        image,
        inverse,
        (width, height),
        flags=flags,
        borderMode=cv2.BORDER_REPLICATE,
    )
