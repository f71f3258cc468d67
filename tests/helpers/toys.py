"""Parties and batches small enough to play a game in a second."""

import json
import socket

import keras
import numpy as np
import tensorflow as tf

from priv_keras import losses
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import Optimizers

CLIP = (2, 4, 4, 3)
ACTIONS, IDENTITIES = 3, 5
OPEN, SHUT = Gate(-1.0, 3), Gate(1.0, 3)  # loops never, loops to the cap


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
    return untuned(tf.data.Dataset.from_tensors(batch).repeat())


def untuned(dataset):
    """Switches tf.data's tuner off, as for shards: taking down an iterator may
    wait ten seconds and more for it."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def sharded(batch):
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return untuned(
        tf.data.Dataset.from_tensor_slices(batch)
        .repeat()
        .batch(8, drop_remainder=True)
        .with_options(options)
    )


def cluster(count):
    """Returns TF_CONFIG for each of `count` workers on this machine."""
    servers = [socket.socket() for _ in range(count)]
    for server in servers:
        server.bind(("127.0.0.1", 0))
    hosts = [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return [
        json.dumps(
            {
                "cluster": {"worker": hosts},
                "task": {"type": "worker", "index": i},
            }
        )
        for i in range(count)
    ]


def toy_pair_game(algorithm, restarts):
    """Returns a game with two budget models, for the scope of any strategy.

    It uses SGD rather than Adam, which hides the scale of a gradient.
    """
    keras.utils.set_random_seed(5)
    game = algorithm(
        toy_anonymizer(),
        toy_classifier(ACTIONS),
        [toy_classifier(IDENTITIES) for _ in range(2)],
        budget_task=losses.SINGLE_LABEL,
        gamma=2.0,
        target_gate=SHUT,
        budget_gate=Gate(0.4, 20),
        restarts=restarts,
    )
    game.compile(
        optimizer=Optimizers(
            keras.optimizers.SGD(0.1),
            keras.optimizers.SGD(0.1),
            [keras.optimizers.SGD(0.5) for _ in range(2)],
        ),
        validation=sharded(toy_batch()),
    )
    return game
