"""Reads the numbers of a TensorFlow checkpoint without running anything.

TensorFlow's own reader decodes any object that a checkpoint holds, and aborts
the process at a shape that is out of range. This reader takes what an export
writes, float32 arrays in one shard, and refuses everything else.

The index is a [LevelDB table](
https://github.com/google/leveldb/blob/main/doc/table_format.md) of one data
block, whose values are protocol buffers.
"""

import math
import struct

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import tensor_bundle_pb2

FOOTER = 48  # bytes
MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
MAX_INDEX = 1 << 18  # bytes; a larger index would have several blocks
MAX_NAME = 256  # bytes


def entries(prefix):
    """Returns what a checkpoint's index says about its arrays.

    Args:
        prefix: `pathlib.Path` of the checkpoint, without `.index`.

    Returns:
        Dict of names to `tensor_bundle_pb2.BundleEntryProto`.

    Raises:
        OSError: If the index cannot be read.
        ValueError: If it does not have the form that an export writes.
    """
    path = prefix.with_name(f"{prefix.name}.index")
    with open(path, "rb") as file:
        content = file.read(MAX_INDEX + 1)
    try:
        header, *items = _items(content)
        _check_header(*header)
        return {
            name.decode(): tensor_bundle_pb2.BundleEntryProto.FromString(value)
            for name, value in items
        }
    except (ValueError, IndexError, struct.error, DecodeError) as error:
        raise ValueError(
            f"{path.name} is not the index of an exported model ({error})"
        ) from error


def array(prefix, entry, shape):
    """Reads one array; raises unless it has the expected shape.

    Args:
        prefix: See `entries`.
        entry: One of the values that `entries` returned.
        shape: Tuple of ints, the shape that the array must have.

    Returns:
        float32 array of that shape.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If the array has another shape or type, or is incomplete.
    """
    found = tuple(dim.size for dim in entry.shape.dim)
    size = 4 * math.prod(shape)
    if (entry.dtype, found) != (types_pb2.DT_FLOAT, tuple(shape)):
        raise ValueError(
            f"an array of type {entry.dtype} and shape {found} is where "
            f"float32 of shape {tuple(shape)} is wanted"
        )
    if entry.slices or entry.shard_id or entry.size != size or entry.offset < 0:
        raise ValueError("an array is not stored as a whole")
    path = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    with open(path, "rb") as file:
        file.seek(entry.offset)
        content = file.read(size)
    if len(content) != size:
        raise ValueError(f"{path.name} ends before its arrays do")
    return np.frombuffer(content, "<f4").reshape(shape)


def _items(content):
    """Yields the keys and values of a table."""
    if len(content) > MAX_INDEX or content[-len(MAGIC) :] != MAGIC:
        raise ValueError("it is too large, or not a table")
    handles = content[-FOOTER:]
    _, at = _handle(handles, 0)  # that of a block that TensorFlow leaves empty
    ((_, handle),) = _block(content, _handle(handles, at)[0])
    return _block(content, _handle(handle, 0)[0])


def _handle(content, at):
    """Returns the slice that a block occupies, and the end of its handle."""
    offset, at = _varint(content, at)
    size, at = _varint(content, at)
    return slice(offset, offset + size), at


def _block(content, extent):
    """Yields the keys and values of a block."""
    if content[extent.stop] != 0:
        raise ValueError("it is compressed")
    block = content[extent]
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        size, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        if len(key) > MAX_NAME:
            raise ValueError("a name is too long")
        yield key, block[at + own : at + own + size]
        at += own + size


def _varint(content, at):
    """Returns an integer stored in 7 bits per byte, and its end."""
    value = 0
    for shift in range(0, 64, 7):
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is too long")


def _check_header(key, value):
    header = tensor_bundle_pb2.BundleHeaderProto.FromString(value)
    little = tensor_bundle_pb2.BundleHeaderProto.LITTLE
    if key or header.num_shards != 1 or header.endianness != little:
        raise ValueError("it is not of one little-endian shard")
