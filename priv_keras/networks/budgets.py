"""f_B, the budget models that the anonymizer trains against.

The attackers that judge the anonymizer come from other families, see
`attackers.py`.
"""

import re

import keras

from priv_keras.layers import PerFrame
from priv_keras.networks import pretrained
from priv_keras.networks.normalization import MOMENTUM
from priv_keras.networks.normalization import BatchNormalization
from priv_keras.networks.normalization import groups

NAME = re.compile(r"(mobilenet_v2|convnet)_([0-9]+(\.[0-9]+)?)")
POOLINGS = ("logits", "frames")
CONVNET = (32, 64, 128, 256)  # channels, each at half the height and width


def build(
    name,
    num_classes,
    input_shape=(112, 112, 3),
    normalization="batch",
    weights=None,
    pooling="logits",
):
    """Returns a budget model f_B (Sec. 3.2).

    A clip may have any number of frames: a VISPR image is a clip of one.

    Args:
        name: `"mobilenet_v2_<alpha>"`, as in `"mobilenet_v2_0.5"`; alpha is
            the width multiplier of MobileNetV2, the paper's f_B. Or
            `"convnet_<width>"`, four strided convolutions.
        num_classes: Int, identities or attributes.
        input_shape: `(height, width, channels)` of a frame.
        normalization: `"batch"`, or `"group"` if a turn has too few updates
            for moving statistics to follow the weights.
        weights: `None` for random weights, or `"imagenet"` for those that
            `keras.applications` downloads; the last layer is always random.
        pooling: See `over_frames`.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`.

    Raises:
        ValueError: If `name`, `normalization` or `pooling` is unknown.
        OSError: If weights cannot be downloaded.
    """
    family, alpha = parse(name)
    if family == "convnet":
        network = _convnet(alpha, num_classes, input_shape)
    else:
        network = keras.applications.MobileNetV2(
            input_shape,
            alpha=alpha,
            weights=None,
            classes=num_classes,
            classifier_activation=None,
        )
    network = renormalized(network, normalization)
    if weights:
        trained = pretrained.load(
            keras.applications.MobileNetV2,
            name,
            weights,
            "--budget_weights",
            alpha=alpha,
        )
        pretrained.start_from(trained, network)
    return over_frames(network, input_shape, name.replace(".", "_"), pooling)


def parse(name):
    """Returns the family and the width in the name of a budget model.

    Raises:
        ValueError: If no budget model has that name.
    """
    found = NAME.fullmatch(name)
    width = float(found[2]) if found else 0.0
    if width <= 0:
        raise ValueError(
            "A budget model is named 'mobilenet_v2_<alpha>' or "
            "'convnet_<width>', with a positive number, as in "
            f"'mobilenet_v2_0.5'. Received: {name!r}."
        )
    return found[1], width


def _convnet(width, num_classes, input_shape):
    frames = x = keras.Input(input_shape)
    for count in CONVNET:
        x = keras.layers.Conv2D(
            max(1, round(width * count)),
            3,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
        )(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(frames, keras.layers.Dense(num_classes)(x))


def over_frames(network, frame_shape, name=None, pooling="logits"):
    """Returns a classifier of clips that reads one frame at a time.

    Args:
        network: Model from frames `(batch, height, width, channels)` in
            [0, 1] to logits `(batch, classes)`.
        frame_shape: `(height, width, channels)`.
        name: Name of the model that is returned.
        pooling: What is averaged over the frames of a clip. `"logits"`, which
            works better than their maximum (footnote 1, Sec. 3.2); or
            `"frames"`, so that the network reads one mean picture of the clip,
            in which noise that is new in each frame cancels.

    Raises:
        ValueError: If `pooling` is unknown.
    """
    if pooling not in POOLINGS:
        raise ValueError(
            f"`pooling` must be one of {', '.join(POOLINGS)}. Received: "
            f"{pooling!r}."
        )
    clips = frames = keras.Input((None, *frame_shape), name="clips")
    if pooling == "frames":
        frames = keras.ops.mean(frames, axis=1, keepdims=True)
    # keras.applications expects frames in [-1, 1].
    logits = PerFrame(network)(keras.layers.Rescaling(2.0, -1.0)(frames))
    logits = keras.ops.mean(keras.ops.cast(logits, "float32"), axis=1)
    return keras.Model(clips, logits, name=name)


def renormalized(network, normalization):
    """Returns a network like `network` whose normalization learns fast.

    Args:
        network: Functional model.
        normalization: `"batch"` keeps batch normalization, with a momentum of
            0.9; `"group"` puts group normalization in its place.

    Raises:
        ValueError: If `normalization` is unknown.
    """

    def clone(layer):
        config = layer.get_config()
        if not isinstance(layer, keras.layers.BatchNormalization):
            return layer.__class__.from_config(config)
        if normalization == "batch":
            return BatchNormalization.from_config(
                {**config, "momentum": MOMENTUM}
            )
        return keras.layers.GroupNormalization(
            groups(layer.gamma.shape[-1]), name=layer.name
        )

    def call(layer, *args, **kwargs):
        # The graph passes batch normalization a mask; others take none.
        kwargs.pop("mask", None)
        return layer(*args, **kwargs)

    if normalization not in ("batch", "group"):
        raise ValueError(
            "`normalization` must be 'batch' or 'group'. Received: "
            f"{normalization!r}."
        )
    return keras.models.clone_model(
        network, clone_function=clone, call_function=call
    )
