"""Checks that the files and folders that flags name can be used."""

import os
import pathlib
import tempfile

from flags.suggestions import nearest


def is_remote(name):
    """Returns whether a path is in an object store, which needs a library.

    Args:
        name: String.
    """
    return "://" in name


def check_there(*flags):
    """Raises unless the path of each flag that is given exists.

    Args:
        *flags: `absl.flags.FlagHolder`s of a path.

    Raises:
        FileNotFoundError: If one does not exist.
    """
    for flag, path in _local(flags):
        if not path.exists():
            raise FileNotFoundError(
                f"--{flag.name}: there is no {path}.{beside(path)}"
            )


def _local(flags):
    """Yields pairs of a flag and its path, if it names one on this machine."""
    for flag in flags:
        if flag.value and not is_remote(flag.value):
            yield flag, pathlib.Path(flag.value)


def beside(path):
    """Suggests the name in the same folder that is most like that of a path.

    Args:
        path: `pathlib.Path`.

    Returns:
        String, see `nearest`.
    """
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    return nearest(path.name, [sibling.name for sibling in siblings])


def check_new(flag):
    """Raises unless a folder, if one is given, can be made or is empty.

    Args:
        flag: `absl.flags.FlagHolder` of a folder.

    Raises:
        OSError: If it cannot be written, or holds something.
    """
    check_writable(flag)
    for _, folder in _local([flag]):
        if folder.is_dir() and any(folder.iterdir()):
            raise FileExistsError(
                f"--{flag.name}={folder} is not empty. Name a folder that is "
                "not there yet."
            )


def check_writable(*flags):
    """Raises unless the folder of each flag that is given can be written.

    Args:
        *flags: `absl.flags.FlagHolder`s of a folder, which need not exist yet.

    Raises:
        OSError: If one cannot be written.
    """
    for flag, folder in _local(flags):
        # The folder, or the nearest parent that exists.
        found = next(
            path
            for path in (folder, *folder.absolute().parents)
            if os.path.lexists(path)
        )
        if not found.is_dir():
            raise NotADirectoryError(
                f"--{flag.name}={folder}: {found} is not a folder. Choose "
                "another."
            )
        try:  # for root, `os.access` allows what then fails
            tempfile.TemporaryDirectory(prefix=".try-", dir=found).cleanup()
        except OSError as error:
            raise OSError(
                f"--{flag.name}={folder}: {found} cannot be written "
                f"({error.strerror}). Choose another folder, or make that one "
                "writable."
            ) from error
