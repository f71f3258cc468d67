"""Decodes, anonymizes and encodes at the same time, in bounded memory."""

import collections
import contextlib
import itertools
import queue
import threading

import numpy as np

from priv_keras.films.frame import Frame
from priv_keras.films.video import Video

BATCH_PIXELS = 1 << 20  # of a batch, unless its size is told
DEPTH = 2  # batches that wait between two steps
PATIENCE = 5  # seconds for a thread to end, once it is not needed


class Ahead:
    """An iterator that a thread of its own runs, a few items ahead.

    Args:
        items: Iterable; closed by its thread, if it can be.
        depth: Int, items that may wait.
    """

    def __init__(self, items, depth=DEPTH):
        self._queue = queue.Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(items,), daemon=True
        )
        self._thread.start()

    def _run(self, items):
        try:
            for item in items:
                if not self._put((item, None)):
                    break
            self._put((None, StopIteration()))
        except BaseException as error:  # noqa: B902 (for who takes the items)
            self._put((None, error))
        finally:
            if hasattr(items, "close"):
                items.close()

    def _put(self, item):
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                pass
        return False

    def __iter__(self):
        return self

    def __next__(self):
        while not self._stopped.is_set():
            try:
                item, error = self._queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if error is not None:
                self.stop()
                raise error
            return item
        raise StopIteration

    def stop(self):
        """Lets the thread end after the item that it is at."""
        self._stopped.set()

    def join(self):
        """Waits for that, but not for one that hangs."""
        self._thread.join(PATIENCE)


def run(source, sink, stream, *, size=None, batch=None, see=None):
    """Anonymizes a film.

    Args:
        source: Open `footage.Video`, or what has the same.
        sink: Open `encode.Encoder`, or what has the same.
        stream: As `anonymized` takes it.
        size: `(width, height)` at which frames are anonymized; `None` for
            their own.
        batch: Int, frames that `stream` gets at once; `None` for 1 of what is
            live, and as many as have `BATCH_PIXELS` of all else.
        see: Callable of each `Frame` that was written; `None` for none.

    Raises:
        ValueError: If a frame cannot be decoded or anonymized.
        OSError: If it cannot be written.
    """
    size = size or source.format.size
    batch = batch or (1 if source.live else batch_size(size))
    frames = anonymized(source.frames(size), stream, batch)
    with contextlib.closing(frames):
        for frame in frames:
            sink.write(frame)
            _copy_packets(source, sink)
            if see:
                see(frame)
    _copy_packets(source, sink)
    sink.finish()


def _copy_packets(source, sink):
    while source.packets:
        packet = source.packets.popleft()
        source.shift(packet)
        sink.copy(packet)


def anonymized_video(path, anonymizer, size=None):
    """Decodes and anonymizes a video, frame by frame.

    Args:
        path: Path of a file, or a URL.
        anonymizer: Object with `stream`, as `Anonymizer`.
        size: `(width, height)` to scale frames to; `None` for their own.

    Yields:
        uint8 arrays `(height, width, 3)`, RGB, upright.

    Raises:
        ValueError: If a frame cannot be decoded or anonymized.
        OSError: If the file cannot be read.
    """
    with Video(str(path)) as source:
        size = size or source.format.size
        frames = anonymized(
            source.frames(size), anonymizer.stream, batch_size(size)
        )
        with contextlib.closing(frames):
            for frame in frames:
                yield frame.pixels


def batch_size(size):
    """How many frames of a size `(width, height)` make a batch."""
    return max(1, BATCH_PIXELS // (size[0] * size[1]))


def anonymized(frames, stream, batch):
    """Passes frames through an anonymizer, and lets no raw one by.

    What makes frames and what anonymizes them have a thread each.

    Args:
        frames: Iterable of `Frame`.
        stream: Callable from an iterator of uint8 arrays `(n, height, width,
            3)`, consecutive frames, to an iterator of such arrays with the
            same frames in the same order, anonymized; it may delay them.
        batch: Int, frames in an array.

    Yields:
        `Frame`s, as many as `frames` has, with their times.

    Raises:
        ValueError: If `stream` gives another number of frames, or others than
            uint8 of the same shape.
    """
    times = collections.deque()

    def arrays():
        frames_left = iter(frames)
        while some := list(itertools.islice(frames_left, batch)):
            times.extend((frame.time, frame.duration) for frame in some)
            yield np.stack([frame.pixels for frame in some])

    raw = Ahead(arrays())
    done = Ahead(_checked(stream, raw))
    try:
        for pixels in done:
            for picture in pixels:
                yield Frame(picture, *times.popleft())
        if times:
            raise ValueError(
                f"The anonymizer kept {len(times)} frames to itself."
            )
    finally:
        for thread in (raw, done):
            thread.stop()
        for thread in (raw, done):
            thread.join()


def _checked(stream, raw):
    """What `stream` makes of the arrays of `raw`, if it is what it should."""
    shape, waiting = None, 0

    def given():
        nonlocal shape, waiting
        for frames in raw:
            shape = frames.shape[1:]
            waiting += len(frames)
            yield frames

    for frames in _named_failures(stream, given()):
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.shape[1:] != shape:
            raise ValueError(
                f"The anonymizer made {frames.dtype} of shape {frames.shape} "
                f"of uint8 frames (n, {', '.join(map(str, shape or ()))})."
            )
        waiting -= len(frames)
        if waiting < 0:
            raise ValueError("The anonymizer made more frames than it got.")
        yield frames


def _named_failures(stream, given):
    """Runs `stream`; its own failures become a `ValueError` of one line."""
    of_input = []

    def watched():
        try:
            yield from given
        except Exception as error:
            of_input.append(error)
            raise

    try:
        yield from stream(watched())
    except Exception as error:
        if error in of_input:
            raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"The anonymizer failed: {reason}") from error
