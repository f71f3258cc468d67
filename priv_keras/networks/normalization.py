"""The normalization that follows a convolution."""

import keras
import tensorflow as tf

# `keras.applications` keeps 99.9 % of a moving average at each update. After a
# few hundred updates a classifier would still be tested with statistics of its
# untrained self, and an attacker would seem to be fooled.
MOMENTUM = 0.9
MOST_GROUPS = 8


@keras.saving.register_keras_serializable(package="priv_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer of this name, which trains by one fused operation.

    Keras makes about ten operations of it, and as many of its gradient, which
    take a quarter of an update of a narrow network on a CPU, see
    `benchmarks/batch_normalization.py`. Weights of one load into the other.

    Only the last axis can be normalized, with a scale and an offset, and
    without `renorm`, `synchronized` or masks.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable):
            return super().call(inputs, training=False)
        shape = tf.shape(inputs)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            tf.reshape(inputs, (shape[0], -1, 1, inputs.shape[-1])),
            self.gamma,
            self.beta,
            epsilon=self.epsilon,
        )
        # The operation divides by one sample less, Keras does not.
        samples = tf.cast(tf.size(inputs) / inputs.shape[-1], variance.dtype)
        self._average(self.moving_mean, mean)
        self._average(self.moving_variance, variance * (1 - 1 / samples))
        return tf.reshape(outputs, shape)

    def _average(self, moving, value):
        moving.assign(moving * self.momentum + value * (1 - self.momentum))


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
    return BatchNormalization(momentum=MOMENTUM)(x)


def groups(channels):
    """Returns the largest divisor of `channels` that is at most 8."""
    return max(n for n in range(1, MOST_GROUPS + 1) if channels % n == 0)
