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
            out of range, or a video came before; names file and record.
    """
    from tfrecords_tools import read

    read.check_shard(folder, shard, content)
    path, count = folder / shard["file"], 0
    for video in _videos(path, content["labels"]):
        if video in split_of:
            raise ValueError(
                f"{path}, record {count}: video {video} is in "
                f"{split_of[video]} already. Build the shards anew."
            )
        split_of[video] = split
        count += 1
    if count != shard["records"]:
        raise ValueError(
            f"{path} holds {count} records; its manifest says "
            f"{shard['records']}. Build the shards anew."
        )
    return count


def _videos(path, labels):
    """Yields the id of each record that decodes and has sound labels."""
    import tensorflow as tf

    from tfrecords_tools import schema

    for number, record in enumerate(tf.data.TFRecordDataset(str(path))):
        try:
            encoded, about = schema.parse(record, tuple(labels))
            schema.decode_frames(encoded)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(
                f"{path}, record {number} cannot be decoded: {error.message}"
            ) from error
        for name, classes in labels.items():
            if not 0 <= int(about[name]) < len(classes):
                raise ValueError(
                    f"{path}, record {number}: {name} is {int(about[name])}, "
                    f"beyond its {len(classes)} classes."
                )
        yield about[schema.VIDEO].numpy().decode()


def run():
    program.run(main)


if __name__ == "__main__":
    run()
