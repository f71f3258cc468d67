"""Makes of f_A what a camera runs: 8-bit frames in, 8-bit frames out."""

import os
import shutil

import keras
import numpy as np
import tensorflow as tf

from priv_keras.video import to_float
from priv_keras.video import to_uint8


def export_saved_model(anonymizer, folder):
    """Writes f_A as a SavedModel that plain TensorFlow loads.

    `serve` takes uint8 frames `(batch, height, width, 3)`, any height and
    width, and returns uint8 frames of the same shape.

    Args:
        anonymizer: Model of frames in [0, 1].
        folder: Path; what is there is replaced, once the new one is complete.
    """
    archive = keras.export.ExportArchive()
    archive.track(anonymizer)
    archive.add_endpoint(
        "serve",
        lambda frames: to_uint8(anonymizer(to_float(frames))),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
    )
    partial = str(folder) + ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    archive.write_out(partial, verbose=False)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


class Anonymizer:
    """An exported f_A as a function of 8-bit frames.

    Args:
        model: Loaded SavedModel whose `serve` takes uint8 frames to uint8
            frames. Held whole: its functions alone would lose its variables.
    """

    def __init__(self, model):
        self.model = model

    @classmethod
    def load(cls, path):
        """Loads a SavedModel that `export_saved_model` wrote.

        Raises:
            FileNotFoundError: If `path` holds no SavedModel.
        """
        if not tf.saved_model.contains_saved_model(str(path)):
            raise FileNotFoundError(
                f"{path} holds no SavedModel. Give the folder that "
                "`python -m priv_keras.export` wrote, as in "
                "RUN_DIR/export/anonymizer."
            )
        return cls(tf.saved_model.load(str(path)))

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
        return cls(model)

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
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(
                "Frames must be uint8 of shape (n, height, width, 3). "
                f"Received: {frames.dtype} of shape {frames.shape}."
            )
        return self.model.serve(tf.constant(frames)).numpy()
