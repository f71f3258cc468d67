"""The TensorBoard tags that the documentation lists."""

import pathlib
import re

from played_games import events

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "run_folder.md"


def listed():
    """Returns the tags of the table there, as regular expressions."""
    section = PAGE.read_text().split("## What TensorBoard shows")[1]
    rows = [row for row in section.split("\n## ")[0].splitlines() if "|" in row]
    tags = [tag for row in rows for tag in re.findall("`([^`]+/[^`]+)`", row)]
    assert len(tags) > 30
    return [
        tag.replace("SIDE", "(raw|anonymized)")
        .replace("ATTRIBUTE", ".+")
        .replace("_I", "_[0-9]+")
        for tag in tags
    ]


def compared(*run_dirs):
    """Returns a pair of sets: the tags of `listed` that no event file of these
    runs has, and the tags of the files that the documentation does not list."""
    written = {
        tag
        for run_dir in run_dirs
        for tag, _ in events(run_dir / "tensorboard")
        if not tag.startswith("_hparams_")
    }
    of = {
        tag: set(filter(re.compile(tag).fullmatch, written)) for tag in listed()
    }
    return {tag for tag in of if not of[tag]}, written.difference(*of.values())
