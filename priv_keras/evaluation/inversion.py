"""The inversion attack: a U-Net (Ronneberger et al. 2015) that learns to
restore raw frames from f_A's output."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from priv_keras import supervised
from priv_keras.evaluation import filtering
from priv_keras.layers import CropLike
from priv_keras.networks.normalization import BatchNormalization
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

FILTERS = (32, 64, 128, 256)
SHUFFLED = 256  # clips


def build(width=1.0):
    """Returns an untrained U-Net.

    Args:
        width: Positive float that scales the channels of every hidden layer.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1], of any size,
        to the same.
    """

    def convs(x, filters):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(BatchNormalization()(x))
        return x

    sizes = [max(1, round(width * filters)) for filters in FILTERS]
    x = inputs = keras.Input((None, None, 3))
    skipped = []
    for filters in sizes[:-1]:
        x = convs(x, filters)
        skipped.append(x)
        x = layers.MaxPooling2D(2, padding="same")(x)
    x = convs(x, sizes[-1])
    for filters, skip in zip(sizes[-2::-1], reversed(skipped), strict=True):
        x = layers.Conv2DTranspose(filters, 2, 2)(x)
        x = layers.Concatenate()([CropLike()([x, skip]), skip])
        x = convs(x, filters)
    return keras.Model(inputs, layers.Conv2D(3, 1, activation="sigmoid")(x))


def pairs(clips, anonymizer, keep=True):
    """Pairs f_A's output with its input.

    Args:
        clips: Finite dataset of batches of raw clips, see
            `filtering.filtered`.
        anonymizer: Callable that takes such clips and returns the same.
        keep: Bool, whether the first pass keeps the pairs in memory. If not,
            each pass makes them anew. They are never on disk.

    Returns:
        Dataset of pairs of uint8 clips `(frames, height, width, 3)`.
    """

    def pair(batch):
        return to_uint8(anonymizer(batch["clips"])), to_uint8(batch["clips"])

    made = clips.map(pair).unbatch()
    return made.cache() if keep else made


def train(
    model, pairs, *, batch_size, frames, learning_rate, steps, callbacks=()
):
    """Trains a model to restore f_A's input from its output.

    Args:
        model: See `build`.
        pairs: Dataset, see the function `pairs`.
        batch_size: Int, clips in one update.
        frames: Int, frames of each clip in one update.
        learning_rate: Float, of Adam.
        steps: Int, updates.
        callbacks: See `keras.Model.fit`.

    Returns:
        Float, the mean absolute error at the end, in [0, 1].
    """

    def some(*clips):
        order = tf.random.shuffle(tf.range(tf.shape(clips[0])[0]))
        return tuple(to_float(tf.gather(x, order[:frames])) for x in clips)

    batches = (
        pairs.repeat()
        .shuffle(SHUFFLED)
        .map(some)
        .unbatch()
        .batch(batch_size * frames, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    return supervised.fit_images(
        model,
        batches,
        learning_rate=learning_rate,
        steps=steps,
        callbacks=callbacks,
    )


def reconstructed(model, test):
    """Returns a split after inversion, kept in memory only.

    Args:
        model: Trained model, see `build`.
        test: Unbatched dataset, see `filtering.filtered`.

    Returns:
        Dataset of the same form.
    """

    def invert(example):
        frames = model(to_float(example["clips"]), training=False)
        return {**example, "clips": to_uint8(frames)}

    return filtering.whole(test.map(invert).cache())


def likeness(one, other):
    """Measures how alike the clips of two splits are.

    Args:
        one, other: Unbatched datasets with the same clips in the same order,
            see `filtering.filtered`.

    Returns:
        Dict of floats, means over frames: `psnr`, in decibels, at most 100;
        and `ssim`, which is 1 for identical frames.
    """

    def measure(a, b):
        a, b = to_float(a["clips"]), to_float(b["clips"])
        return tf.image.psnr(a, b, 1.0), tf.image.ssim(a, b, 1.0, 7)

    both = tf.data.Dataset.zip(one, other).map(measure)
    psnr, ssim = zip(*both.as_numpy_iterator(), strict=True)
    # It is infinite for equal frames.
    psnr = np.minimum(np.concatenate(psnr), 100)
    return {
        "psnr": float(psnr.mean()),
        "ssim": float(np.concatenate(ssim).mean()),
    }
