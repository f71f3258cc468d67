"""Whether the files and folders that flags name can be read or written."""

import os
import pathlib
import tempfile

from flags.suggestions import nearest


def is_remote(name):
    """Whether a path is in an object store, where looking takes a library."""
    return "://" in name


def check_there(*flags):
    """Raises unless what each flag names exists, where it is given.

    Args:
        *flags: `absl.flags.FlagHolder`s of a path.

    Raises:
        FileNotFoundError: If not.
    """
    for flag in flags:
        if not flag.value or is_remote(flag.value):
            continue
        path = pathlib.Path(flag.value)
        if not path.exists():
            raise FileNotFoundError(
                f"--{flag.name}: there is no {path}.{beside(path)}"
            )


def beside(path):
    """The nearest name that there is in the folder of a path; see `nearest`."""
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    return nearest(path.name, [other.name for other in there])


def check_writable(*flags):
    """Raises unless the folder of each flag that is given can be written.

    Args:
        *flags: `absl.flags.FlagHolder`s of a folder, which need not exist yet.

    Raises:
        OSError: If not.
    """
    for flag in flags:
        if not flag.value or is_remote(flag.value):
            continue
        folder = pathlib.Path(flag.value)
        # What is there of it.
        found = next(
            path
            for path in (folder, *folder.absolute().parents)
            if os.path.lexists(path)
        )
        if not found.is_dir():
            raise NotADirectoryError(
                f"--{flag.name}={folder}: {found} is no folder. Choose another."
            )
        try:  # as root, `os.access` allows what fails
            tempfile.TemporaryDirectory(prefix=".try-", dir=found).cleanup()
        except OSError as error:
            raise OSError(
                f"--{flag.name}={folder}: {found} cannot be written "
                f"({error.strerror}). Choose another folder, or change that."
            ) from error
