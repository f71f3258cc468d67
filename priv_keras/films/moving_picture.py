"""Reads moving pictures that FFmpeg does not: WebP, and GIFs without times."""

from fractions import Fraction

import numpy as np

from priv_keras.films import colour
from priv_keras.films import gif
from priv_keras.films import picture
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import check_pixels
from priv_keras.films.frame import resized

MILLISECOND = Fraction(1, 1000)
UNTIMED = 100  # milliseconds that browsers show a picture of a GIF without time


def is_one(path):
    """Returns whether a file is a WebP that moves, or a GIF that moves and has
    a picture without a time, by its content: FFmpeg's parser takes that for a
    part of the one before."""
    try:
        with open(path, "rb") as file:
            start = file.read(12)
    except OSError:
        return False
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return picture.moves(path)
    found = gif.gif(path)
    return found is not None and found.pictures > 1 and not found.timed


class MovingPicture(picture.Picture):
    """Frames of a moving picture, with the interface of `video.Video`.

    Args:
        name: String, path of the file.
        keep_metadata: Bool, whether a warning tells that none can be kept.
        seconds: Float, seconds after which to end; `None` to read to the end.
        accept_damaged: Bool, whether it ends before a frame that cannot be
            decoded.

    Raises:
        ValueError: If it cannot be decoded, or has too many pixels.
        OSError: If it cannot be read.
    """

    def __init__(
        self, name, *, keep_metadata=False, seconds=None, accept_damaged=False
    ):
        self._seconds, self._accept = seconds, accept_damaged
        self._ends = {}  # of the pictures of a GIF, in milliseconds
        super().__init__(name, exif=keep_metadata)
        size = self.format.size
        self.format = Format(
            size, MILLISECOND, self._rate, colour=colour.of_rgb(size)
        )

    def frames(self, size):
        """Yields `Frame`s scaled to `(width, height)`; see `video.Video`.

        Raises:
            ValueError: If a frame cannot be decoded.
        """
        last = -1
        with picture.opened(self.name) as image:
            for i in range(self.count):
                try:
                    with self._errors_reworded():
                        pixels, time, duration = self._frame(image, i)
                except ValueError as error:
                    if not self._accept or not i:
                        raise
                    self.warnings.append(f"broke off: {error}")
                    return
                last = time = max(time, last + 1)
                if self._seconds and time * MILLISECOND >= self._seconds:
                    return
                yield Frame(resized(pixels, size), time, duration)

    def _decode(self, exif):
        """Returns the first frame, and finds how many there are and how fast
        they follow each other."""
        with picture.opened(self.name) as image:
            found = gif.gif(self.name)  # later ones may be larger
            size = found.size if found else image.size
            check_pixels(self.name, size[0] * size[1], size)
            self.dropped = picture.dropped(image.info)
            if exif:
                self._tell_lost(picture.TEXTS | {"exif"})
            self.count = image.n_frames
            pixels, _, duration = self._frame(image, 0)
        self._rate = Fraction(1000, duration) if duration else Fraction(25)
        return pixels

    def _frame(self, image, i):
        """Returns the pixels of a frame, its time and its duration."""
        from PIL import ImageOps

        image.seek(i)
        image.load()
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(self._in_srgb(upright))
        self.dropped = list(dict.fromkeys(self.dropped))
        self.warnings = list(dict.fromkeys(self.warnings))
        if "timestamp" in image.info:
            return pixels, image.info["timestamp"], image.info["duration"]
        time = self._ends.get(i - 1, 0)
        duration = image.info.get("duration") or UNTIMED
        self._ends[i] = time + duration
        return pixels, time, duration
