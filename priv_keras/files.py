"""Writes files and folders that are complete or absent, even after a kill."""

import contextlib
import hashlib
import os
import pathlib
import shutil


def write(path, text):
    """Writes a text file, which gets its name only when it is complete.

    If several runs write the same file at once, that of the last one stays.

    Args:
        path: Path; its folder is made if it is missing.
        text: String.
    """
    with replacing(path) as partial:
        partial.write_text(text)


@contextlib.contextmanager
def replacing(path):
    """Yields the path of a new file, which replaces `path` once it is written.

    Args:
        path: Path; its folder is made if it is missing. What is there stays if
            writing fails.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def published(folder):
    """Yields a new folder, which replaces `folder` once it is filled.

    Args:
        folder: `pathlib.Path`; what is there stays if filling fails.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def sha256(path):
    """Returns the SHA-256 of the file at a `pathlib.Path`, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
