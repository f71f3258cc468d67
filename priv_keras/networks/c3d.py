"""f_T, the target model: C3D."""

import keras
from keras import layers

# Ten layers without normalization: from Glorot's start it never learns.
INITIAL = {"kernel_initializer": "he_normal"}


def build(num_classes, width=1.0, input_shape=(16, 112, 112, 3)):
    """Returns f_T (Sec. 3.2), a 3D convolutional network over a clip.

    Args:
        num_classes: Int, the number of actions.
        width: Positive float, scales the channels of every hidden layer. At
            1.0 and 8 classes the net has 78,028,552 parameters.
        input_shape: `(frames, height, width, channels)`.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`.

    Raises:
        ValueError: If `width` is not positive.

    Reference:
        [Tran et al., 2015](https://arxiv.org/abs/1412.0767)
    """
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")

    def channels(count):
        return max(1, round(width * count))

    clips = keras.Input(input_shape, name="clips")
    x = layers.Rescaling(4.0, -2.0)(clips)  # to mean 0 and variance 1, about
    x = _pool(_conv(x, channels(64)), (1, 2, 2))
    x = _pool(_conv(x, channels(128)))
    for count in (256, 512, 512):
        x = _pool(_conv(_conv(x, channels(count)), channels(count)))
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(channels(4096), activation="relu", **INITIAL)(x)
        x = layers.Dropout(0.5)(x)
    logits = layers.Dense(num_classes, dtype="float32")(x)
    return keras.Model(clips, logits, name="target")


def _conv(x, filters):
    return layers.Conv3D(
        filters, 3, padding="same", activation="relu", **INITIAL
    )(x)


def _pool(x, size=2):
    return layers.MaxPooling3D(size, padding="same")(x)
