"""Folders that are complete or absent, whenever a process is stopped."""

import contextlib
import fcntl
import os
import secrets
import shutil


@contextlib.contextmanager
def partial(folder):
    """Makes a hidden folder beside `folder`, to be filled and then renamed.

    It is locked while this process lives. Those that killed processes left are
    deleted first; one that another process is filling is locked, and stays.

    Args:
        folder: Path on this machine. Its parent is made if it is missing.

    Yields:
        Path. Whatever still has this name at the end is deleted.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    clear(folder)
    with contextlib.ExitStack() as stack:
        path = None
        while path is None:
            path = _locked(folder, stack)
        stack.callback(shutil.rmtree, path, ignore_errors=True)
        yield path


def clear(folder):
    """Deletes what killed processes left of `folder`.

    Args:
        folder: Path, as `partial` takes it.
    """
    for path in folder.parent.glob(f".{folder.name}.*.partial"):
        with contextlib.suppress(OSError):  # locked, or gone already
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(descriptor)


def _locked(folder, stack):
    """Makes a folder and locks it; returns its path, or `None` if another
    process cleared it before it was locked."""
    name = f".{folder.name}.{os.getpid()}-{secrets.token_hex(4)}.partial"
    path = folder.with_name(name)
    path.mkdir()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    stack.callback(os.close, descriptor)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return path if path.is_dir() else None
