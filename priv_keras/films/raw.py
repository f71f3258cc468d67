"""Raw frames in pipes: rgb24 pixels, one frame after the other."""

from fractions import Fraction

import numpy as np

from priv_keras.films import colour
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import resized


class RawInput:
    """Frames of a binary file such as standard input, with the interface of
    `video.Video`.

    Args:
        file: Binary file. It must be unbuffered if a read may block: a read of
            a buffered file holds a lock that Python needs in order to exit.
        size: `(width, height)` in pixels.
        rate: Float, frames per second.
        seconds: Float, seconds after which to end; `None` to read until the
            end of the file.
    """

    live, count, audio, packets = False, None, (), ()

    def __init__(self, file, size, rate, seconds=None):
        self._file, self._seconds = file, seconds
        rate = Fraction(rate).limit_denominator(1001)
        self.name, self.warnings, self.dropped = "standard input", [], []
        self.metadata = {}
        self.format = Format(size, 1 / rate, rate, colour=colour.of_rgb(size))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def frames(self, size):
        """Yields `Frame`s, scaled to `(width, height)`.

        Raises:
            ValueError: If the last frame is incomplete, or there is no frame.
        """
        width, height = self.format.size
        length, count = width * height * 3, 0
        while content := self._read(length):
            if len(content) < length:
                raise ValueError(
                    f"Frame {count} of standard input has {len(content)} bytes "
                    f"of {length}: is --raw_size={width}x{height} right?"
                )
            if self._seconds and count >= self._seconds * self.format.rate:
                return
            pixels = np.frombuffer(content, "uint8").reshape(height, width, 3)
            yield Frame(resized(pixels, size), count, 1)
            count += 1
        if not count:
            raise ValueError("Standard input has no frames.")

    def _read(self, length):
        """Reads `length` bytes, or fewer at the end of the file."""
        parts = []
        while length and (part := self._file.read(length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


class RawOutput:
    """Writes frames to a binary file such as standard output; has the
    interface of `encode.Encoder`.

    Args:
        file: Binary file; `None` to write nothing, for a preview only.
        format: `Format` of the input.
    """

    def __init__(self, file, format):
        self._file, self.format, self.written = file, format, 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def write(self, frame):
        if self._file:
            self._file.write(resized(frame.pixels, self.format.size).tobytes())
        self.written += 1

    def finish(self):
        if self._file:
            self._file.flush()
