"""Writes a film as several files of equal length."""

import contextlib


class Segments:
    """Writes frames to one file after the other; has the interface of
    `encode.Encoder`.

    Args:
        open_segment: Callable that takes a number, 1 for the first, and returns
            a context manager that yields an `encode.Encoder`. Its file appears
            when it is left without an error.
        seconds: Float, the length of a segment.
        time_base: Fraction, seconds per tick of a frame's time.
    """

    def __init__(self, open_segment, seconds, time_base):
        self._open, self._seconds = open_segment, seconds
        self._time_base = time_base
        self._number, self._sink, self._start = None, None, 0
        self._stack = contextlib.ExitStack()
        self.written = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stack.__exit__(*error)

    def write(self, frame):
        number = 1 + int(frame.time * self._time_base // self._seconds)
        if number != self._number:
            self.finish()
            self._sink = self._stack.enter_context(self._open(number))
            self._number, self._start = number, frame.time
        self._sink.write(frame._replace(time=frame.time - self._start))
        self.written += 1

    def finish(self):
        """Completes the segment that is being written."""
        if self._sink:
            self._sink.finish()
            self._sink = None
            self._stack.close()
