"""Writes f_A as a SavedModel."""

import pathlib

import keras
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8


def export_saved_model(anonymizer, folder, card=None):
    """Writes f_A as a SavedModel that plain TensorFlow loads.

    Its `serve` takes uint8 frames `(batch, height, width, 3)` of any height and
    width, and returns uint8 frames of the same shape.

    Args:
        anonymizer: Model from frames in [0, 1] to frames in [0, 1].
        folder: Path; what is there is replaced once the new one is complete.
        card: Dict, see `card.write`, or `None`.
    """
    with cards.published(pathlib.Path(folder), card) as partial:
        write(anonymizer, partial)


def write(anonymizer, folder, batch=None):
    """Writes f_A as a SavedModel into a folder.

    Args:
        anonymizer: Model from frames in [0, 1] to frames in [0, 1].
        folder: Path.
        batch: Int, the number of frames that `serve` takes; `None` for any.
    """
    archive = keras.export.ExportArchive()
    archive.track(anonymizer)
    archive.add_endpoint(
        "serve",
        lambda frames: to_uint8(anonymizer(to_float(frames))),
        input_signature=[tf.TensorSpec((batch, None, None, 3), tf.uint8)],
    )
    archive.write_out(str(folder), verbose=False)
