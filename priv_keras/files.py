"""Small files that are whole or not there, whenever a run is killed."""

import contextlib
import hashlib
import os
import pathlib
import shutil

from priv_keras.deployment import card as card_module


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


@contextlib.contextmanager
def published(folder, card=None):
    """A new folder to fill, that takes the place of `folder` when complete.

    Args:
        folder: `pathlib.Path`; what is there stays, if filling fails.
        card: Dict as `write` takes it; `None` for none.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if card is not None:
            card_module.write(partial, card)
    except BaseException:
        shutil.rmtree(partial)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def sha256(path):
    """The SHA-256 of the file at a `pathlib.Path`, as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
