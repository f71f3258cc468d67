"""Naive Downsample (Sec. 4.1): a lower resolution, for f_T and f_B alike."""

import keras
import tensorflow as tf

FACTORS = (1, 2, 4, 8, 16)


@keras.saving.register_keras_serializable(package="priv_keras")
class Downsample(keras.layers.Layer):
    """Replaces each square of pixels by its average.

    Frames keep their size, so the networks that take f_A's output can take
    this output, too.

    Args:
        factor: Positive int, the side of a square in pixels. A frame whose side
            is not a multiple is mirrored at its edge to fill the last square.

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
        padded = self._filled(self._filled(inputs, 1), 2)
        means = tf.nn.avg_pool2d(padded, self.factor, self.factor, "VALID")
        squares = tf.repeat(
            tf.repeat(means, self.factor, axis=1), self.factor, axis=2
        )
        return squares[:, :height, :width]

    def _filled(self, frames, axis):
        """Mirrors frames at the end of an axis until squares fill it."""
        side = tf.shape(frames)[axis]
        places = tf.range(side + -side % self.factor) % (2 * side)
        mirrored = tf.minimum(places, 2 * side - 1 - places)
        return tf.gather(frames, mirrored, axis=axis)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def build(factor):
    """Returns Naive Downsample.

    Args:
        factor: Positive int, see `Downsample`; 1 leaves frames as they are.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1] to frames of the
        same shape.

    Raises:
        ValueError: If `factor` is not positive.
    """
    if factor < 1:
        raise ValueError(
            f"`factor` must be 1 or more. Received: factor={factor}."
        )
    frames = keras.Input((None, None, 3))
    return keras.Model(frames, Downsample(factor)(frames))
