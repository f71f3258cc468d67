"""The networks that can be f_T, by name."""

import functools

from priv_keras.networks import c3d
from priv_keras.networks import r2plus1d
from priv_keras.networks import shifted_mobilenet

NAMES = ("c3d", "r2plus1d_18", "shifted_mobilenet_v2")


def build(
    name,
    num_classes,
    width=1.0,
    input_shape=(16, 112, 112, 3),
    *,
    normalization="none",
    head="dense",
    rescaling=c3d.CENTRED,
):
    """Returns an untrained f_T.

    Args:
        name: One of `NAMES`.
        num_classes: Int, the number of actions.
        width: Positive float that scales the channels of every hidden layer.
        input_shape: `(frames, height, width, channels)`.
        normalization, head, rescaling: See `c3d.build`; the other networks are
            always batch-normalized and averaged.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to logits `(batch, num_classes)`.

    Raises:
        ValueError: If `name` is unknown, or see the network's `build`.
    """
    builders = {
        "c3d": functools.partial(
            c3d.build,
            normalization=normalization,
            head=head,
            rescaling=rescaling,
        ),
        "r2plus1d_18": r2plus1d.build,
        "shifted_mobilenet_v2": shifted_mobilenet.build,
    }
    if name not in builders:
        raise ValueError(
            f"There is no f_T {name!r}. Choose from: {', '.join(NAMES)}."
        )
    return builders[name](num_classes, width, input_shape)
