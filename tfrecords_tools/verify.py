"""Checks built shards: `python -m tfrecords_tools.verify DIR`."""

import collections
import os
import pathlib
import sys

from absl import app


def main(argv):
    if len(argv) != 2:
        raise app.UsageError("Give one folder that holds a manifest.json.")
    # In here, so that `--help` does not wait for TensorFlow.
    from tfrecords_tools import read

    try:
        counts = read.check(argv[1])
        videos = check_records(pathlib.Path(argv[1]))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for split, count in counts.items():
        print(f"{split}: {count} records, {videos[split]} videos, as they were")
    return 0


def check_records(folder):
    """Reads and decodes every record of a folder of shards.

    Args:
        folder: `pathlib.Path` that holds `manifest.json`.

    Returns:
        Dict of split to the number of its videos.

    Raises:
        ValueError: If a record cannot be decoded, a label is out of range, or
            a video is in two splits; names file and record.
    """
    from tfrecords_tools import manifest

    content = manifest.load(folder)
    split_of, videos = {}, collections.Counter()
    for split, part in content["splits"].items():
        for shard in part["shards"]:
            for video in _videos(folder / shard["file"], content["labels"]):
                if video in split_of:
                    raise ValueError(
                        f"{folder / shard['file']}: video {video} is also in "
                        f"{split_of[video]}. Build the shards anew."
                    )
                split_of[video] = split
                videos[split] += 1
    return videos


def _videos(path, labels):
    import tensorflow as tf

    from tfrecords_tools import schema

    for number, record in enumerate(tf.data.TFRecordDataset(str(path))):
        try:
            video = schema.parse(record, tuple(labels))
            schema.decode_frames(video[schema.FRAMES], video[schema.SHAPE])
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(
                f"{path}, record {number} cannot be decoded: {error.message}"
            ) from error
        for name, classes in labels.items():
            if not 0 <= int(video[name]) < len(classes):
                raise ValueError(
                    f"{path}, record {number}: {name} is {int(video[name])}, "
                    f"beyond its {len(classes)} classes."
                )
        yield video[schema.VIDEO].numpy().decode()


def run():
    # TensorFlow greets on standard error, above what we have to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app.run(main)


if __name__ == "__main__":
    run()
