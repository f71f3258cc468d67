"""Finds what is broken in shards, and what can still be read of them.

A record is framed by its length, a checksum of the length and one of itself.
If its own checksum is wrong, only that record is lost; if that of the length
is wrong, the next record cannot be found, and all that follow are lost.
"""

import os
import struct
from concurrent import futures
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

from tfrecords_tools import manifest
from tfrecords_tools import records
from tfrecords_tools import schema
from tfrecords_tools import storage

HEADER, FOOTER = 12, 4  # bytes around a record


class Found(NamedTuple):
    """What a shard holds, as `scan` returns it."""

    broken: dict  # number of a record to what is wrong with it, a string
    runs: list  # of whole records: pairs of their first byte and their count
    videos: list  # ids of the whole records


def scan(folder, split, shard, content):
    """Reads a shard to its end, past what is broken, and decodes every frame.

    Args:
        folder: Folder that holds the shard.
        split: String, the split that the shard belongs to.
        shard: Dict, the shard in the manifest.
        content: The manifest.

    Returns:
        `Found`. Records that the manifest has and the shard lacks count as
        broken.

    Raises:
        FileNotFoundError: If the shard is missing.
    """
    path = storage.path(folder) / shard["file"]
    if not path.exists():
        rebuild = manifest.rebuild(folder, content)
        raise FileNotFoundError(f"{path} is missing. {rebuild}")
    part = content["splits"][split]
    listed = dict(zip(part["videos"], part["frames"], strict=True))
    found, number, continues = Found({}, [], []), -1, False
    for number, (offset, record) in enumerate(framed(path)):
        try:
            video = check_record(record, content, listed)
        except ValueError as error:
            found.broken[number] = str(error)
            continues = False
            continue
        first, count = found.runs.pop() if continues else (offset, 0)
        found.runs.append((first, count + 1))
        found.videos.append(video)
        continues = True
    for lost in range(number + 1, shard["records"]):
        found.broken[lost] = "the shard cannot be read that far"
    return found


def framed(path):
    """Yields the offset in bytes and the content of each record of a shard.

    For a record that cannot be read, the content is a `ValueError` that says
    why.
    """
    path = storage.path(path)
    offset, size = 0, path.stat().length
    while offset < size:
        try:
            for record in records.from_byte(str(path), offset):
                yield offset, record.numpy()
                offset += HEADER + len(record.numpy()) + FOOTER
            return  # also before a few bytes that are no header
        except tf.errors.DataLossError:
            length = _length(path, offset)
            if length is None:
                message = "its length is damaged: nothing after it is found"
                yield offset, ValueError(message)
                return
            yield offset, ValueError("its checksum is wrong, or it is cut off")
            offset += HEADER + length + FOOTER


def _length(path, offset):
    """Returns the bytes of a record, or `None` if its header is damaged."""
    with path.open("rb") as file:
        file.seek(offset)
        header = file.read(HEADER)
    if len(header) < HEADER:
        return None
    length, checksum = struct.unpack("<QI", header)
    return length if checksum == _masked_crc(header[:8]) else None


def _masked_crc(data):
    """Returns the CRC-32C of a few bytes, masked as TFRecord does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def check_record(record, content, listed):
    """Decodes a record and compares it with the manifest.

    Args:
        record: Bytes, or the `ValueError` of one that cannot be read.
        content: The manifest.
        listed: Dict of the ids of a split's videos to their lengths.

    Returns:
        String, the id of its video.

    Raises:
        ValueError: If it cannot be read or decoded, a label is out of range,
            or its video is not in the manifest or has another length there.
    """
    if isinstance(record, ValueError):
        raise record
    try:
        encoded, about = schema.parse(record, ())
        schema.decode_frames(encoded)
        video = about[schema.VIDEO].numpy().decode()
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        message = getattr(error, "message", error)
        raise ValueError(f"it cannot be decoded: {message}") from error
    frames = len(encoded.frames)
    _check_labels(record, content, frames)
    if video not in listed:
        raise ValueError(f"the manifest has no video {video} in its split")
    if frames != listed[video]:
        raise ValueError(
            f"its video {video} has {frames} frames; the manifest says "
            f"{listed[video]}"
        )
    return video


def _check_labels(record, content, frames):
    features = tf.train.Example.FromString(record).features.feature
    shapes = manifest.label_shapes(content)
    for name, classes in content["labels"].items():
        fault = _fault(
            list(features[schema.LABEL_PREFIX + name].int64_list.value),
            len(classes),
            shapes.get(name, ()),
            frames,
        )
        if fault:
            raise ValueError(f"{name} is {fault}")


def _fault(values, classes, shape, frames):
    """Returns what is wrong with the label of a record, or `None`."""
    if len(shape) == 2:
        if len(values) != frames * classes or not set(values) <= {-1, 0, 1}:
            return (
                f"{len(values)} numbers from {min(values, default=None)} to "
                f"{max(values, default=None)}, not one of -1, 0 or 1 for each "
                f"of its {classes} classes in each of {frames} frames"
            )
    elif len(shape) == 1:
        if len(values) != classes or not set(values) <= {0, 1}:
            return f"{values}, not a 0 or 1 for each of its {classes} classes"
    elif len(values) != 1:
        return f"{values}, not one class"
    elif not 0 <= values[0] < classes:
        return f"{values[0]}, beyond its {classes} classes"
    return None


def scan_all(folder, content):
    """Yields the file name and `Found` of each shard of a manifest, in order,
    while several are read at once."""
    shards = manifest.shards(content)
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda s: scan(folder, *s, content), shards)
        for (_, shard), what in zip(shards, found, strict=True):
            yield shard["file"], what


def without_broken(content, found):
    """Returns a manifest of the records that are whole.

    Args:
        content: The manifest.
        found: Dict of the file name of each shard to its `Found`.

    Returns:
        A manifest.

    Raises:
        ValueError: If a split has no record that is whole.
    """
    return {
        **content,
        "splits": {
            name: _whole_split(name, part, found)
            for name, part in content["splits"].items()
        },
    }


def _whole_split(name, part, found):
    whole = {
        video
        for shard in part["shards"]
        for video in found[shard["file"]].videos
    }
    kept = [
        pair
        for pair in zip(part["videos"], part["frames"], strict=True)
        if pair[0] in whole
    ]
    if part["videos"] and not kept:
        raise ValueError(
            f"No record of the split {name} is whole. Build the shards anew."
        )
    shards = [
        {**shard, "records": len(found[shard["file"]].videos)}
        for shard in part["shards"]
    ]
    videos, frames = map(list, zip(*kept, strict=True)) if kept else ([], [])
    return {"shards": shards, "videos": videos, "frames": frames}


def check_folder(folder):
    """Compares every shard of a folder with its manifest.

    Args:
        folder: Folder that holds `manifest.json`.

    Returns:
        Dict of split to the number of its records.

    Raises:
        FileNotFoundError: If the manifest or a shard is missing.
        ValueError: If a shard was changed or damaged; names the file and, if
            one is unreadable, the record.
    """
    content = manifest.load(folder)
    for split in content["splits"].values():
        for shard in split["shards"]:
            check_shard(folder, shard, content)
    return {
        name: sum(shard["records"] for shard in split["shards"])
        for name, split in content["splits"].items()
    }


def check_shard(folder, shard, content):
    """Compares one shard with its manifest.

    Args:
        folder: Folder that holds the shard.
        shard: Dict, the shard in the manifest.
        content: The manifest.

    Raises:
        FileNotFoundError, ValueError: As `check_folder` does.
    """
    path = storage.path(folder) / shard["file"]
    rebuild = manifest.rebuild(folder, content)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing. {rebuild}")
    if storage.sha256(path) != shard["sha256"]:
        record = first_damaged(path)
        where = "" if record is None else f", record {record} first"
        raise ValueError(
            f"{path} is damaged{where}: it is not what the manifest says. "
            f"{rebuild}"
        )


def first_damaged(path):
    """Returns the number of the first unreadable record, or `None`."""
    count = 0
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            tf.train.Example.FromString(record.numpy())
            count += 1
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError, DecodeError):
        return count
    return None
