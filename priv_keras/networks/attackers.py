"""The attackers of Sec. 3.6, of families that f_A never trained against.

Only `_resnet` uses keras_cv, which is frozen upstream.
"""

import keras

from priv_keras.networks import inception
from priv_keras.networks import pretrained
from priv_keras.networks.budgets import over_frames
from priv_keras.networks.budgets import renormalized

RESNET_BLOCKS = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
RESNET_FILTERS = (64, 128, 256, 512)


def build(
    name, num_classes, input_shape=(112, 112, 3), width=1.0, weights=None
):
    """Returns an untrained attacker.

    Args:
        name: One of `NAMES`.
        num_classes: Int, identities or attributes.
        input_shape: `(height, width, channels)` of a frame.
        width: Positive float that scales the channels of every hidden layer.
        weights: `None` for random weights, or `"imagenet"` for those that
            `keras.applications` downloads; the last layer is always random.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`, averaged over frames.

    Raises:
        ValueError: If `name` is unknown, `width` is not positive, or there are
            no such weights for the network.
        OSError: If weights cannot be downloaded.
    """
    if name not in ATTACKERS:
        raise ValueError(
            f"There is no attacker {name!r}. Choose from: {', '.join(NAMES)}."
        )
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    if weights:
        network = _pretrained(name, num_classes, input_shape, width, weights)
    else:
        family, size = ATTACKERS[name]
        network = renormalized(
            family(size, num_classes, input_shape, width), "batch"
        )
    return over_frames(network, input_shape, name.replace(".", "_"))


def check_pretrained(names, width):
    """Raises unless there are ImageNet weights for all these attackers.

    Args:
        names: Names of attackers.
        width: See `build`.

    Raises:
        ValueError: If one of them has none.
    """
    unknown = [name for name in names if name not in PRETRAINED]
    if unknown or width != 1:
        raise ValueError(
            f"--attacker_weights=imagenet: there are weights of "
            f"{', '.join(PRETRAINED)}, at --attacker_width=1. Received: "
            f"--attackers={','.join(names)} --attacker_width={width:g}."
        )


def _pretrained(name, num_classes, input_shape, width, weights):
    """Returns a `keras.applications` network; its ResNets are not keras_cv's.

    The weights are those of `weights`, except for the last layer's.
    """
    check_pretrained([name], width)
    application, options, pixels = PRETRAINED[name]
    application = getattr(keras.applications, application)
    network = application(
        input_shape=input_shape,
        weights=None,
        classes=num_classes,
        classifier_activation=None,
        **options,
    )
    network = renormalized(network, "batch")
    pretrained.start_from(
        pretrained.load(
            application, name, weights, "--attacker_weights", **options
        ),
        network,
    )
    frames = keras.Input(input_shape)
    return keras.Model(frames, network(pixels(frames)))


def _as_given(frames):
    return frames


def _caffe_pixels(frames):
    """Turns frames in [-1, 1] into what ResNet-V1 learned from: blue first,
    from 0 to 255, less ImageNet's mean."""
    means = (103.939, 116.779, 123.68)
    offset = [127.5 - mean for mean in means]
    return keras.layers.Rescaling(127.5, offset)(frames[..., ::-1])


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
    return _resnet("ResNetBackbone", (1, 2, 2, 2), depth, *args)


def _resnet_v2(depth, *args):
    # A V2 stack strides in its last block. The presets of keras_cv keep the
    # strides of V1 all the same, and run most blocks at twice the size.
    return _resnet("ResNetV2Backbone", (2, 2, 2, 1), depth, *args)


def _resnet(backbone, strides, depth, num_classes, input_shape, width):
    # Imported here, since that takes seconds. The backbone is built from
    # stacks, since presets reach for the network.
    from keras_cv import models

    backbone = getattr(models, backbone)(
        stackwise_filters=[max(1, round(width * n)) for n in RESNET_FILTERS],
        stackwise_blocks=RESNET_BLOCKS[depth],
        stackwise_strides=strides,
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

# Function of `keras.applications`, its options, the pixels its weights expect.
PRETRAINED = {
    **{
        f"mobilenet_v1_{alpha:g}": (
            "MobileNet",
            {"alpha": alpha, "dropout": 0.0},
            _as_given,
        )
        for alpha in (0.25, 0.5, 0.75, 1.0)
    },
    "resnet_v1_50": ("ResNet50", {}, _caffe_pixels),
    "resnet_v1_101": ("ResNet101", {}, _caffe_pixels),
    "resnet_v2_50": ("ResNet50V2", {}, _as_given),
    "resnet_v2_101": ("ResNet101V2", {}, _as_given),
}


def family(name):
    """Returns the family of a network, whose members share their blocks.

    The family of `"mobilenet_v2_0.5"` is `"mobilenet_v2"`.
    """
    return name.rpartition("_")[0]
