"""A game small enough to play in a second."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from priv_keras import losses
from priv_keras.algorithms.base import Optimizers
from priv_keras.algorithms.gates import Gate

# Two logical devices, for tests of replicas; before TensorFlow starts.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)

CLIP = (2, 4, 4, 3)
ACTIONS, IDENTITIES = 3, 5
OPEN, SHUT = Gate(-1.0, 3), Gate(1.0, 3)  # never and always loops


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


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


@pytest.fixture
def data():
    return endless(toy_batch())


@pytest.fixture
def make_game():
    def make(
        algorithm,
        *,
        num_budgets=1,
        target_gate=OPEN,
        budget_gate=OPEN,
        gamma=2.0,
        lr=0.1,
        budget_task=losses.SINGLE_LABEL,
        validation=None,
        budget_frames=CLIP[0],
        optimizer=keras.optimizers.SGD,
        **kwargs,
    ):
        game = algorithm(
            toy_anonymizer(),
            toy_classifier(ACTIONS),
            [
                toy_classifier(IDENTITIES, True, budget_frames)
                for _ in range(num_budgets)
            ],
            budget_task=budget_task,
            gamma=gamma,
            target_gate=target_gate,
            budget_gate=budget_gate,
            **kwargs,
        )
        game.compile(
            optimizers=Optimizers(
                optimizer(lr),
                optimizer(lr / 2),
                [optimizer(lr * 2) for _ in range(num_budgets)],
            ),
            validation=validation or endless(toy_batch(seed=1)),
        )
        return game

    return make
