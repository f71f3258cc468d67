"""Writes shards with threads, which share the videos of each.

Decoders release Python's lock: 2 threads on 2 cores are 1.9 times as fast as
one, and processes would each wait seconds for TensorFlow.
"""

import collections
import concurrent.futures
import functools

from tfrecords_tools import progress
from tfrecords_tools.shards import record
from tfrecords_tools.shards import write_shard


def write_shards(folder, shards, work, *, workers):
    """Writes shards, whose bytes do not depend on the number of threads.

    Args:
        folder: `epath.Path` that the shards are written into.
        shards: List of `shards.Shard`.
        work: `shards.Work`.
        workers: Int, threads that decode.

    Returns:
        List of what `shards.write_shard` returned, in the order of `shards`.
    """
    count = sum(len(shard.videos) for shard in shards)
    what = f"building shards below {folder.parent}"
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        progress.shown(what, count, "video") as done,
    ):

        def results(videos):
            make = functools.partial(record, work=work)
            for video, result in _in_order(pool, make, videos):
                done()
                yield video.id, result

        return [
            write_shard(folder, shard.file, results(shard.videos))
            for shard in shards
        ]


def _in_order(pool, function, items, ahead=4):
    """Yields `zip(items, pool.map(function, items))`, but computes only a few
    results ahead, which are all in memory."""
    waiting = collections.deque()
    for item in items:
        waiting.append((item, pool.submit(function, item)))
        if len(waiting) > ahead:
            done, future = waiting.popleft()
            yield done, future.result()
    while waiting:
        done, future = waiting.popleft()
        yield done, future.result()
