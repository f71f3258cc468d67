"""Paths of shards, on this machine or in an object store.

This is the only module that knows about tensorflow-io, whose file systems
TensorFlow finds once it is imported.
"""

import hashlib

from etils import epath


def path(name):
    """Returns the path of a file or folder, here or in an object store.

    Args:
        name: String or path, such as `"gs://bucket/a"` or `"s3://bucket/a"`.

    Returns:
        `epath.Path`. Ask it `exists()` rather than `is_file()`, which older
        ones answer with yes for whatever is missing.

    Raises:
        ValueError: If it begins with `s3://` and tensorflow-io does not load.
    """
    if str(name).startswith("s3://"):
        try:
            import tensorflow_io  # noqa: F401
        except (ImportError, NotImplementedError) as error:
            raise ValueError(
                f"{name}: s3:// needs tensorflow-io, which does not load "
                f"({error}). Install it with the TensorFlow that it is for: "
                "`pip install 'priv-keras[io]'`, in an environment of its own."
            ) from error
    return epath.Path(name)


def is_remote(name):
    """Returns whether a path is in an object store, which renames nothing."""
    return "://" in str(name)


def sha256(name):
    """Returns the SHA-256 of the file at a string or path, in hexadecimal."""
    digest = hashlib.sha256()
    with path(name).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
