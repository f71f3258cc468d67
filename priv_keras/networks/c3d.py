"""f_T, the target model: C3D."""

import keras
from keras import layers

from priv_keras.networks.normalization import normalize

NORMALIZATIONS = ("none", "batch", "group")
HEADS = ("dense", "average")

# Ten layers without normalization never learn from Glorot's initial weights.
INITIAL = {"kernel_initializer": "he_normal"}

# Scale and offset that turn [0, 1] into pixels of about mean 0 and variance 1,
# or into 0 to 255, which the weights trained on Sports-1M expect.
CENTRED = (4.0, -2.0)
PIXELS = (255.0, 0.0)

# The layers of the Sports-1M checkpoint up to fc6, in order.
SPORTS1M = ("c1", "c2", "c3a", "c3b", "c4a", "c4b", "c5a", "c5b", "d1")


def build(
    num_classes,
    width=1.0,
    input_shape=(16, 112, 112, 3),
    rescaling=CENTRED,
    normalization="none",
    head="dense",
):
    """Returns f_T (Sec. 3.2), a 3D convolutional network over a clip.

    The defaults are the paper's form, which needs the weights of Sports-1M
    to start from. From random weights it stays at chance on some sets of a
    thousand clips, on which `normalization="batch"` and `head="average"` learn.

    Args:
        num_classes: Int, the number of actions.
        width: Positive float that scales the channels of every hidden layer.
            At 1.0 and with 8 classes it has 78,028,552 parameters in the
            paper's form, and 27,668,296 in the form that is normalized and
            averaged.
        input_shape: `(frames, height, width, channels)`.
        rescaling: `CENTRED`, or `PIXELS` for `load_sports1m`.
        normalization: What follows each convolution: `"none"`, or `"batch"` or
            `"group"` normalization, with which it has no bias.
        head: `"dense"` for the two dense layers of the paper, or `"average"`
            for the mean over all positions.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`.

    Raises:
        ValueError: If `width` is not positive, or if `normalization` or `head`
            is unknown.

    Reference:
        [Tran et al., 2015](https://arxiv.org/abs/1412.0767)
    """
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    _check("normalization", normalization, NORMALIZATIONS)
    _check("head", head, HEADS)

    def channels(count):
        return max(1, round(width * count))

    def conv(x, count):
        return _conv(x, channels(count), normalization)

    clips = keras.Input(input_shape, name="clips")
    x = layers.Rescaling(*rescaling)(clips)
    x = _pool(conv(x, 64), (1, 2, 2))
    x = _pool(conv(x, 128))
    for count in (256, 512, 512):
        x = _pool(conv(conv(x, count), count))
    x = _dense(x, channels(4096)) if head == "dense" else _average(x)
    logits = layers.Dense(num_classes, dtype="float32")(x)
    return keras.Model(clips, logits, name="target")


def _check(name, value, known):
    if value not in known:
        raise ValueError(
            f"`{name}` must be one of {', '.join(known)}. Received: {value!r}."
        )


def _conv(x, filters, normalization):
    if normalization == "none":
        return layers.Conv3D(
            filters, 3, padding="same", activation="relu", **INITIAL
        )(x)
    x = layers.Conv3D(filters, 3, padding="same", use_bias=False, **INITIAL)(x)
    return layers.ReLU()(normalize(x, normalization))


def _pool(x, size=2):
    return layers.MaxPooling3D(size, padding="same")(x)


def _dense(x, units):
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(units, activation="relu", **INITIAL)(x)
        x = layers.Dropout(0.5)(x)
    return x


def _average(x):
    return layers.Dropout(0.5)(layers.GlobalAveragePooling3D()(x))


def load_sports1m(model, checkpoint):
    """Loads weights of C3D trained on Sports-1M into f_T (Sec. 4.1.2).

    The convolutions and the first dense layer are loaded; the last two layers
    stay as they are. The weights were trained on pixels from 0 to 255 less a
    mean clip, which is not in the checkpoint and is not subtracted here: the
    biases have to learn it. The dense layer expects the features in the order
    of `Flatten`.

    Args:
        model: See `build`, with a width of 1 and `rescaling=PIXELS`.
        checkpoint: Path of `conv3d_deepnetA_sport1m_iter_1900000_TF.model`, a
            TensorFlow checkpoint with variables `var_name/wc1` and so on.

    Raises:
        ValueError: If `checkpoint` cannot be read, lacks a variable, or holds
            a variable of another shape.
    """
    with_weights = [layer for layer in model.layers if layer.weights]
    loaded = [
        (
            layer,
            [
                _variable(checkpoint, f"var_name/{kind}{name}", weight)
                for kind, weight in zip("wb", layer.weights, strict=True)
            ],
        )
        for layer, name in zip(with_weights, SPORTS1M, strict=False)
    ]
    for layer, values in loaded:  # only once all of them were found
        layer.set_weights(values)


def _variable(checkpoint, name, like):
    import tensorflow as tf

    try:
        value = tf.train.load_checkpoint(str(checkpoint)).get_tensor(name)
    except (tf.errors.OpError, ValueError) as error:
        raise ValueError(
            f"{checkpoint} has no {name} to read: {error}. Give the TensorFlow "
            "checkpoint of C3D, conv3d_deepnetA_sport1m_iter_1900000_TF.model."
        ) from error
    if value.shape != tuple(like.shape):
        raise ValueError(
            f"{name} of {checkpoint} is {value.shape}; f_T wants "
            f"{tuple(like.shape)}. Give --target_width=1, --frames=16 and "
            "--size=112."
        )
    return value
