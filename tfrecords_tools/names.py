"""Names of files as operating systems, archives and people write them."""

import functools
import os
import pathlib
import unicodedata

# What systems put beside the files of people; names in lower case.
SYSTEM = {
    "__macosx",
    "@eadir",
    "$recycle.bin",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "lost+found",
    "system volume information",
    "thumbs.db",
}
LOCK = "~$"  # begins the name of a file that tells who is writing another
UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # line ends, controls, bytes not in UTF-8


def is_system(name):
    """Returns whether a file or folder is hidden or of an operating system.

    Args:
        name: String, without folders, such as `._clip.avi` or `Thumbs.db`.
    """
    return name.startswith((".", LOCK)) or name.lower() in SYSTEM


def visible(folder):
    """Returns what a folder holds, sorted, without files of the system."""
    return sorted(p for p in folder.iterdir() if not is_system(p.name))


def walk(folder, suffix):
    """Finds files, without those of the system.

    Args:
        folder: `pathlib.Path` that they are below, however deeply nested.
        suffix: String in lower case, such as `".avi"`; in names, case does
            not count.

    Returns:
        Sorted list of `pathlib.Path`.
    """
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_system(name)]
        found += [
            pathlib.Path(parent, name)
            for name in files
            if name.lower().endswith(suffix) and not is_system(name)
        ]
    return sorted(found)


def system_files(folder):
    """Returns the files and folders of the system below a folder, sorted."""
    found = []
    for parent, folders, files in os.walk(folder):
        found += [
            os.path.join(parent, name)
            for name in (*folders, *files)
            if is_system(name)
        ]
        folders[:] = [name for name in folders if not is_system(name)]
    return sorted(found)


def key(name):
    """Returns a name in the one form in which names are compared.

    Systems compose letters and accents (NFC) or keep them apart (NFD), and
    cameras write suffixes in upper case.
    """
    stem, suffix = os.path.splitext(unicodedata.normalize("NFC", name))
    return stem + suffix.lower()


def existing(path):
    """Returns the path of a file that has this name, up to its `key`.

    Args:
        path: `pathlib.Path`.

    Returns:
        `path` if it exists, or if nothing there has its key.
    """
    if os.path.lexists(path) or path.parent == path:
        return path
    parent = existing(path.parent)
    if not parent.is_dir():
        return path
    found = _by_key(parent, parent.stat().st_mtime_ns)
    return parent / found.get(key(path.name), path.name)


@functools.lru_cache(maxsize=16)
def _by_key(folder, _):
    """Returns a dict of the names in a folder by their keys."""
    return {key(name): name for name in sorted(os.listdir(folder))}


def is_writable(name):
    """Returns whether a name is text of one line, as a manifest lists it."""
    return not any(unicodedata.category(c) in UNWRITABLE for c in name)


def one_line(text):
    """Returns text with all that is not writable escaped, as in `\\n`."""
    return "".join(
        c if is_writable(c) else c.encode("unicode_escape").decode()
        for c in text
    )
