"""Small files that are whole or not there, whenever a run is killed."""

import os
import pathlib


def write(path, text):
    """Writes a text file, under its name only when complete.

    Of runs that write the same file side by side, the last one's stays.

    Args:
        path: Path; its folder is made where it is missing.
        text: String.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{os.getpid()}-{path.name}")
    try:
        partial.write_text(text)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
