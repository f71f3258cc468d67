"""What was done, for who has to show it."""

import hashlib
import json
import pathlib

from priv_keras import files


def sha256(path):
    """SHA-256 of a file, or of all files of a folder and their names.

    Args:
        path: Path.

    Returns:
        String of 64 hexadecimal digits.
    """
    path = pathlib.Path(path)
    if path.is_file():
        return files.sha256(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        name = file.relative_to(path).as_posix()
        digest.update(f"{files.sha256(file)}  {name}\n".encode())
    return digest.hexdigest()


def write(path, log):
    """Writes a dict as JSON."""
    path.write_text(json.dumps(log, indent=1) + "\n")
