"""MobileNetV2 with temporal shifts, a cheap f_T for few clips."""

import keras

from priv_keras.layers import PerFrame
from priv_keras.layers import TemporalShift
from priv_keras.networks.budgets import renormalized


def build(num_classes, width=1.0, input_shape=(16, 112, 112, 3)):
    """Returns MobileNetV2 whose residual blocks see neighbouring frames.

    Args:
        num_classes: Int, the number of actions.
        width: Positive float, the width multiplier of MobileNetV2. At 1.0 it
            has as many parameters as MobileNetV2: a shift has none.
        input_shape: `(frames, height, width, channels)`.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`, averaged over frames.

    Raises:
        ValueError: If `width` is not positive.

    Reference:
        [Lin et al., 2019](https://arxiv.org/abs/1811.08383)
    """
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    frames, *frame_shape = input_shape
    network = renormalized(
        keras.applications.MobileNetV2(
            frame_shape,
            alpha=width,
            weights=None,
            classes=num_classes,
            classifier_activation=None,
        ),
        "batch",
    )
    clips = keras.Input(input_shape, name="clips")
    # keras.applications expects frames in [-1, 1].
    scaled = keras.layers.Rescaling(2.0, -1.0)(clips)
    logits = PerFrame(_shifted(network, frames))(scaled)
    logits = keras.ops.mean(keras.ops.cast(logits, "float32"), axis=1)
    return keras.Model(clips, logits, name="target")


def _shifted(network, frames):
    """Shifts channels before the first layer of each residual branch."""
    residual = {
        layer.name.replace("_add", "_expand")
        for layer in network.layers
        if isinstance(layer, keras.layers.Add)
    }

    def call(layer, x, *args, **kwargs):
        if layer.name in residual:
            x = TemporalShift(frames)(x)
        kwargs.pop("mask", None)
        return layer(x, *args, **kwargs)

    return keras.models.clone_model(network, call_function=call)
