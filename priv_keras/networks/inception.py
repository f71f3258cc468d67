"""Inception-V1 (Szegedy et al. 2015, GoogLeNet) and -V2 (Ioffe and Szegedy
2015), without the auxiliary classifiers, which only speed up training.

Both use batch normalization, which the first paper did not have yet, since
attackers train from scratch.
"""

import functools

import keras
from keras import layers

# Table 1 of the first paper. Filters of each path of a block: 1x1; 3x3 with
# its reduction before; 5x5 likewise; 1x1 after the pool. `None` halves the
# size.
V1 = (
    (64, (96, 128), (16, 32), 32),
    (128, (128, 192), (32, 96), 64),
    None,
    (192, (96, 208), (16, 48), 64),
    (160, (112, 224), (24, 64), 64),
    (128, (128, 256), (24, 64), 64),
    (112, (144, 288), (32, 64), 64),
    (256, (160, 320), (32, 128), 128),
    None,
    (256, (160, 320), (32, 128), 128),
    (384, (192, 384), (48, 128), 128),
)
# Fig. 5 of the second paper: 1x1; 3x3; two of 3x3; the kind of pool and the
# 1x1 after it. A block whose first figure is 0 halves the size.
V2 = (
    (64, (64, 64), (64, 96), ("average", 32)),
    (64, (64, 96), (64, 96), ("average", 64)),
    (0, (128, 160), (64, 96), ("max", 0)),
    (224, (64, 96), (96, 128), ("average", 128)),
    (192, (96, 128), (96, 128), ("average", 128)),
    (160, (128, 160), (128, 160), ("average", 96)),
    (96, (128, 192), (160, 192), ("average", 96)),
    (0, (128, 192), (192, 256), ("max", 0)),
    (352, (192, 320), (160, 224), ("average", 128)),
    (352, (192, 320), (192, 224), ("max", 128)),
)


def build(version, num_classes, input_shape, width=1.0):
    """Returns an untrained Inception network.

    Args:
        version: Int, 1 or 2.
        num_classes: Int.
        input_shape: `(height, width, channels)` of a picture, each side 32
            pixels or more.
        width: Positive float that scales the channels of every hidden layer.

    Returns:
        Model from pictures to logits `(batch, num_classes)`.
    """
    conv = functools.partial(_conv, width)
    blocks, block = {1: (V1, _block_v1), 2: (V2, _block_v2)}[version]
    inputs = keras.Input(input_shape)
    x = _halved(conv(inputs, 64, 7, 2))
    x = _halved(conv(conv(x, 64, 1), 192, 3))
    for sizes in blocks:
        x = block(conv, x, *sizes) if sizes else _halved(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(num_classes)(layers.Dropout(0.4)(x))
    return keras.Model(inputs, x)


def _conv(width, x, filters, size, strides=1):
    filters = max(1, round(width * filters))
    x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _halved(x):
    return layers.MaxPooling2D(3, 2, padding="same")(x)


def _block_v1(conv, x, first, three, five, pooled):
    pool = layers.MaxPooling2D(3, 1, padding="same")(x)
    return layers.Concatenate()(
        [
            conv(x, first, 1),
            conv(conv(x, three[0], 1), three[1], 3),
            conv(conv(x, five[0], 1), five[1], 5),
            conv(pool, pooled, 1),
        ]
    )


def _block_v2(conv, x, first, three, double, pooled):
    strides = 1 if first else 2
    kind, filters = pooled
    pools = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
    pool = pools[kind](3, strides, padding="same")(x)
    paths = [conv(x, first, 1)] if first else []
    paths.append(conv(conv(x, three[0], 1), three[1], 3, strides))
    twice = conv(conv(x, double[0], 1), double[1], 3)
    paths.append(conv(twice, double[1], 3, strides))
    paths.append(conv(pool, filters, 1) if filters else pool)
    return layers.Concatenate()(paths)
