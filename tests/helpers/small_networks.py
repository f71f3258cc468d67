"""Runs a program of priv_keras with small networks in place of MobileNets.

Use it as `python -m tests.helpers.small_networks train --run_dir=...`. A short
run would spend most of its time on tracing networks of fifty layers, which
`tests/networks` tests.
"""

import runpy
import sys

import keras
from keras import layers


def build(input_shape, *, classes, **_):
    """Returns a network; takes the arguments of `keras.applications.MobileNet`
    and `MobileNetV2`."""
    frames = keras.Input(input_shape)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(frames)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(frames, layers.Dense(classes)(x))


def install():
    keras.applications.MobileNet = keras.applications.MobileNetV2 = build


if __name__ == "__main__":
    install()
    del sys.argv[0]
    runpy.run_module(
        f"priv_keras.{sys.argv[0]}", run_name="__main__", alter_sys=True
    )
