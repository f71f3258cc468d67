"""Layers the paper needs and Keras lacks."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="priv_keras")
class CropLike(keras.layers.Layer):
    """Cuts an image at the bottom and right to the size of another.

    A network of strided convolutions returns the next multiple of its stride.

    Call arguments:
        inputs: Pair of float tensors `(batch, height, width, channels)`: the
            image to cut, and the one whose height and width it shall have.
    """

    def call(self, inputs):
        image, reference = inputs
        height, width = tf.shape(reference)[1], tf.shape(reference)[2]
        return image[:, :height, :width]

    def compute_output_shape(self, input_shape):
        image, reference = input_shape
        return (*reference[:3], image[3])


@keras.saving.register_keras_serializable(package="priv_keras")
class PerFrame(keras.layers.Wrapper):
    """Applies a model of frames to each frame of a clip, in one call.

    Unlike `keras.layers.TimeDistributed`, the model sees one batch of
    `batch * frames` images, so batch statistics are those of the whole batch.

    Args:
        layer: Model from `(batch, height, width, channels)` to
            `(batch, ...)`.

    Call arguments:
        inputs: Clips `(batch, frames, height, width, channels)`; any number
            of frames.

    Output shape:
        `(batch, frames, ...)`.
    """

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build((input_shape[0], *input_shape[2:]))
        self.built = True

    def call(self, inputs, training=None):
        shape = tf.shape(inputs)
        frames = tf.reshape(inputs, tf.concat(([-1], shape[2:]), axis=0))
        frames.set_shape((None, *inputs.shape[2:]))
        outputs = self.layer(frames, training=training)
        clips = tf.reshape(
            outputs, tf.concat((shape[:2], tf.shape(outputs)[1:]), axis=0)
        )
        clips.set_shape((*inputs.shape[:2], *outputs.shape[1:]))
        return clips

    def compute_output_shape(self, input_shape):
        output = self.layer.compute_output_shape(
            (input_shape[0], *input_shape[2:])
        )
        return (*input_shape[:2], *output[1:])
