"""Checks built shards against their manifest, and decodes every record.

    python -m tfrecords_tools.verify SHARDS/ucf101

The exit status is 1 if any shard is damaged.
"""

import sys

from flags import program


def main(argv):
    # Imported here so that `--help` does not wait for TensorFlow.
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
        split: String, the split that the shard belongs to.
        shard: Dict, the shard in the manifest.
        content: The manifest.
        split_of: Dict of video id to split, to which the shard's are added.

    Returns:
        Int, the number of the shard's records.

    Raises:
        FileNotFoundError: If the shard is missing.
        ValueError: If it was changed, a record is broken as `integrity.scan`
            finds, or a video is in `split_of`; names the file and the record.
    """
    from tfrecords_tools import integrity

    integrity.check_shard(folder, shard, content)
    path = folder / shard["file"]
    found = integrity.scan(folder, split, shard, content)
    if found.broken:
        number = min(found.broken)
        raise ValueError(
            f"{path}, record {number}: {found.broken[number]}. Build the "
            "shards anew."
        )
    for number, video in enumerate(found.videos):
        if video in split_of:
            raise ValueError(
                f"{path}, record {number}: video {video} is in "
                f"{split_of[video]} already. Build the shards anew."
            )
        split_of[video] = split
    if len(found.videos) != shard["records"]:
        raise ValueError(
            f"{path} holds {len(found.videos)} records; its manifest says "
            f"{shard['records']}. Build the shards anew."
        )
    return len(found.videos)


def run():
    program.run(main)


if __name__ == "__main__":
    run()
