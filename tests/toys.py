"""Parties and batches small enough to play a game in a second."""

import keras
import numpy as np
import tensorflow as tf

from priv_keras.algorithms.gates import Gate

CLIP = (2, 4, 4, 3)
ACTIONS, IDENTITIES = 3, 5
OPEN, SHUT = Gate(-1.0, 3), Gate(1.0, 3)  # never and always loops


def toy_anonymizer():
    frames = keras.Input(CLIP[1:])
    return keras.Model(frames, keras.layers.Dense(3)(frames))


def toy_classifier(classes, batch_norm=False, frames=CLIP[0]):
    clips = keras.Input((frames, *CLIP[1:]))
    x = keras.layers.Flatten()(clips)
    if batch_norm:
        x = keras.layers.BatchNormalization()(x)
    return keras.Model(clips, keras.layers.Dense(classes)(x))


def toy_batch(size=8, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "clips": rng.random((size, *CLIP), "float32"),
        "actions": rng.integers(0, ACTIONS, size),
        "budget_labels": rng.integers(0, IDENTITIES, size),
    }


def endless(batch):
    return tf.data.Dataset.from_tensors(batch).repeat()


def sharded(batch):
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return (
        tf.data.Dataset.from_tensor_slices(batch)
        .repeat()
        .batch(8, drop_remainder=True)
        .with_options(options)
    )
