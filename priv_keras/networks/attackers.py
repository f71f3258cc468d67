"""The attackers of Sec. 3.6: classifiers of families f_A never trained against.

All that touches keras_cv is in `_resnet`: it is frozen upstream.
"""

import keras

from priv_keras.networks import inception
from priv_keras.networks.budgets import over_frames
from priv_keras.networks.budgets import renormalized

RESNET_BLOCKS = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
RESNET_FILTERS = (64, 128, 256, 512)


def build(name, num_classes, input_shape=(112, 112, 3), width=1.0):
    """Returns an untrained attacker.

    Args:
        name: One of `NAMES`.
        num_classes: Int, identities or attributes.
        input_shape: `(height, width, channels)` of a frame.
        width: Positive float, scales the channels of every hidden layer.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`, averaged over frames.

    Raises:
        ValueError: If `name` is unknown or `width` is not positive.
    """
    if name not in ATTACKERS:
        raise ValueError(
            f"There is no attacker {name!r}. Choose from: {', '.join(NAMES)}."
        )
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    family, size = ATTACKERS[name]
    network = family(size, num_classes, input_shape, width)
    return over_frames(
        renormalized(network, "batch"), input_shape, name.replace(".", "_")
    )


def _mobilenet_v1(alpha, num_classes, input_shape, width):
    return keras.applications.MobileNet(
        input_shape,
        alpha=alpha * width,
        weights=None,
        classes=num_classes,
        classifier_activation=None,
        dropout=0.0,
    )


def _resnet_v1(depth, *args):
    return _resnet("ResNetBackbone", depth, *args)


def _resnet_v2(depth, *args):
    return _resnet("ResNetV2Backbone", depth, *args)


def _resnet(backbone, depth, num_classes, input_shape, width):
    # Here, since importing keras_cv takes seconds. Built from stacks, since
    # its presets reach for the network.
    from keras_cv import models

    backbone = getattr(models, backbone)(
        stackwise_filters=[max(1, round(width * n)) for n in RESNET_FILTERS],
        stackwise_blocks=RESNET_BLOCKS[depth],
        stackwise_strides=(1, 2, 2, 2),
        include_rescaling=False,
        input_shape=input_shape,
    )
    x = keras.layers.GlobalAveragePooling2D()(backbone.output)
    return keras.Model(backbone.input, keras.layers.Dense(num_classes)(x))


ATTACKERS = {
    **{
        f"mobilenet_v1_{alpha:g}": (_mobilenet_v1, alpha)
        for alpha in (0.25, 0.5, 0.75, 1.0)
    },
    **{f"resnet_v1_{depth}": (_resnet_v1, depth) for depth in RESNET_BLOCKS},
    **{f"resnet_v2_{depth}": (_resnet_v2, depth) for depth in RESNET_BLOCKS},
    **{
        f"inception_v{version}": (inception.build, version)
        for version in (1, 2)
    },
}
NAMES = tuple(ATTACKERS)


def family(name):
    """`"mobilenet_v2"` of `"mobilenet_v2_0.5"`; a family shares its blocks."""
    return name.rpartition("_")[0]
