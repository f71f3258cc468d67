"""Files of weights, which are complete and can be verified.

A file's name ends in the first digits of its SHA-256, as in
`turn_000056-1f0c5a6b7d8e.weights.h5`, so that damage to it is detected.
"""

import os
import pathlib
import warnings

from priv_keras.files import sha256

DIGITS = 12
END = ".weights.h5"
PARTIAL = "partial"
TURNS = "turn_*"  # the stems of saved games


def save(model, folder, stem):
    """Saves a model's weights, under the final name only when complete.

    Args:
        model: Keras model, or another object that has `save_weights`.
        folder: Path, created if it is missing.
        stem: String, how the name starts. Older files of that stem are
            deleted.

    Returns:
        `pathlib.Path` of the file.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # The name is unique: runs of one --shared_dir may save side by side.
    partial = folder / f"{PARTIAL}-{os.getpid()}-{stem}{END}"
    try:
        model.save_weights(partial)
        path = folder / f"{stem}-{_digest(partial)}{END}"
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    for old in files(folder, stem):
        if old != path:
            old.unlink(missing_ok=True)
    return path


def forget_partial(folder):
    """Deletes files that killed runs did not finish.

    Args:
        folder: Path of a folder that nobody else saves in now.
    """
    for path in pathlib.Path(folder).glob(f"{PARTIAL}-*{END}"):
        path.unlink()


def files(folder, stem):
    """Returns the files whose name starts with `stem`, damaged ones too.

    Args:
        folder: Path.
        stem: String; it may hold wildcards, see `TURNS`.

    Returns:
        Sorted list of `pathlib.Path`.
    """
    pattern = f"{stem}-{'?' * DIGITS}{END}"
    return sorted(pathlib.Path(folder).glob(pattern))


def newest(folder, stem, say):
    """Returns the last of `files` that is undamaged, or `None`.

    Args:
        folder, stem: See `files`.
        say: Callable that takes a string, called for each damaged file that is
            passed over.
    """
    for path in reversed(files(folder, stem)):
        if is_whole(path):
            return path
        say(f"warning: {path} is damaged and passed over.")
    return None


def is_whole(path):
    """Returns whether a file is what was saved under its name."""
    known = path.name.removesuffix(END).rpartition("-")[2]
    return _digest(path) == known


def _digest(path):
    return sha256(path)[:DIGITS]


def load(model, path):
    """Reads a file of weights into a model.

    Args:
        model: See `save`. If the file does not fit, some weights may have
            been overwritten.
        path: Path of a `*.weights.h5`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, belongs to another network, or has
            another suffix, by which Keras would choose another format.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if not str(path).endswith(END):
        raise ValueError(
            f"{path} is not a *{END}. Give a file that `model.save_weights` "
            "wrote under such a name."
        )
    try:
        # Keras merely warns if the state of an optimizer does not fit.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    # h5py raises various exceptions, which differ between releases.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(
            f"{path} is damaged, or of another network ({reason}). Name the "
            "weights of this one, or train it anew."
        ) from error


def stem_of(turn):
    """Returns the start of the name of a game saved after `turn`."""
    return f"turn_{turn:06d}"


def turn_of(path):
    """Returns the turn after which a game was saved at `path`."""
    return int(path.name.removeprefix("turn_").split("-")[0])
