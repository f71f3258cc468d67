"""A light f_A, for large frames on small machines.

It works on a sixteenth of the positions: each square of 4 by 4 pixels becomes
the channels of one position, which becomes a square again at the end.
"""

import keras
from keras import layers

from priv_keras.layers import CropLike
from priv_keras.layers import PixelShuffle
from priv_keras.layers import PixelUnshuffle
from priv_keras.networks.bounds import bounded

BLOCK = 4  # pixels
CHANNELS = 48  # as many as a square of pixels has values
RESIDUAL_BLOCKS = 3


def build(width=1.0, input_shape=(None, None, 3), **bounds):
    """Returns a light f_A, which filters each frame by itself.

    At width 1.0 it has 21,744 parameters and takes 16.5 million
    multiply-accumulates per 112x112 frame, and 404 million per 640x480 frame:
    a 96th of those of `anonymizer.build`.

    Args:
        width: Positive float that scales the channels of every hidden layer.
        input_shape: `(height, width, 3)`; both sizes may be `None`.
        **bounds: See `bounds.bounded`.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1] to frames of
        the same shape and range.

    Raises:
        ValueError: If `width` is not positive.

    References:
        - [Shi et al., 2016](https://arxiv.org/abs/1609.05158) (pixel shuffle)
        - [Howard et al., 2017](https://arxiv.org/abs/1704.04861) (separable
          convolutions)
    """
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    channels = max(1, round(width * CHANNELS))

    frames = keras.Input(input_shape, name="frames")
    x = _normalized(_pointwise(PixelUnshuffle(BLOCK)(frames), channels))
    for _ in range(RESIDUAL_BLOCKS):
        y = layers.ReLU()(_separable(x))
        x = layers.Add()([x, _separable(y)])
    x = _pointwise(x, 3 * BLOCK**2, use_bias=True)
    x = CropLike()([PixelShuffle(BLOCK)(x), frames])
    # float32 whatever the policy: bfloat16 is too coarse for 256 grey levels.
    x = layers.Activation("tanh", dtype="float32")(x)
    x = layers.Rescaling(0.5, 0.5, dtype="float32")(x)
    return keras.Model(frames, bounded(x, **bounds), name="anonymizer")


def _separable(x):
    channels = x.shape[-1]
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    return _normalized(_pointwise(x, channels))


def _pointwise(x, filters, use_bias=False):
    return layers.Conv2D(filters, 1, use_bias=use_bias)(x)


def _normalized(x):
    # One group per channel is instance normalization.
    return layers.GroupNormalization(groups=-1, epsilon=1e-3, dtype="float32")(
        x
    )
