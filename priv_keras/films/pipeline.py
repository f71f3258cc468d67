"""Decodes, anonymizes and encodes concurrently, in bounded memory."""

import collections
import contextlib
import itertools
import queue
import threading

import numpy as np

from priv_keras.films import moving_picture
from priv_keras.films import sizes
from priv_keras.films.frame import Frame
from priv_keras.films.moving_picture import MovingPicture
from priv_keras.films.video import Video

BATCH_PIXELS = 1 << 20  # pixels of a batch, unless its size is given
DEPTH = 2  # batches that wait between two steps
PATIENCE = 5  # seconds to wait for a thread to end


def never():
    """Returns false: nobody ends this film early."""
    return False


class Prefetcher:
    """An iterator whose items are computed a few in advance, by a thread.

    Args:
        items: Iterable; its thread closes it if it has a method `close`.
        depth: Int, the largest number of items that wait.
        is_over: Callable that returns whether to end early.
    """

    def __init__(self, items, depth=DEPTH, is_over=never):
        self._queue = queue.Queue(depth)
        self._is_over = is_over
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
        except BaseException as error:  # noqa: B902 (`__next__` raises it)
            self._put((None, error))
        finally:
            if hasattr(items, "close"):
                items.close()

    def _put(self, item):
        while not self._has_ended():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                pass
        return False

    def _has_ended(self):
        return self._stopped.is_set() or self._is_over()

    def __iter__(self):
        return self

    def __next__(self):
        while not self._has_ended():
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
        """Makes the thread end after its current item."""
        self._stopped.set()

    def join(self):
        """Waits until the thread has ended, at most `PATIENCE` seconds."""
        self._thread.join(PATIENCE)


def run(
    source,
    sink,
    stream,
    *,
    size=None,
    batch=None,
    on_frame=None,
    is_over=never,
):
    """Anonymizes a film.

    Args:
        source: Open `video.Video`, or an object with its interface.
        sink: Open `encode.Encoder`, or an object with its interface.
        stream: Callable, see `anonymized`.
        size: `(width, height)` in pixels at which frames are anonymized; `None`
            for their own size.
        batch: Int, frames that `stream` gets at once; `None` for 1 if the
            source is live, and otherwise `batch_size(size)`.
        on_frame: Callable that gets each `Frame` after it was written; `None`
            for none.
        is_over: Callable that returns whether to end early: what the anonymizer
            has got by then is still written.

    Raises:
        ValueError: If a frame cannot be decoded or anonymized.
        OSError: If a frame cannot be written.
    """
    size = size or source.format.size
    batch = batch or (1 if source.live else batch_size(size))
    frames = anonymized(source.frames(size), stream, batch, is_over)
    with contextlib.closing(frames):
        for frame in frames:
            sink.write(frame)
            _copy_packets(source, sink)
            if on_frame:
                on_frame(frame)
    _copy_packets(source, sink)
    sink.finish()


def _copy_packets(source, sink):
    while source.packets:
        packet = source.packets.popleft()
        source.shift(packet)
        sink.copy(packet)


def anonymized_video(path, anonymizer, size=sizes.TRAINED):
    """Decodes and anonymizes a video, frame by frame.

    Args:
        path: Path of a file, or a URL.
        anonymizer: `Anonymizer`, or another object with its method `stream`.
        size: `(width, height)` in pixels to scale frames to; `"native"` for
            their own size; `"trained"` for the height at which the figures of
            the anonymizer were measured, or their own size if it has no card.

    Yields:
        uint8 arrays `(height, width, 3)` of that size, RGB, upright.

    Raises:
        ValueError: If a frame cannot be decoded or anonymized.
        OSError: If the file cannot be read.
    """
    card = getattr(anonymizer, "card", None)
    reader = MovingPicture if moving_picture.is_one(path) else Video
    with reader(str(path)) as source:
        size = sizes.processed(size, source.format, card, source.name)
        frames = anonymized(
            source.frames(size), anonymizer.stream, batch_size(size)
        )
        with contextlib.closing(frames):
            for frame in frames:
                yield frame.pixels


def batch_size(size):
    """Returns how many frames of a size `(width, height)` make a batch."""
    return max(1, BATCH_PIXELS // (size[0] * size[1]))


def anonymized(frames, stream, batch, is_over=never):
    """Passes frames through an anonymizer, and never yields a raw frame.

    Frames are decoded in one thread and anonymized in another.

    Args:
        frames: Iterable of `Frame`.
        stream: Callable that takes an iterator of uint8 arrays `(n, height,
            width, 3)` of consecutive frames, and returns an iterator of such
            arrays with the same frames, anonymized, in the same order. It may
            delay frames.
        batch: Int, frames in an array.
        is_over: Callable that returns whether to take no more frames.

    Yields:
        `Frame`s, one for each of `frames`, with its time.

    Raises:
        ValueError: If `stream` returns another number of frames, or frames of
            another type or shape.
    """
    times, all_taken = collections.deque(), False

    def batches():
        frames_left = iter(frames)
        while some := list(itertools.islice(frames_left, batch)):
            yield some

    def taken():
        nonlocal all_taken
        for some in raw:
            times.extend((frame.time, frame.duration) for frame in some)
            yield np.stack([frame.pixels for frame in some])
        all_taken = True

    raw = Prefetcher(batches(), is_over=is_over)
    done = Prefetcher(_checked(stream, taken()))
    try:
        for pixels in done:
            for picture in pixels:
                yield Frame(picture, *times.popleft())
        if times or not all_taken:
            raise ValueError(
                f"The anonymizer did not return {len(times) or 'some'} of its "
                "frames."
            )
    finally:
        for thread in (raw, done):
            thread.stop()
        for thread in (raw, done):
            thread.join()


def _checked(stream, raw):
    """Yields what `stream` makes of the arrays of `raw`; raises `ValueError`
    unless it has their type, shape and number."""
    shape, waiting = None, 0

    def given():
        nonlocal shape, waiting
        for frames in raw:
            shape = frames.shape[1:]
            waiting += len(frames)
            yield frames

    for frames in _errors_reworded(stream, given()):
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.shape[1:] != shape:
            raise ValueError(
                f"The anonymizer returned {frames.dtype} of shape "
                f"{frames.shape} for uint8 frames of shape "
                f"(n, {', '.join(map(str, shape or ()))})."
            )
        waiting -= len(frames)
        if waiting < 0:
            raise ValueError("The anonymizer returned more frames than it got.")
        yield frames


def _errors_reworded(stream, given):
    """Runs `stream`; its own errors become a `ValueError` of one line."""
    input_errors = []

    def watched():
        try:
            yield from given
        except Exception as error:
            input_errors.append(error)
            raise

    try:
        yield from stream(watched())
    except Exception as error:
        if error in input_errors:
            raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"The anonymizer failed: {reason}") from error
