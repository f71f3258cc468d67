"""Layers that the paper needs and Keras lacks."""

import math
import secrets

import keras
import numpy as np
import tensorflow as tf


@tf.custom_gradient
def _reverse_gradient(x, scale):
    def gradient(upstream):
        return -tf.cast(scale, upstream.dtype) * upstream, None

    return tf.identity(x), gradient


@keras.saving.register_keras_serializable(package="priv_keras")
class GradientReversal(keras.layers.Layer):
    """Returns its input and reverses the gradient: dy/dx := -scale.

    A step that minimizes a loss above this layer maximizes it below.

    Args:
        scale: Non-negative float. It is kept in a non-trainable weight of that
            name, so that a schedule can change it between updates.

    Call arguments:
        inputs: Float tensor of any shape.

    Output shape:
        Same as the input.

    Reference:
        [Ganin and Lempitsky, 2015](https://arxiv.org/abs/1409.7495)
    """

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        if scale < 0:
            raise ValueError(
                "`scale` must not be negative: the gradient would not be "
                f"reversed. Received: scale={scale}."
            )
        self.initial_scale = scale
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=keras.initializers.Constant(scale),
            trainable=False,
        )

    def call(self, inputs):
        return _reverse_gradient(inputs, self.scale.value)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "scale": self.initial_scale}


@keras.saving.register_keras_serializable(package="priv_keras")
class CropLike(keras.layers.Layer):
    """Crops an image at the bottom and right to the size of another.

    Strided convolutions and their transposes round a size up to the next
    multiple of the stride.

    Call arguments:
        inputs: Pair of float tensors `(batch, height, width, channels)`: the
            image to crop, and the one whose height and width it takes.
    """

    def call(self, inputs):
        image, reference = inputs
        height, width = tf.shape(reference)[1], tf.shape(reference)[2]
        return image[:, :height, :width]

    def compute_output_shape(self, input_shape):
        image, reference = input_shape
        return (*reference[:3], image[3])


@keras.saving.register_keras_serializable(package="priv_keras")
class Enlarge(keras.layers.Layer):
    """Repeats each pixel, as `UpSampling2D` does; also in TFLite, which needs
    to know the number of channels where it does not know the size.

    Args:
        times: Int, how often a pixel is repeated in each direction.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Output shape:
        `(batch, times * height, times * width, channels)`.
    """

    def __init__(self, times, **kwargs):
        super().__init__(**kwargs)
        self.times = times

    def call(self, inputs):
        size = self.times * tf.shape(inputs)[1:3]
        return tf.image.resize(inputs, size, "nearest")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, self._more(height), self._more(width), channels

    def _more(self, pixels):
        return pixels and self.times * pixels

    def get_config(self):
        return {**super().get_config(), "times": self.times}


def _missing(pixels, block):
    """Returns how many pixels more fill a whole number of blocks."""
    return block - 1 - (pixels - 1) % block  # ONNX rounds -1 % block otherwise


@keras.saving.register_keras_serializable(package="priv_keras")
class LowPass(keras.layers.Layer):
    """Averages squares of pixels, and interpolates between their means.

    What is finer than a square is gone, so that f_A cannot write in it. The
    output has the size of the input.

    Args:
        block: Int, side of the square in pixels.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Output shape:
        Same as the input.
    """

    def __init__(self, block, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def call(self, inputs):
        _, height, width, _ = tf.unstack(tf.shape(inputs))
        bottom, right = (_missing(n, self.block) for n in (height, width))
        padding = [[0, 0], [0, bottom], [0, right], [0, 0]]

        def pooled(frames):
            # Padded by hand, since SAME also pads at the top and on the left.
            padded = tf.pad(frames, padding)
            return tf.nn.avg_pool2d(padded, self.block, self.block, "VALID")

        means = pooled(inputs) / pooled(tf.ones_like(inputs))
        size = (height + bottom, width + right)
        smooth = tf.image.resize(self.passed(means), size, "bilinear")
        cropped = smooth[:, :height, :width]
        cropped.set_shape(inputs.shape)  # TFLite has no `tf.ensure_shape`
        return cropped

    def passed(self, means):
        """Returns what is interpolated of the means of the squares."""
        return means

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "block": self.block}


@keras.saving.register_keras_serializable(package="priv_keras")
class Channel(LowPass):
    """Bounds the information on a frame that gets through, by noise.

    The means of the squares, as deviations from mid-grey, are scaled down to a
    norm of at most `limit`; then Gaussian noise is added to each. Whatever the
    frames are, and whatever an attacker does with the output, it tells at most
    `limit**2 / (2 * noise**2)` nats of a frame: the mutual information is at
    most the mean divergence of the output from noise around mid-grey. Frames of
    the same content tell as much each, so that what is known of a clip may add
    up to that many nats times its frames.

    Args:
        block: Int, side of the square in pixels.
        limit: Positive float, the largest norm of a frame's deviations.
        noise: Float, the standard deviation of the noise, as a share of the
            range of a pixel. At 0 nothing is bounded.
        seed: Int, for noise that is the same in each run, as training needs
            it. Whoever knows it can take the noise away again. Without it,
            TensorFlow seeds the noise anew in each process, by 32 random bits;
            see `draw_secretly`.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)` in [0, 1].

    Output shape:
        Same as the input.

    Reference:
        [Alemi et al., 2017](https://arxiv.org/abs/1612.00410), Sec. 3
    """

    def __init__(self, block, limit, noise, seed=None, **kwargs):
        super().__init__(block, **kwargs)
        self.limit, self.noise, self.seed = limit, noise, seed
        # Callable of a shape that draws standard normal noise in place of
        # TensorFlow's own generators.
        self.normal = None
        if seed is not None:
            self.seeds = keras.random.SeedGenerator(seed)

    def draw_secretly(self):
        """Seeds the noise by 192 bits of the operating system, since 32 can be
        tried one by one. Call it before the layer is traced, and export no
        model after it, since the file would hold the seed."""
        state = np.frombuffer(secrets.token_bytes(24), "int64")
        self.secret = tf.random.Generator.from_state(state, "philox")
        self.normal = self.secret.normal

    @staticmethod
    def limit_of(bits, noise):
        """Returns the `limit` at which `noise` lets `bits` through a frame."""
        return noise * math.sqrt(2 * bits * math.log(2))

    def passed(self, means):
        deviations = means - 0.5
        power = tf.reduce_sum(deviations**2, axis=(1, 2, 3), keepdims=True)
        # The square root of 0 has no gradient.
        scale = self.limit * tf.math.rsqrt(tf.maximum(power, self.limit**2))
        noisy = 0.5 + scale * deviations + self._drawn(tf.shape(means))
        return tf.clip_by_value(noisy, 0.0, 1.0)

    def _drawn(self, shape):
        if self.normal is not None:
            drawn = self.normal(shape)
        elif self.seed is None:
            # `keras.utils.set_random_seed` would seed `tf.random.normal` too,
            # and an export would then hold its seed.
            drawn = tf.raw_ops.RandomStandardNormal(
                shape=shape, dtype=tf.float32, seed=0, seed2=0
            )
        else:
            drawn = keras.random.normal(shape, seed=self.seeds)
        return self.noise * drawn

    def get_config(self):
        return {
            **super().get_config(),
            "limit": self.limit,
            "noise": self.noise,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="priv_keras")
class PixelUnshuffle(keras.layers.Layer):
    """Stacks each square of pixels into the channels of one pixel.

    Heights and widths that are not multiples of the square's side are padded
    with zeros at the bottom and right.

    Args:
        block: Int, side of the square in pixels.

    Call arguments:
        inputs: Float tensor `(batch, height, width, channels)`.

    Output shape:
        `(batch, height / block, width / block, block**2 * channels)`, rounded
        up.
    """

    def __init__(self, block, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def call(self, inputs):
        batch, height, width = tf.unstack(tf.shape(inputs)[:3])
        bottom, right = (_missing(n, self.block) for n in (height, width))
        padded = tf.pad(inputs, [[0, 0], [0, bottom], [0, right], [0, 0]])
        # Padding drops the static channels, which TFLite's converter needs.
        shape = (batch, height + bottom, width + right, inputs.shape[3])
        return tf.nn.space_to_depth(tf.reshape(padded, shape), self.block)

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        height, width = (n and -(-n // self.block) for n in size)
        return batch, height, width, self.block**2 * channels

    def get_config(self):
        return {**super().get_config(), "block": self.block}


@keras.saving.register_keras_serializable(package="priv_keras")
class PixelShuffle(keras.layers.Layer):
    """Undoes `PixelUnshuffle`, except for its padding.

    Args:
        block: Int, side of the square in pixels.

    Call arguments:
        inputs: Float tensor `(batch, height, width, block**2 * channels)`.

    Output shape:
        `(batch, block * height, block * width, channels)`.
    """

    def __init__(self, block, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, self.block)

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        height, width = (n and n * self.block for n in size)
        return batch, height, width, channels // self.block**2

    def get_config(self):
        return {**super().get_config(), "block": self.block}


@keras.saving.register_keras_serializable(package="priv_keras")
class PerFrame(keras.layers.Wrapper):
    """Applies a model to all frames of a clip in one call.

    Unlike `keras.layers.TimeDistributed`, the model sees one batch of
    `batch * frames` images, so batch statistics are those of the whole batch.

    Args:
        layer: Model from `(batch, height, width, channels)` to
            `(batch, ...)`.

    Call arguments:
        inputs: Clips `(batch, frames, height, width, channels)` with any
            number of frames.

    Output shape:
        `(batch, frames, ...)`.
    """

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build((None, *input_shape[2:]))

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
        output = self.layer.compute_output_shape((None, *input_shape[2:]))
        return (*input_shape[:2], *output[1:])


@keras.saving.register_keras_serializable(package="priv_keras")
class TemporalShift(keras.layers.Layer):
    """Gives each frame some channels of the frame before and of the next one.

    An eighth of the channels comes from either side; zeros come from before
    the first frame and after the last one.

    Args:
        frames: Int, frames of a clip.

    Call arguments:
        inputs: Float tensor `(clips * frames, height, width, channels)`.

    Output shape:
        Same as the input.

    Reference:
        [Lin et al., 2019](https://arxiv.org/abs/1811.08383)
    """

    def __init__(self, frames, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, inputs):
        shape = tf.shape(inputs)
        folded = max(1, inputs.shape[-1] // 8)
        clips = tf.reshape(
            inputs, tf.concat(([-1, self.frames], shape[1:]), axis=0)
        )
        before = tf.pad(clips[:, :-1, ..., :folded], _frame(1, 0))
        after = tf.pad(clips[:, 1:, ..., folded : 2 * folded], _frame(0, 1))
        still = clips[..., 2 * folded :]
        shifted = tf.concat([before, after, still], axis=-1)
        return tf.ensure_shape(tf.reshape(shifted, shape), inputs.shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}


def _frame(before, after):
    """Returns the padding of one frame in front of a clip or behind it."""
    return [[0, 0], [before, after], [0, 0], [0, 0], [0, 0]]
