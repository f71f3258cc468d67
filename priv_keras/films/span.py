"""A part of a film, from one time to another."""

import collections


class Span:
    """The frames and the sound of a film from one time to another; has the
    interface of `video.Video`.

    The film is decoded from its beginning, since formats differ in how exactly
    they find a time.

    Args:
        source: `video.Video` or an object with its interface.
        start: Fraction, seconds after the first frame.
        end: Fraction, likewise; `None` for the end of the film.
    """

    def __init__(self, source, start, end=None):
        self._source, self._end = source, end
        self._first = round(start / source.format.time_base)
        self._kept = collections.deque()

    def __getattr__(self, name):
        return getattr(self._source, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._source.__exit__(*error)

    def frames(self, size):
        """Yields the `Frame`s of the part, scaled to `(width, height)`; the
        time of the first one is 0 or little more.

        Raises:
            ValueError: If the film has no frame in that part, or cannot be
                decoded.
        """
        base, empty = self.format.time_base, True
        for frame in self._source.frames(size):
            if self._end is not None and frame.time * base >= self._end:
                break
            if frame.time >= self._first:
                empty = False
                yield frame._replace(time=frame.time - self._first)
        if empty:
            raise ValueError(
                f"{self.name} has no frame between --start and --end."
            )

    @property
    def packets(self):
        """The packets of sound of the part, at their times in the output."""
        begin = self._first * self.format.time_base
        while self._source.packets:
            packet = self._source.packets.popleft()
            self._source.shift(packet)
            time = packet.dts * packet.time_base
            if time >= begin and (self._end is None or time < self._end):
                offset = round(begin / packet.time_base)
                packet.dts -= offset
                if packet.pts is not None:
                    packet.pts -= offset
                self._kept.append(packet)
        return self._kept

    def shift(self, packet):
        """Does nothing: `packets` are at their times."""
