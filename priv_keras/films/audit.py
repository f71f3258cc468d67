"""What was done, for who has to show it."""

import hashlib
import json
import pathlib

BLOCK = 1 << 20  # bytes


def sha256(path):
    """SHA-256 of a file, or of all files of a folder and their names.

    Args:
        path: Path.

    Returns:
        String of 64 hexadecimal digits.
    """
    path = pathlib.Path(path)
    digest = hashlib.sha256()
    if path.is_file():
        _add(digest, path)
    else:
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            name = file.relative_to(path).as_posix()
            digest.update(f"{sha256(file)}  {name}\n".encode())
    return digest.hexdigest()


def _add(digest, path):
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)


def write(path, log):
    """Writes a dict as JSON."""
    path.write_text(json.dumps(log, indent=1) + "\n")
