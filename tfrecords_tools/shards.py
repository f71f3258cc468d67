"""Shards: which videos each one holds, and how it is written."""

import contextlib
import os
import pathlib
import random
from typing import NamedTuple

import tensorflow as tf

from tfrecords_tools import decode
from tfrecords_tools import names
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


class Record(NamedTuple):
    """A video after it is decoded."""

    content: bytes | None  # `None` if the video cannot be used
    reason: str | None = None  # why it cannot
    warnings: tuple = ()  # strings: what was left out of one that is used


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
        results: Iterable of pairs of a video's id and its `Record`.

    Returns:
        Dict: `shard`, as in the manifest; `videos`, a list of ids; `frames`, a
        list of their lengths; `skipped`, as in the manifest; `warnings`, a list
        of strings.
    """
    path = storage.path(folder) / file
    videos, lengths, skipped, warnings = [], [], [], []
    with tf.io.TFRecordWriter(str(path)) as writer:
        for video, result in results:
            warnings += result.warnings
            if result.content is not None:
                writer.write(result.content)
                videos.append(video)
                lengths.append(schema.count_frames(result.content))
            else:
                video = names.one_line(video)
                skipped.append({"video": video, "reason": result.reason})
    return {
        "shard": {
            "file": file,
            "sha256": storage.sha256(path),
            "records": len(videos),
        },
        "videos": videos,
        "frames": lengths,
        "skipped": skipped,
        "warnings": warnings,
    }


def record(video, work):
    """Serializes a video.

    Args:
        video: `listing.Video`.
        work: `Work`.

    Returns:
        `Record`. Its texts are of one line each.
    """
    warnings = []
    try:
        check_place(work.raw_dir, video.id)
        frames = decode.stream(
            pathlib.Path(work.raw_dir, video.id),
            work.options["size"],
            work.options["squash"],
            warnings.append,
        )
        # If not closed here, a video that is refused stays open for a while.
        with contextlib.closing(frames):
            content = schema.encode(
                _of_length(frames, work.min_frames),
                video=video.id,
                labels=video.labels,
                encoding=work.options["encoding"],
            )
    except (ValueError, OSError) as error:
        return Record(None, names.one_line(str(error)))
    return Record(content, warnings=tuple(map(names.one_line, warnings)))


def check_place(raw_dir, video):
    """Raises unless a video has a name to list and is below the raw folder.

    An absolute path, which a CSV may name, is meant as it is.
    """
    if not names.is_writable(video):
        raise ValueError(
            "Its name has a line end or another control character, or is not "
            "UTF-8. Rename it."
        )
    path = pathlib.Path(raw_dir, video)
    if pathlib.Path(video).is_absolute():
        return
    root = os.path.realpath(raw_dir)
    for file in (path, *decode.files(names.existing(path), lambda _: None)):
        real = os.path.realpath(file)
        if os.path.commonpath([root, real]) != root:
            raise ValueError(
                f"{file} leads out of --raw_dir, to {real}. Put it there, or "
                "name its absolute path in a --csv."
            )


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
