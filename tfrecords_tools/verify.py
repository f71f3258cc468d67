"""Checks built shards: `python -m tfrecords_tools.verify DIR`."""

import sys

from tfrecords_tools import program


def main(argv):
    # In here, so that `--help` does not wait for TensorFlow.
    from tfrecords_tools import manifest
    from tfrecords_tools import storage

    folder = storage.path(program.one_folder(argv))
    content = manifest.load(folder)
    split_of, damaged = {}, 0
    for split, part in content["splits"].items():
        for shard in part["shards"]:
            try:
                count = check(folder, split, shard, content, split_of)
            except (ValueError, OSError) as error:
                print(f"error: {error}", file=sys.stderr)
                damaged += 1
            else:
                print(f"{shard['file']}: {count} records, as they were built")
    print(f"{folder}: {damaged} of its shards are damaged" if damaged else "OK")
    return 1 if damaged else 0


def check(folder, split, shard, content, split_of):
    """Compares a shard with its manifest and decodes all its records.

    Args:
        folder: `epath.Path` that holds the shard.
        split: String, the split that the shard is of.
        shard: Dict, the shard in the manifest.
        content: The manifest.
        split_of: Dict of video id to split; those of the shard are added.

    Returns:
        Int, the shard's records.

    Raises:
        FileNotFoundError: If the shard is missing.
        ValueError: If it was changed, a record cannot be decoded, a label is
            out of range, or a video came before, is not in the manifest or of
            another length; names file and record.
    """
    from tfrecords_tools import read

    read.check_shard(folder, shard, content)
    path, count = folder / shard["file"], 0
    part = content["splits"][split]
    listed = dict(zip(part["videos"], part["frames"], strict=True))
    for video, frames in _videos(path, content):
        if video in split_of:
            raise ValueError(
                f"{path}, record {count}: video {video} is in "
                f"{split_of[video]} already. Build the shards anew."
            )
        if frames != listed.get(video):
            raise ValueError(
                f"{path}, record {count}: video {video} has {frames} frames; "
                f"its manifest says {listed.get(video)}. Build the shards anew."
            )
        split_of[video] = split
        count += 1
    if count != shard["records"]:
        raise ValueError(
            f"{path} holds {count} records; its manifest says "
            f"{shard['records']}. Build the shards anew."
        )
    return count


def _videos(path, content):
    """Yields id and length of each record that decodes and has sound labels."""
    import tensorflow as tf

    from tfrecords_tools import manifest
    from tfrecords_tools import schema

    shapes = manifest.label_shapes(content)
    for number, record in enumerate(_records(path)):
        try:
            encoded, about = schema.parse(record, ())
            schema.decode_frames(encoded)
            video = about[schema.VIDEO].numpy().decode()
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            said = getattr(error, "message", error)
            raise ValueError(
                f"{path}, record {number} cannot be decoded: {said}"
            ) from error
        features = tf.train.Example.FromString(record.numpy()).features.feature
        frames = len(encoded.frames)
        for name, classes in content["labels"].items():
            fault = _fault(
                list(features[schema.LABEL_PREFIX + name].int64_list.value),
                len(classes),
                shapes.get(name, ()),
                frames,
            )
            if fault:
                raise ValueError(f"{path}, record {number}: {name} is {fault}")
        yield video, frames


def _records(path):
    """Yields the records of a shard up to where it breaks off."""
    import tensorflow as tf

    records, count = iter(tf.data.TFRecordDataset(str(path))), 0
    while True:
        try:
            record = next(records, None)
        except tf.errors.OpError as error:
            raise ValueError(
                f"{path}, record {count} cannot be read: {error.message}"
            ) from error
        if record is None:
            return
        yield record
        count += 1


def _fault(values, classes, shape, frames):
    """What is wrong with the label of a record, or `None`."""
    if len(shape) == 2:
        if len(values) != frames * classes or not set(values) <= {-1, 0, 1}:
            return (
                f"{len(values)} numbers from {min(values, default=None)} to "
                f"{max(values, default=None)}, not one of -1, 0 or 1 for each "
                f"of its {classes} classes in each of {frames} frames."
            )
    elif len(shape) == 1:
        if len(values) != classes or not set(values) <= {0, 1}:
            return f"{values}, not a 0 or 1 for each of its {classes} classes."
    elif len(values) != 1:
        return f"{values}, not one class."
    elif not 0 <= values[0] < classes:
        return f"{values[0]}, beyond its {classes} classes."
    return None


def run():
    program.run(main)


if __name__ == "__main__":
    run()
