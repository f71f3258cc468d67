"""f_A, the anonymizer: the image transformer net of Johnson et al.

`ANONYMIZERS` maps names to builders of this network and of a lighter one.
"""

import keras
from keras import layers

from priv_keras.layers import CropLike
from priv_keras.layers import Enlarge
from priv_keras.networks import lite
from priv_keras.networks.bounds import bounded

RESIDUAL_BLOCKS = 5


def build(
    width=1.0,
    input_shape=(None, None, 3),
    upsampling="transposed",
    **bounds,
):
    """Returns f_A (Sec. 3.2), which filters each frame by itself.

    Args:
        width: Positive float that scales the channels of every hidden layer.
            At 1.0 the network has 1,677,638 parameters.
        input_shape: `(height, width, 3)`; both sizes may be `None`.
        upsampling: `"transposed"` convolutions, as in the paper, whose period
            can show as a checkerboard; or `"resized"`, convolutions of frames
            that were enlarged first, with as many parameters.
        **bounds: See `bounds.bounded`.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1] to frames of
        the same shape and range.

    Raises:
        ValueError: If `width` is not positive, or `upsampling` is unknown.

    Reference:
        [Johnson et al., 2016](https://arxiv.org/abs/1603.08155)
    """
    if width <= 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    if upsampling not in UPSAMPLINGS:
        raise ValueError(
            f"`upsampling` must be one of {', '.join(UPSAMPLINGS)}. Received: "
            f"{upsampling!r}."
        )
    enlarged = UPSAMPLINGS[upsampling]
    few, some, many = (max(1, round(width * n)) for n in (32, 64, 128))

    frames = keras.Input(input_shape, name="frames")
    x = _relu(_conv(frames, few, 9))
    x = _relu(_conv(x, some, 3, strides=2))
    x = _relu(_conv(x, many, 3, strides=2))
    for _ in range(RESIDUAL_BLOCKS):
        x = layers.Add()([x, _conv(_relu(_conv(x, many, 3)), many, 3)])
    x = _relu(enlarged(x, some))
    x = _relu(enlarged(x, few))
    x = CropLike()([_conv(x, 3, 9), frames])
    # float32 whatever the policy: bfloat16 is too coarse for 256 grey levels.
    x = layers.Activation("tanh", dtype="float32")(x)
    x = layers.Rescaling(0.5, 0.5, dtype="float32")(x)
    return keras.Model(frames, bounded(x, **bounds), name="anonymizer")


def _conv(x, filters, kernel_size, strides=1):
    return _normalized(x, layers.Conv2D, filters, kernel_size, strides)


def _deconv(x, filters):
    return _normalized(x, layers.Conv2DTranspose, filters, 3, 2)


def _resized(x, filters):
    return _conv(Enlarge(2)(x), filters, 3)


UPSAMPLINGS = {"transposed": _deconv, "resized": _resized}


def _normalized(x, convolution, filters, kernel_size, strides):
    x = convolution(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),
    )(x)
    # One group per channel is instance normalization. It is float32 whatever
    # the policy, since its statistics are sums over a whole frame.
    return layers.GroupNormalization(groups=-1, epsilon=1e-3, dtype="float32")(
        x
    )


def _relu(x):
    return layers.ReLU()(x)


ANONYMIZERS = {"full": build, "lite": lite.build}
