"""Raw frames through pipes: rgb24, one after the other."""

from fractions import Fraction

import numpy as np

from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import resized


class RawInput:
    """Frames of a binary file, as standard input; has what `footage.Video` has.

    Args:
        file: Binary file, unbuffered where it may have nothing to read: what
            waits for a buffered one holds a lock that Python wants at its end.
        size: `(width, height)` in pixels.
        rate: Float, frames per second.
        seconds: Float, when to end; `None` for at the end of the file.
    """

    live, count, audio, packets = False, None, (), ()

    def __init__(self, file, size, rate, seconds=None):
        self._file, self._seconds = file, seconds
        rate = Fraction(rate).limit_denominator(1001)
        self.name, self.warnings, self.dropped = "standard input", [], []
        self.metadata = {}
        self.format = Format(size, 1 / rate, rate)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def frames(self, size):
        """Yields `Frame`s, scaled to `(width, height)`.

        Raises:
            ValueError: If the last frame is not whole, or there is none.
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
        """So many bytes, or as many as there are."""
        parts = []
        while length and (part := self._file.read(length)):
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


class RawOutput:
    """Writes frames to a binary file, as standard output; has what
    `encode.Encoder` has.

    Args:
        file: Binary file; `None` to write nothing, for a preview alone.
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
