"""Clips that a judge learns from in seconds."""

import numpy as np
import tensorflow as tf
from toys import untuned

from priv_keras.evaluation import two_step

PROTOCOL = two_step.Protocol(
    steps=240,
    steps_per_epoch=8,
    patience=30,
    learning_rate=0.01,
    batch_size=8,
    frames=2,
)


def batches(size=48):
    """Returns clips that tell who is there by a bright corner."""
    rng = np.random.default_rng(0)
    who = np.arange(size) % 5
    clips = rng.random((size, 2, 4, 4, 3)).astype("float32") / 5
    clips[np.arange(size), :, who % 4, :, who % 3] += 0.7
    data = tf.data.Dataset.from_tensor_slices(
        {
            "clips": clips,
            "actions": rng.integers(0, 3, size),
            "budget_labels": who,
            "video": [f"video {i // 2}" for i in range(size)],
        }
    )
    return untuned(data.batch(8))


def splits(dataset):
    return dict.fromkeys(("train", "validation", "test"), dataset)


def constant(clips):
    return tf.ones_like(clips) / 2
