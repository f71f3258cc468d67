"""Makes whole frames of interlaced ones, by FFmpeg's `bwdif`."""

import collections

from priv_keras.films import colour


def deinterlaced(frames, warn):
    """Passes frames on, the interlaced ones deinterlaced.

    One frame becomes one frame. Progressive frames are not changed.

    Args:
        frames: Iterable of tuples whose first item is an `av.VideoFrame`.
        warn: Callable that gets a warning.

    Yields:
        The tuples.
    """
    filter_, kind = None, None
    for frame, *rest in frames:
        if filter_ is None and not frame.interlaced_frame:
            yield frame, *rest
            continue
        warn("it is interlaced; each frame was made of its two fields")
        if kind != (kind := _kind(frame)):
            if filter_:
                yield from filter_.end()
            filter_ = _Filter(kind)
        yield from filter_(frame, rest)
    if filter_:
        yield from filter_.end()


def _kind(frame):
    """Returns what must not change while a filter is used, as its options."""
    return {
        "video_size": f"{frame.width}x{frame.height}",
        "pix_fmt": frame.format.name,
        "time_base": str(frame.time_base or "1/25"),
        "colorspace": str(colour.matrix(frame)),
        "range": str(int(frame.color_range)),
    }


class _Filter:
    def __init__(self, kind):
        from av.filter import Graph

        self._rest = collections.deque()
        self._graph = Graph()
        self._graph.threads = 1
        self._graph.link_nodes(
            self._graph.add("buffer", **kind),
            self._graph.add("bwdif", mode="send_frame", deint="interlaced"),
            self._graph.add("buffersink"),
        ).configure()

    def __call__(self, frame, rest):
        self._rest.append(rest)
        self._graph.push(frame)
        yield from self._pulled()

    def end(self):
        self._graph.push(None)
        yield from self._pulled()

    def _pulled(self):
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield frame, *self._rest.popleft()
