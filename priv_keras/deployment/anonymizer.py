"""Loads exported anonymizers as functions of 8-bit frames."""

import pathlib

import numpy as np
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.deployment import hub
from priv_keras.deployment import presets
from priv_keras.deployment import safe_loading
from priv_keras.deployment import tflite
from priv_keras.deployment.litert import LiteModel
from priv_keras.pixels import checked
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8


class Anonymizer:
    """An exported f_A: a function from 8-bit frames to 8-bit frames.

    Args:
        serve: Callable from a uint8 array of frames to another one.
        card: Dict, its model card; `None` if it has none.
    """

    def __init__(self, serve, card=None):
        self.serve = serve
        self.card = card

    @classmethod
    def load(cls, path, trusted=False):
        """Loads what `python -m priv_keras.export` wrote, in any format.

        The network of a SavedModel is rebuilt by our own code from the name and
        arguments on its card, and the weights are read from the file. Neither
        the graph of the file nor TensorFlow's loader is run.

        Args:
            path: Folder of a SavedModel, of its card and weights alone, or of
                a TFLite file, or that file; or a folder in which such a
                SavedModel is called `anonymizer`. If a card lies there, its
                hashes are checked first.
            trusted: Bool, whether to run the graph of a SavedModel instead.
                The graph can do everything that this process can do.

        Returns:
            `Anonymizer`.

        Raises:
            FileNotFoundError: If `path` holds no exported anonymizer.
            ValueError: If a file is not the one that the card describes, if a
                SavedModel cannot be rebuilt and is not trusted, or if the model
                does not turn frames into frames.
        """
        path = _innermost(pathlib.Path(path))
        file = path / tflite.TFLITE_FILE if path.is_dir() else path
        has_graph = tf.saved_model.contains_saved_model(str(path))
        if has_graph or _has_weights(path):
            card = cards.check(path)
            if trusted and has_graph:
                return cls(_tested(lambda: _saved_model(path), path), card)
            network = safe_loading.rebuild(path, card)
            return cls(_tested(lambda: cls.of(network).serve, path), card)
        if file.suffix == ".tflite" and file.is_file():
            card = cards.check(file.parent)
            serve = _tested(lambda: LiteModel(file.read_bytes()), file)
            return cls(serve, card)
        raise FileNotFoundError(
            f"{path} holds no SavedModel and no {tflite.TFLITE_FILE}. Give "
            "the folder that `python -m priv_keras.export` wrote, as in "
            "RUN_DIR/export/anonymizer."
        )

    @classmethod
    def from_preset(cls, name):
        """Loads a trained anonymizer that comes with the package.

        Its card says what it was trained on. No figure on it holds for other
        films.

        Args:
            name: String, one of `priv_keras.deployment.presets.names()`; or
                the path of a folder that `python -m priv_keras.export
                --to_hub` wrote, such as a copy from the hub.

        Returns:
            `Anonymizer`.

        Raises:
            ValueError: If there is no preset of that name and no such folder;
                see `load`.
        """
        known = name in presets.names()
        if not known and pathlib.Path(name, hub.PLACE).is_dir():
            return cls.load(name)
        return cls.load(presets.folder(name))

    @classmethod
    def of(cls, network):
        """Wraps a network, for example one that `baselines.build` returned.

        Args:
            network: Model from frames `(n, height, width, 3)` in [0, 1] to
                frames of the same shape.

        Returns:
            `Anonymizer` without a card.
        """
        model = tf.Module()
        model.network = network
        model.serve = tf.function(
            lambda frames: to_uint8(network(to_float(frames))),
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
        )
        return cls(_as_function(model))

    def stream(self, batches):
        """Anonymizes the consecutive frames of a video.

        Args:
            batches: Iterable of uint8 arrays `(n, height, width, 3)`.

        Yields:
            uint8 arrays of the same shapes.
        """
        for frames in batches:
            yield self(frames)

    def __call__(self, frames):
        """Anonymizes frames.

        Args:
            frames: uint8 `(n, height, width, 3)`.

        Returns:
            uint8 array of the same shape.

        Raises:
            ValueError: If `frames` has another shape or dtype.
        """
        return self.serve(checked(frames))


def _innermost(path):
    """Returns the SavedModel within a folder of all formats, or `path`."""
    inner = path / hub.PLACE
    has_own = tf.saved_model.contains_saved_model(str(path))
    if has_own or _has_weights(path) or not inner.is_dir():
        return path
    return inner


def _has_weights(path):
    return (path / "variables").is_dir()


def _saved_model(path):
    return _as_function(tf.saved_model.load(str(path)))


def _tested(load, path):
    """Returns what `load()` returns; raises unless it maps frames to frames."""
    frames = np.zeros((1, 32, 32, 3), np.uint8)
    try:
        serve = load()
        anonymized = serve(frames)
    # TensorFlow and LiteRT raise errors of many types if a file is not sound.
    except Exception as error:
        raise ValueError(
            f"{path} is damaged or not an anonymizer: {error!r}. Export it "
            "again."
        ) from error
    if (anonymized.shape, anonymized.dtype) != (frames.shape, frames.dtype):
        raise ValueError(
            f"{path} is not an anonymizer: for uint8 frames {frames.shape} it "
            f"returns {anonymized.dtype} {anonymized.shape}. Export it again."
        )
    return serve


def _as_function(model):
    # It holds `model`, because `model.serve` alone would lose the variables.
    return lambda frames: model.serve(tf.constant(frames)).numpy()
