"""The file in which a benchmark keeps its results, one JSON object per line."""

import json
import os
import pathlib
import subprocess

import machine


def read(path):
    """Returns the records of a file, a list of dicts; `[]` if it is missing."""
    path = pathlib.Path(path)
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def write(path, records):
    """Replaces the records of a file, completely or not at all."""
    partial = pathlib.Path(f"{path}.partial")
    text = [json.dumps(one, separators=(",", ":")) + "\n" for one in records]
    partial.write_text("".join(text))
    os.replace(partial, path)


def origin():
    """Returns a dict of the machine and the commit that a result comes from."""
    here = pathlib.Path(__file__).parent
    commit = subprocess.run(
        ["git", "-C", here, "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
    )
    return {"machine": machine.name(), "commit": commit.stdout.strip() or None}
