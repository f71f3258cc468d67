"""The normalization that follows a convolution."""

import keras

# `keras.applications` keeps 99.9 % of a moving average at each update. After a
# few hundred updates a classifier would still be tested with statistics of its
# untrained self, and an attacker would seem to be fooled.
MOMENTUM = 0.9
MOST_GROUPS = 8


def normalize(x, normalization):
    """Normalizes the output of a convolution.

    Args:
        x: Keras tensor `(batch, ..., channels)`.
        normalization: `"batch"` or `"group"`.

    Returns:
        Keras tensor of the same shape.
    """
    if normalization == "group":
        return keras.layers.GroupNormalization(groups(x.shape[-1]))(x)
    return keras.layers.BatchNormalization(momentum=MOMENTUM)(x)


def groups(channels):
    """Returns the largest divisor of `channels` that is at most 8."""
    return max(n for n in range(1, MOST_GROUPS + 1) if channels % n == 0)
