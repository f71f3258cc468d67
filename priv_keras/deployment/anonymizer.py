"""Makes of f_A what a camera runs: 8-bit frames in, 8-bit frames out."""

import pathlib

import numpy as np
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.deployment import safe_loading
from priv_keras.deployment import tflite
from priv_keras.deployment.litert import LiteModel
from priv_keras.pixels import checked
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8


class Anonymizer:
    """An exported f_A as a function of 8-bit frames.

    Args:
        serve: Callable of uint8 frames that returns uint8 frames, arrays.
        card: Dict, its model card; `None` where it has none.
    """

    def __init__(self, serve, card=None):
        self.serve = serve
        self.card = card

    @classmethod
    def load(cls, path, trusted=False):
        """Loads what `python -m priv_keras.export` wrote, in any format.

        The network of a SavedModel is built anew by our own code, from the
        name and arguments on its card, and takes the weights of the file.
        Neither the graph of the file nor TensorFlow's loader is run.

        Args:
            path: Folder of a SavedModel, folder of a TFLite file, or that
                file. Where a card lies there, its hashes are checked first.
            trusted: Bool, whether to run the graph of a SavedModel instead.
                It may do all that this process may do.

        Raises:
            FileNotFoundError: If `path` holds no exported anonymizer.
            ValueError: If a file is not the one that the card describes, a
                SavedModel cannot be rebuilt and is not trusted, or the model
                does not make frames of frames.
        """
        path = pathlib.Path(path)
        file = path / tflite.TFLITE_FILE if path.is_dir() else path
        if tf.saved_model.contains_saved_model(str(path)):
            card = cards.check(path)
            if trusted:
                return cls(_tried(lambda: _saved_model(path), path), card)
            network = safe_loading.rebuild(path, card)
            return cls(_tried(lambda: cls.of(network).serve, path), card)
        if file.suffix == ".tflite" and file.is_file():
            card = cards.check(file.parent)
            return cls(_tried(lambda: LiteModel(file.read_bytes()), file), card)
        raise FileNotFoundError(
            f"{path} holds no SavedModel and no {tflite.TFLITE_FILE}. Give "
            "the folder that `python -m priv_keras.export` wrote, as in "
            "RUN_DIR/export/anonymizer."
        )

    @classmethod
    def of(cls, network):
        """Makes one of a model of frames in [0, 1], as `baselines.build` has.

        Args:
            network: Callable, float frames `(n, height, width, 3)` to the same.
        """
        model = tf.Module()
        model.network = network
        model.serve = tf.function(
            lambda frames: to_uint8(network(to_float(frames))),
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
        )
        return cls(_served(model))

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


def _saved_model(path):
    return _served(tf.saved_model.load(str(path)))


def _tried(load, path):
    """What `load()` returns, once it has made frames of frames."""
    frames = np.zeros((1, 32, 32, 3), np.uint8)
    try:
        serve = load()
        made = serve(frames)
    # Whatever TensorFlow and LiteRT raise where a file is not sound.
    except Exception as error:
        raise ValueError(
            f"{path} is damaged, or no anonymizer: {error!r}. Export it anew."
        ) from error
    if (made.shape, made.dtype) != (frames.shape, frames.dtype):
        raise ValueError(
            f"{path} is no anonymizer: of uint8 frames {frames.shape} it makes "
            f"{made.dtype} {made.shape}. Export it anew."
        )
    return serve


def _served(model):
    # Holds `model` whole: its functions alone would lose its variables.
    return lambda frames: model.serve(tf.constant(frames)).numpy()
