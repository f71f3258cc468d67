"""Our instance normalization beside Keras's.

    python benchmarks/instance_norm.py

Prints milliseconds of a forward pass and of forward and backward, the median
of interleaved repeats, at the shapes of f_A's layers.
"""

import statistics
import time

import keras
import tensorflow as tf

from priv_keras.layers import InstanceNormalization

SHAPES = [(32, 112, 112, 32), (32, 28, 28, 128), (128, 48, 48, 8)]
REPEATS = 9


def main():
    print(f"{'shape':22}{'layer':24}{'forward':>10}{'and backward':>14}")
    for shape in SHAPES:
        layers = {
            "GroupNormalization(-1)": keras.layers.GroupNormalization(-1),
            "InstanceNormalization": InstanceNormalization(),
        }
        x = tf.random.normal(shape)
        calls = {name: functions(layer, x) for name, layer in layers.items()}
        times = {name: ([], []) for name in calls}
        for _ in range(REPEATS):
            for name, pair in calls.items():
                for call, found in zip(pair, times[name], strict=True):
                    found.append(milliseconds(call))
        for name, (forward, both) in times.items():
            print(
                f"{shape!s:22}{name:24}{statistics.median(forward):10.1f}"
                f"{statistics.median(both):14.1f}"
            )


def functions(layer, x):
    """The layer's forward pass, and its gradient, compiled and warm."""
    layer.build(x.shape)

    @tf.function
    def forward():
        return layer(x)

    @tf.function
    def both():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(layer(x)))
        return tape.gradient(loss, [x, *layer.trainable_variables])

    forward()
    both()
    return forward, both


def milliseconds(call):
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
