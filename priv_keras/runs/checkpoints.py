"""Weights on disk: a file is whole or not there, and known to be whole.

A file's name ends in the start of its SHA-256, as in
`turn_000056-1f0c5a6b7d8e.weights.h5`, so that a damaged one is found out.
"""

import os
import pathlib
import warnings

from priv_keras.files import sha256

DIGITS = 12
END = ".weights.h5"
PARTIAL = "partial"


def save(model, folder, stem):
    """Saves a model's weights, under the final name only when complete.

    Args:
        model: Keras model, or anything with its `save_weights`.
        folder: Path, made where it is missing.
        stem: String, how the name starts. Older files of that stem go.

    Returns:
        `pathlib.Path` of the file.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # With a name of its own: runs of one --shared_dir may save side by side.
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
    """Removes what killed runs had not saved to its end.

    Args:
        folder: Path of a folder that nobody else saves in now.
    """
    for path in pathlib.Path(folder).glob(f"{PARTIAL}-*{END}"):
        path.unlink()


def files(folder, stem):
    """Files whose name starts with `stem`, in order, damaged ones too."""
    pattern = f"{stem}-{'?' * DIGITS}{END}"
    return sorted(pathlib.Path(folder).glob(pattern))


def newest(folder, stem, say):
    """The last file of `files` that is whole, or `None`.

    Args:
        folder, stem: As of `files`.
        say: Callable of a string, told of each damaged file passed over.
    """
    for path in reversed(files(folder, stem)):
        if is_whole(path):
            return path
        say(f"warning: {path} is damaged and passed over.")
    return None


def is_whole(path):
    """Whether a file is what was saved under its name."""
    known = path.name.removesuffix(END).rpartition("-")[2]
    return _digest(path) == known


def _digest(path):
    return sha256(path)[:DIGITS]


def load(model, path):
    """Reads a file of weights into a model.

    Args:
        model: As of `save`; changed in part where the file is unfit.
        path: Path of a `*.weights.h5`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, of another network, or not of that name:
            Keras reads other files by other means.
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if not str(path).endswith(END):
        raise ValueError(
            f"{path} is no *{END}. Give a file that `model.save_weights` wrote "
            "under such a name."
        )
    try:
        # Keras only warns of an optimizer's state that does not fit.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    # Whatever h5py raises, in whichever release.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(
            f"{path} is damaged, or of another network ({reason}). Name the "
            "weights of this one, or train it anew."
        ) from error


TURNS = "turn_*"


def stem_of(turn):
    return f"turn_{turn:06d}"


def turn_of(path):
    """The turn after which a game was saved."""
    return int(path.name.removeprefix("turn_").split("-")[0])
