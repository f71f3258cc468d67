"""R(2+1)D-18, an f_T that learns from few clips and random weights."""

import keras
from keras import layers

from priv_keras.networks.normalization import normalize

STAGES = (64, 128, 256, 512)
BLOCKS = 2  # in each stage


def build(num_classes, width=1.0, input_shape=(16, 112, 112, 3)):
    """Returns R(2+1)D-18, which splits each 3D convolution into space and time.

    Args:
        num_classes: Int, the number of actions.
        width: Positive float that scales the channels of every hidden layer.
            At 1.0 and with 400 classes it has 33,370,839 trainable parameters,
            nearly as many as the 3D network of 18 layers that it factorizes.
        input_shape: `(frames, height, width, channels)`.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`.

    Raises:
        ValueError: If `width` is not positive.

    Reference:
        [Tran et al., 2018](https://arxiv.org/abs/1711.11248)
    """
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")

    def channels(count):
        return max(1, round(width * count))

    clips = keras.Input(input_shape, name="clips")
    x = layers.Rescaling(4.0, -2.0)(clips)
    x = _conv(x, channels(45), (1, 7, 7), (1, 2, 2))
    x = _conv(x, channels(64), (3, 1, 1))
    for stage, count in enumerate(STAGES):
        for block in range(BLOCKS):
            strides = 2 if stage and not block else 1
            x = _block(x, channels(count), strides)
    x = layers.GlobalAveragePooling3D()(x)
    logits = layers.Dense(num_classes, dtype="float32")(x)
    return keras.Model(clips, logits, name="target")


def _block(x, filters, strides):
    """A residual block of two factorized convolutions."""
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = _conv(x, filters, 1, strides, relu=False)
    middle = _between(x.shape[-1], filters)
    x = _conv(x, middle, (1, 3, 3), (1, strides, strides))
    x = _conv(x, filters, (3, 1, 1), (strides, 1, 1))
    middle = _between(filters, filters)
    x = _conv(x, middle, (1, 3, 3))
    x = _conv(x, filters, (3, 1, 1), relu=False)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _between(before, after):
    """Returns the channels between space and time that make both together as
    large as the 3D convolution that they replace (Sec. 3.5)."""
    return max(1, 27 * before * after // (9 * before + 3 * after))


def _conv(x, filters, kernel_size, strides=1, relu=True):
    x = layers.Conv3D(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)
    x = normalize(x, "batch")
    return layers.ReLU()(x) if relu else x
