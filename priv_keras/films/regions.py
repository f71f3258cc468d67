"""Places in a frame that are anonymized, or that are not.

The rest of such a frame is raw, so the figures of an anonymizer, which were
measured on whole frames, do not hold for it.
"""

import collections
import re

import numpy as np


def raw(size, processed, name, only=(), keep=()):
    """Returns which pixels stay raw.

    A place is a rectangle `x,y,w,h` in pixels of the input, or the name of a
    mask, a picture of the input's size that is white inside.

    Args:
        size: `(width, height)` in pixels of the input.
        processed: `(width, height)` in pixels at which it is anonymized. A
            pixel of that size stays raw if all that it shows does.
        name: String, the name of the input.
        only: List of strings, the places that alone are anonymized.
        keep: List of strings, the places that stay raw.

    Returns:
        Bool array `(height, width)` of the processed size.

    Raises:
        ValueError: If a place does not fit into the frame.
        OSError: If a mask cannot be read.
    """
    import cv2

    shown = np.full(size[::-1], bool(only))
    for place in only:
        shown &= ~_inside(place, size, name)
    for place in keep:
        shown |= _inside(place, size, name)
    hidden = (~shown).astype("float32")
    for width, height in ((processed[0], size[1]), processed):
        old = hidden.shape
        smaller = width < old[1] or height < old[0]
        way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        hidden = cv2.resize(hidden, (width, height), interpolation=way)
    return hidden < 1e-6


def _inside(place, size, name):
    """Returns a bool array `(height, width)`, whether pixels are in a place."""
    if not re.fullmatch(r"\d+(,\d+){3}", place):
        return _mask(place, size, name)
    x, y, width, height = map(int, place.split(","))
    if not (
        width and height and x + width <= size[0] and y + height <= size[1]
    ):
        raise ValueError(
            f"{name} has frames of {size[0]}x{size[1]}, and the region {place} "
            "(x,y,w,h) does not lie in them."
        )
    inside = np.zeros(size[::-1], bool)
    inside[y : y + height, x : x + width] = True
    return inside


def _mask(path, size, name):
    from priv_keras.films.picture import Picture

    with Picture(path) as mask:
        if tuple(mask.format.size) != tuple(size):
            raise ValueError(
                f"{name} has frames of {size[0]}x{size[1]}, and the mask "
                f"{path} has {mask.format.size[0]}x{mask.format.size[1]}."
            )
        (frame,) = mask.frames(mask.format.size)
    return frame.pixels.mean(axis=-1) > 127


def composited(stream, raw):
    """Leaves pixels of frames as they are.

    Args:
        stream: Callable, see `pipeline.anonymized`.
        raw: Bool array `(height, width)`, the pixels that stay raw.

    Returns:
        Callable like `stream`.
    """

    def partly(batches):
        waiting = collections.deque()

        def given():
            for frames in batches:
                waiting.extend(frames)
                yield frames

        for frames in stream(given()):
            before = [waiting.popleft() for _ in range(len(frames))]
            yield np.where(raw[..., None], before, frames)

    return partly
