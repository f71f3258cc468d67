"""Seeds, determinism, and fingerprints of what runs may share."""

import hashlib
import json

import keras
import tensorflow as tf

from flags import data as data_flags
from priv_keras.experiment import bad_records
from priv_keras.experiment.shards import STREAMS


def fingerprint(data, *settings):
    """A name for what depends on the data, on how clips are cut, on the seed
    and on `settings`, which JSON can hold, and on nothing else."""
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
    """Where `--deterministic`, TensorFlow repeats every bit on this machine."""
    if data_flags.DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()


def seed_everything(stream):
    """Seeds weights and dropout; each phase anew, so that one that is skipped
    on resume leaves the next as it would have been."""
    keras.utils.set_random_seed(
        100 * data_flags.SEED.value + STREAMS.index(stream)
    )
