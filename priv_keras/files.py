"""Small files that are whole or not there, whenever a run is killed."""

import os
import pathlib


def write(path, text):
    """Writes a text file, under its name only when complete.

    Args:
        path: Path; its folder is made where it is missing.
        text: String.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{os.getpid()}-{path.name}")
    partial.write_text(text)
    os.replace(partial, path)
