"""Layers the paper needs and Keras lacks."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="priv_keras")
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each image by its own mean and variance.

    Equal to `keras.layers.GroupNormalization(groups=-1)`, whose backward pass
    takes up to twice as long on a CPU (`benchmarks/instance_norm.py`).
    Statistics are float32 under any precision policy.

    Args:
        epsilon: Float, added to the variance.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Output shape:
        Same as the input.

    Reference:
        [Ulyanov et al., 2016](https://arxiv.org/abs/1607.08022)
    """

    def __init__(self, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.scale = self.add_weight(
            name="scale", shape=channels, initializer="ones", autocast=False
        )
        self.shift = self.add_weight(
            name="shift", shape=channels, initializer="zeros", autocast=False
        )

    def call(self, inputs):
        x = tf.cast(inputs, tf.float32)
        mean = tf.reduce_mean(x, axis=(1, 2), keepdims=True)
        variance = tf.reduce_mean(
            tf.square(x - mean), axis=(1, 2), keepdims=True
        )
        scale = self.scale * tf.math.rsqrt(variance + self.epsilon)
        y = x * scale + (self.shift - mean * scale)
        return tf.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


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
