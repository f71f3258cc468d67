"""Writes f_A as a SavedModel."""

import pathlib

import keras
import tensorflow as tf

from priv_keras.deployment import card as cards
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8


def export_saved_model(anonymizer, folder, card=None):
    """Writes f_A as a SavedModel that plain TensorFlow loads.

    `serve` takes uint8 frames `(batch, height, width, 3)`, any height and
    width, and returns uint8 frames of the same shape.

    Args:
        anonymizer: Model of frames in [0, 1].
        folder: Path; what is there is replaced, once the new one is complete.
        card: Dict as `card.write` takes it, or `None`.
    """
    archive = keras.export.ExportArchive()
    archive.track(anonymizer)
    archive.add_endpoint(
        "serve",
        lambda frames: to_uint8(anonymizer(to_float(frames))),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
    )
    with cards.published(pathlib.Path(folder), card) as partial:
        archive.write_out(str(partial), verbose=False)
