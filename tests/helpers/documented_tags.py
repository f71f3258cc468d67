"""The TensorBoard tags that the documentation lists."""

import pathlib
import re

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
