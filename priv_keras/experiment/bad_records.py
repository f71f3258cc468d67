"""Which broken records of its shards a run leaves out: `--bad_records`.

All shards are searched once, before a run, so that each epoch, each worker and
a resumed run leave out the same records.

Part of the programs: this module reads flags.
"""

import json

from flags import data as flags
from priv_keras import files
from priv_keras.experiment import console
from priv_keras.runs.folder import RunFolder
from tfrecords_tools import integrity
from tfrecords_tools import manifest


def allowed():
    """Returns how many records a run may leave out; 0 for `fail`."""
    _, _, count = flags.BAD_RECORDS.value.partition(":")
    return int(count or 0)


def find(folder):
    """Compares shards with their manifest; with `skip:n`, decodes them all.

    Args:
        folder: Folder that holds `manifest.json` and the shards.

    Returns:
        Dict of the file name of every shard to its `integrity.Found`; empty if
        no record is broken.

    Raises:
        FileNotFoundError, ValueError: See `integrity.check_folder`; for broken
            records only if none may be left out.
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
    """Lists the records that a run leaves out.

    Args:
        data: `data.Data`.

    Returns:
        Dict of `dataset/shard` to a dict of the number of each such record, as
        a string, to what is wrong with it.
    """
    return {
        f"{shards.folder.name}/{name}": {
            str(number): why for number, why in found.broken.items()
        }
        for shards in data.sides
        for name, found in shards.found.items()
        if found.broken
    }


def check(data):
    """Raises if more records are broken than `--bad_records` allows.

    Args:
        data: `data.Data`.

    Raises:
        ValueError: If so; it names how many there are, and the first.
    """
    found = left_out(data)
    count = sum(map(len, found.values()))
    if count > allowed():
        raise ValueError(
            f"--bad_records={flags.BAD_RECORDS.value}: {count} records are "
            f"broken. {' '.join(_lines(found))} Build the shards again, or "
            "allow more."
        )


def check_resumed(data, run_dir):
    """Raises unless a resumed run leaves out the same records as before.

    Args:
        data: `data.Data`.
        run_dir: Folder of the run, which need not exist yet.

    Raises:
        ValueError: If other records are broken now.
    """
    path = RunFolder(run_dir).bad_records
    before = json.loads(path.read_text()) if path.exists() else None
    if before not in (None, left_out(data)):
        raise ValueError(
            f"Other records are broken than when the run in {run_dir} began: "
            f"then {_numbers(before)}; now {_numbers(left_out(data))}. Restore "
            "the shards that it began with, or choose another --run_dir."
        )


def write(data, run_dir):
    """Writes `bad_records.json` if `--bad_records` allows any."""
    if allowed():
        text = json.dumps(left_out(data), indent=1) + "\n"
        files.write(RunFolder(run_dir).bad_records, text)


def tell(data, say):
    """Says how many records are left out, and of which shards.

    Args:
        data: `data.Data`.
        say: Callable that takes a line.
    """
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
    """Finds the first broken record that the run does not leave out.

    Args:
        data: `data.Data`.

    Returns:
        String that names the record and what is wrong; `None` if there is none.
    """
    for shards in data.sides:
        content = manifest.load(shards.folder)
        for name, found in integrity.scan_all(shards.folder, content):
            known = shards.found[name].broken if shards.found else {}
            for number in sorted(found.broken.keys() - known.keys()):
                path = shards.folder / name
                return f"{path}, record {number}: {found.broken[number]}"
    return None
