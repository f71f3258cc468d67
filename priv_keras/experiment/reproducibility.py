"""Seeds, determinism, and fingerprints of what runs may share.

Part of the programs: this module reads flags.
"""

import hashlib
import json

import keras
import tensorflow as tf

from flags import data as data_flags
from priv_keras.experiment import bad_records
from priv_keras.experiment.shards import STREAMS


def fingerprint(data, *settings):
    """Returns a name for what depends only on data, cuts, seed and settings.

    Args:
        data: `data.Data`.
        *settings: Further values that JSON can hold.

    Returns:
        String of 12 hexadecimal digits.
    """
    broken = bad_records.left_out(data)
    everything = [
        *([broken] if broken else []),
        data.target.manifest["options"],
        data.budget.manifest["options"],
        data.tested_target.manifest["options"],
        data.clip_shape,
        data.budget.frames,
        data_flags.FRAME_WIDTH.value,
        data_flags.FRAME_HEIGHT.value,
        data_flags.SEED.value,
        *settings,
    ]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:12]


def be_deterministic():
    """Makes TensorFlow repeat every bit if `--deterministic` is given."""
    if data_flags.DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()


def seed_everything(stream):
    """Seeds weights and dropout for one phase of a run.

    Each phase is seeded again, so that skipping one on resume does not change
    the next.

    Args:
        stream: String, one of `shards.STREAMS`.
    """
    keras.utils.set_random_seed(
        100 * data_flags.SEED.value + STREAMS.index(stream)
    )
