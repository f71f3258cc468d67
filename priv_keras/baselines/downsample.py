"""Naive Downsample (Sec. 4.1): fewer pixels, for everybody alike."""

import keras
import tensorflow as tf

FACTORS = (1, 2, 4, 8, 16)


@keras.saving.register_keras_serializable(package="priv_keras")
class Downsample(keras.layers.Layer):
    """Averages squares of pixels, and shows each as a square of its size.

    The size of frames stays, so that whatever looks at f_A's output can look at
    this.

    Args:
        factor: Positive int, the side of a square. Where a frame's side is no
            multiple, it is mirrored at its end to fill the last square.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Output shape:
        Same as the input.
    """

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        height, width = tf.shape(inputs)[1], tf.shape(inputs)[2]
        down, right = -height % self.factor, -width % self.factor
        margin = [[0, 0], [0, down], [0, right], [0, 0]]
        padded = tf.pad(inputs, margin, "SYMMETRIC")
        means = tf.nn.avg_pool2d(padded, self.factor, self.factor, "VALID")
        squares = tf.repeat(
            tf.repeat(means, self.factor, axis=1), self.factor, axis=2
        )
        return squares[:, :height, :width]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def build(factor):
    """Returns the baseline.

    Args:
        factor: Positive int, 1 to leave frames as they are.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1] to the same.

    Raises:
        ValueError: If `factor` is not positive.
    """
    if factor < 1:
        raise ValueError(
            f"`factor` must be 1 or more. Received: factor={factor}."
        )
    frames = keras.Input((None, None, 3))
    return keras.Model(frames, Downsample(factor)(frames))
