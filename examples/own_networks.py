"""Plays the entropy game with networks and data of one's own.

    python examples/own_networks.py

A bright square moves to the left or to the right: f_T must tell which. Its
colour tells who it is: f_B must no longer be able to.
"""

import keras
import numpy as np
import tensorflow as tf

from priv_keras import losses
from priv_keras.algorithms import Entropy
from priv_keras.algorithms.gates import Gate

FRAMES, SIZE = 4, 16
COLOURS = np.eye(3, dtype="float32")


def clips(count, seed):
    rng = np.random.default_rng(seed)
    actions, people = rng.integers(0, 2, count), rng.integers(0, 3, count)
    videos = rng.random((count, FRAMES, SIZE, SIZE, 3), "float32") / 4
    for video, action, person in zip(videos, actions, people, strict=True):
        for t, frame in enumerate(video):
            left = 2 + 2 * (t if action else FRAMES - t)
            frame[6:10, left : left + 4] = 0.75 * COLOURS[person]
    labels = {"actions": actions, "budget_labels": people}
    return tf.data.Dataset.from_tensor_slices((videos, labels)).batch(16)


def classifier(classes):
    return keras.Sequential(
        [
            keras.Input((FRAMES, SIZE, SIZE, 3)),
            keras.layers.Conv3D(8, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(classes),
        ]
    )


def main(epochs=3):
    frames = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(frames)
    x = keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")(x)
    game = Entropy(
        anonymizer=keras.Model(frames, x),
        target=classifier(2),
        budgets=classifier(3),
        budget_task=losses.SINGLE_LABEL,
        gamma=1.0,
        target_gate=Gate(0.9, max_steps=5),
        budget_gate=Gate(0.9, max_steps=5),
    )
    game.compile("adam")
    game.fit(clips(128, seed=0), epochs=epochs, validation_data=clips(32, 1))
    return game


if __name__ == "__main__":
    main()
