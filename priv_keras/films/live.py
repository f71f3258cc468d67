"""Streams and cameras, which may end at any time."""

import time

from priv_keras.films.faults import explained

PAUSE = 1  # seconds between two attempts to take a stream up again


class Live:
    """A stream or camera, with the interface of `video.Video`.

    Frames that arrived stay valid when it breaks, so its end is never an
    error. Times of frames go on, by the clock, after it was taken up again.

    Args:
        connect: Callable that returns an open `video.Video`.
        seconds: Float, seconds after which to end; `None` to go on.
        reconnect: Float, seconds for which to try to take up again a stream
            that ended; 0 to leave it at that.

    Attributes:
        fault: String that says why it ended early; `None` if it did not.

    Raises:
        ValueError: If the stream cannot be opened.
        OSError: If it cannot be read.
    """

    def __init__(self, connect, seconds=None, reconnect=0):
        self._connect, self._seconds = connect, seconds
        self._reconnect = reconnect
        self._warnings, self.fault = [], None
        self._source = connect()
        self.format = self._source.format
        self.count = seconds and round(seconds * self.format.rate)

    def __getattr__(self, name):
        return getattr(self._source, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._source.__exit__(*error)

    @property
    def warnings(self):
        faults = [f"it broke off: {self.fault}"] if self.fault else []
        return [*self._warnings, *self._source.warnings, *faults]

    def frames(self, size):
        """Yields `Frame`s, scaled to `(width, height)`, until the stream ends.

        Raises:
            ValueError: If there is no frame.
            OSError: Likewise.
        """
        base = self.format.time_base
        tick = round(1 / self.format.rate / base)
        begun, last, offset = time.monotonic(), None, 0
        while True:
            try:
                for frame in self._source.frames(size):
                    moved = self._moved(frame, offset, last)
                    if self._seconds and moved.time * base >= self._seconds:
                        return
                    last = moved.time
                    yield moved
                self.fault = None
            except Exception as error:  # those of libraries, too
                if last is None:
                    raise
                self.fault = explained(error)
            if not self._taken_up():
                return
            clock = round((time.monotonic() - begun) / base)
            offset = max(clock, (last or 0) + tick)

    def _moved(self, frame, offset, last):
        ratio = self._source.format.time_base / self.format.time_base
        moved = offset + round(frame.time * ratio)
        return frame._replace(
            time=moved if last is None else max(moved, last + 1),
            duration=round(frame.duration * ratio),
        )

    def _taken_up(self):
        """Tries to connect again; returns whether it could."""
        end = time.monotonic() + self._reconnect
        while time.monotonic() < end:
            try:
                source = self._connect()
            except (ValueError, OSError):
                time.sleep(PAUSE)
                continue
            if source.format.size != self.format.size:
                source.__exit__(None, None, None)
                self.fault = "it came back with frames of another size"
                return False
            self._warnings = [*self.warnings, "it was taken up again"]
            self._source.__exit__(None, None, None)
            self._source, self.fault = source, None
            return True
        return False
