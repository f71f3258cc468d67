"""Ways to break records of a shard that was sound."""

import json

import tensorflow as tf

from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import storage


def records(path):
    return [record.numpy() for record in tf.data.TFRecordDataset(str(path))]


def rewrite(path, contents):
    """Puts other records into a shard and its checksum into the manifest."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)
    content = manifest.load(path.parent)
    for _, shard in manifest.shards(content):
        if shard["file"] == path.name:
            shard["sha256"] = storage.sha256(path)
    (path.parent / manifest.NAME).write_text(json.dumps(content))


def flip(path, number, byte):
    """Flips a bit of a framed record: bytes 0 to 7 are its length, 8 to 11 the
    checksum of the length; the record starts at 12."""
    offset = [start for start, _ in integrity.framed(path)][number]
    content = bytearray(path.read_bytes())
    content[offset + byte] ^= 1
    path.write_bytes(content)


def spoil_frames(path, number):
    """Makes the frames of a record invalid JPEGs, with valid checksums."""
    contents = records(path)
    example = tf.train.Example.FromString(contents[number])
    frames = example.features.feature["frames"].bytes_list.value
    frames[:] = [b"no JPEG"] * len(frames)
    contents[number] = example.SerializeToString()
    rewrite(path, contents)


def without(path, numbers):
    """Removes records from a shard and its manifest, as if never built."""
    kept = [r for i, r in enumerate(records(path)) if i not in numbers]
    rewrite(path, kept)
    content = manifest.load(path.parent)
    for _, shard in manifest.shards(content):
        if shard["file"] == path.name:
            shard["records"] = len(kept)
    found = dict(integrity.scan_all(path.parent, content))
    manifest.save(integrity.without_broken(content, found), path.parent)
