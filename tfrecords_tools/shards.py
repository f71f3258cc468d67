"""Shards: which videos each one holds, and how it is written."""

import contextlib
import pathlib
import random
from typing import NamedTuple

import tensorflow as tf

from tfrecords_tools import decode
from tfrecords_tools import schema
from tfrecords_tools import storage
from tfrecords_tools.sources import listing

SHARD = "{split}-{index:05d}-of-{count:05d}.tfrecord"
VIDEOS_PER_SHARD = 128
# A whole record is held in memory, when it is written and when it is read.
MAX_FRAMES = 4000


class Shard(NamedTuple):
    """A shard before it is written."""

    split: str
    file: str
    videos: list  # of `listing.Video`


class Work(NamedTuple):
    """What `record` has to know besides the video."""

    raw_dir: str
    min_frames: int
    options: dict  # `encoding`, `size` and `squash`


def plan(videos, seed):
    """Deals videos to shards in a seeded order; returns a list of `Shard`."""
    shards = []
    for split in listing.SPLITS:
        dealt = [video for video in videos if video.split == split]
        random.Random(seed).shuffle(dealt)
        starts = range(0, len(dealt), VIDEOS_PER_SHARD)
        shards += [
            Shard(
                split,
                SHARD.format(split=split, index=index, count=len(starts)),
                dealt[start : start + VIDEOS_PER_SHARD],
            )
            for index, start in enumerate(starts)
        ]
    return shards


def write_shard(folder, file, results):
    """Writes a shard.

    Args:
        folder: Path that the shard is written into.
        file: String, the shard's name.
        results: Iterable of pairs of a video's id and what `record` returned.

    Returns:
        Dict: `shard`, as in the manifest; `videos`, a list of ids; `frames`, a
        list of their lengths; `skipped`, as in the manifest.
    """
    path = storage.path(folder) / file
    videos, lengths, skipped = [], [], []
    with tf.io.TFRecordWriter(str(path)) as writer:
        for video, result in results:
            if isinstance(result, bytes):
                writer.write(result)
                videos.append(video)
                lengths.append(schema.count_frames(result))
            else:
                skipped.append({"video": video, "reason": result})
    return {
        "shard": {
            "file": file,
            "sha256": storage.sha256(path),
            "records": len(videos),
        },
        "videos": videos,
        "frames": lengths,
        "skipped": skipped,
    }


def record(video, work):
    """Serializes a video.

    Args:
        video: `listing.Video`.
        work: `Work`.

    Returns:
        Bytes, or a string that says why the video cannot be used.
    """
    path = pathlib.Path(work.raw_dir, video.id)
    frames = decode.stream(path, work.options["size"], work.options["squash"])
    # If not closed here, a video that is refused stays open for a while.
    with contextlib.closing(frames):
        try:
            return schema.encode(
                _of_length(frames, work.min_frames),
                video=video.id,
                labels=video.labels,
                encoding=work.options["encoding"],
            )
        except (ValueError, OSError) as error:
            return str(error)


def _of_length(frames, min_frames):
    """Passes frames on, and raises if there are too few or too many."""
    count = 0
    for frame in frames:
        count += 1
        if count > MAX_FRAMES:
            raise ValueError(
                f"More than {MAX_FRAMES} frames: cut it into shorter videos."
            )
        yield frame
    if count < min_frames:
        raise ValueError(f"{count} frames, less than {min_frames}.")
