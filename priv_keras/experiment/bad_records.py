"""`--bad_records`: which broken records of its shards a run leaves out.

They are looked for once, before a run, and not met on the way: each epoch, each
worker and a run that is resumed leaves out the same.

Part of the programs: reads flags.
"""

import json

from flags import data as flags
from priv_keras import files
from priv_keras.experiment import console
from priv_keras.runs.folder import RunFolder
from tfrecords_tools import integrity
from tfrecords_tools import manifest


def allowed():
    """How many a run may leave out, 0 for `fail`."""
    _, _, count = flags.BAD_RECORDS.value.partition(":")
    return int(count or 0)


def find(folder):
    """Compares shards with their manifest; with `skip:n`, decodes all of them.

    Args:
        folder: Folder that holds `manifest.json` and the shards.

    Returns:
        Dict of file name to `damage.Found`: of every shard where a record is
        broken in one, else empty.

    Raises:
        FileNotFoundError, ValueError: As of `read.check`; of broken records
            only where none may be left out.
    """
    if not allowed():
        integrity.check_folder(folder)
        return {}
    content = manifest.load(folder)
    shards = manifest.shards(content)
    found = dict(
        console.each(
            integrity.scan_all(folder, content),
            f"check of {folder}",
            len(shards),
        )
    )
    for _, shard in shards:
        if not found[shard["file"]].broken:
            integrity.check_shard(folder, shard, content)
    return found if any(what.broken for what in found.values()) else {}


def left_out(data):
    """Dict of `dataset/shard` to a dict of the number of each record that a run
    leaves out, as a string, to what is wrong with it."""
    return {
        f"{shards.folder.name}/{name}": {
            str(number): why for number, why in found.broken.items()
        }
        for shards in data.sides
        for name, found in shards.found.items()
        if found.broken
    }


def check(data):
    """Raises unless no more records are broken than `--bad_records` allows.

    Raises:
        ValueError: Names how many they are, and the first.
    """
    found = left_out(data)
    count = sum(map(len, found.values()))
    if count > allowed():
        raise ValueError(
            f"--bad_records={flags.BAD_RECORDS.value}: {count} records are "
            f"broken. {' '.join(_lines(found))} Build the shards anew, or "
            "allow more."
        )


def check_resumed(run_dir, data):
    """Raises unless a run that is resumed leaves out what it did before.

    Args:
        run_dir: Folder of the run, or of none yet.
        data: `data.Data`.

    Raises:
        ValueError: If other records are broken now.
    """
    path = RunFolder(run_dir).bad_records
    before = json.loads(path.read_text()) if path.exists() else None
    if before not in (None, left_out(data)):
        raise ValueError(
            f"Other records are broken than when the run in {run_dir} began: "
            f"then {_numbers(before)}; now {_numbers(left_out(data))}. Put the "
            "shards back that it began with, or choose another --run_dir."
        )


def write(run_dir, data):
    """Keeps `bad_records.json`, where `--bad_records` allows any."""
    if allowed():
        text = json.dumps(left_out(data), indent=1) + "\n"
        files.write(RunFolder(run_dir).bad_records, text)


def tell(data, say):
    """Says how many records are left out, and of which shards."""
    for line in _lines(left_out(data)):
        say(f"warning: left out {line}")


def _lines(found):
    return [
        f"{len(broken)} broken of the records of {shard}: number "
        f"{', '.join(broken)}. The first: {next(iter(broken.values()))}."
        for shard, broken in found.items()
    ]


def _numbers(found):
    return (
        ", ".join(f"{shard} {' '.join(found[shard])}" for shard in found)
        or "none"
    )


def first_unknown(data):
    """The first broken record that is not left out, as text, or `None`."""
    for shards in data.sides:
        content = manifest.load(shards.folder)
        for name, found in integrity.scan_all(shards.folder, content):
            known = shards.found[name].broken if shards.found else {}
            for number in sorted(found.broken.keys() - known.keys()):
                path = shards.folder / name
                return f"{path}, record {number}: {found.broken[number]}"
    return None
