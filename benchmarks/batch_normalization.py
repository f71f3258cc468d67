"""How long an update takes with our batch normalization and with Keras's.

`python benchmarks/batch_normalization.py` trains the classifiers of the tiny
scale on random clips, with either layer in turns, and compares medians. Writes
`benchmarks/results/batch_normalization.md`.
"""

import argparse
import os
import pathlib
import statistics
import time
from unittest import mock

import keras
import machine
import numpy as np
import tensorflow as tf

from priv_keras.networks import attackers
from priv_keras.networks import budgets
from priv_keras.networks import normalization
from priv_keras.networks import targets

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "batch_normalization.md"
CLASSES = 21
SIZE = 48
FRAME = (SIZE, SIZE, 3)
CLIP = (6, *FRAME)
# Of `--scale=tiny`: what builds a network, and the clips of a batch.
NETWORKS = {
    "ResNet-26, a quarter wide": (
        lambda: attackers.build("resnet_v1_26", CLASSES, FRAME, 0.25),
        (64, 1, *FRAME),
    ),
    "MobileNetV1, a quarter wide": (
        lambda: attackers.build("mobilenet_v1_1", CLASSES, FRAME, 0.25),
        (64, 1, *FRAME),
    ),
    "f_B, `convnet_0.5`": (
        lambda: budgets.build("convnet_0.5", CLASSES, FRAME, pooling="frames"),
        (16, *CLIP),
    ),
    "f_T, C3D, a quarter wide": (
        lambda: targets.build(
            "c3d", CLASSES, 0.25, CLIP, normalization="batch", head="average"
        ),
        (16, *CLIP),
    ),
}
LAYERS = {
    "Keras": keras.layers.BatchNormalization,
    "fused": normalization.BatchNormalization,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=10, help="of a round")
    args = parser.parse_args()
    lines = [
        "# An update with either batch normalization",
        "",
        f"Made by `python benchmarks/batch_normalization.py` on "
        f"{machine.name()}; load at the start {os.getloadavg()[0]:.1f}. "
        f"Milliseconds of an update, and of processor time for it; medians of "
        f"{args.rounds} rounds of {args.updates} updates, in which both layers "
        "take turns.",
        "",
        "| network | clips | Keras | fused | Keras, processor | fused |",
        "|---|---|---|---|---|---|",
    ]
    for name, (build, shape) in NETWORKS.items():
        took = measured(build, shape, args.rounds, args.updates)
        cells = [f"{took[layer][i]:.0f}" for i in (0, 1) for layer in LAYERS]
        size = "x".join(map(str, shape[:-1]))
        lines.append(f"| {name} | {size} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")


def measured(build, shape, rounds, updates):
    """Returns a dict of each layer to its two medians, in milliseconds."""
    steps = {
        name: step_of(build, layer, shape) for name, layer in LAYERS.items()
    }
    took = {name: [] for name in steps}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter(), time.process_time()
            for _ in range(updates):
                step()
            end = time.perf_counter(), time.process_time()
            took[name].append(
                [
                    1000 * (b - a) / updates
                    for a, b in zip(start, end, strict=True)
                ]
            )
    return {
        name: [
            statistics.median(column) for column in zip(*each[1:], strict=True)
        ]
        for name, each in took.items()
    }  # without the first round, a warm-up


def step_of(build, layer, shape):
    """Returns a callable that makes one update."""
    with (
        mock.patch.object(normalization, "BatchNormalization", layer),
        mock.patch.object(budgets, "BatchNormalization", layer),
    ):
        model = build()
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rng = np.random.default_rng(0)
    clips = tf.constant(rng.random(shape, "float32"))
    labels = tf.constant(rng.integers(0, CLASSES, len(clips)))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(clips, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )

    return step


if __name__ == "__main__":
    main()
