"""Clips and pictures as f_A leaves them, or raw in the same form."""

import os
import shutil

import tensorflow as tf

from priv_keras.pixels import to_uint8


def filtered(dataset, anonymizer, folder=None, keep=True, watched=iter):
    """Passes a split through f_A once and keeps the result.

    It is kept in 8 bits, as a camera would output it.

    Args:
        dataset: Finite dataset of batches, dicts whose `clips` are
            `(batch, frames, height, width, 3)` in [0, 1].
        anonymizer: Callable that takes such clips and returns the same.
        folder: Folder for the result, made anew; `None` for memory. It is only
            as private as the output: a baseline can leave frames as they are.
        keep: Bool, see `unfiltered`; ignored if there is a folder.
        watched: Callable that takes a dataset and yields its examples, for
            instance with a progress bar.

    Returns:
        Unbatched dataset of the same dicts, with uint8 `clips`.
    """
    file = ""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        file = os.path.join(folder, "clips")

    def anonymize(batch):
        return {**batch, "clips": to_uint8(anonymizer(batch["clips"]))}

    pixels = dataset.map(anonymize).unbatch()
    return whole(pixels.cache(file) if file or keep else pixels, watched)


def redrawn(dataset, draws):
    """Repeats a split, for f_A to draw its noise anew each time.

    Args:
        dataset: See `filtered`.
        draws: Int, how often.

    Returns:
        Dataset of the same dicts, with `draw`, ints `(batch,)`.
    """

    def numbered(draw):
        def number(batch):
            return {**batch, "draw": tf.fill(tf.shape(batch["video"]), draw)}

        return dataset.map(number)

    return tf.data.Dataset.range(draws).flat_map(numbered)


def fresh(cuts, anonymizer, batch_size):
    """Filters new random cuts for as long as they are asked for.

    Args:
        cuts: Dataset of single examples, dicts whose `clips` are float32
            `(frames, height, width, 3)` in [0, 1]; each pass is another one.
        anonymizer: See `filtered`; one that treats each frame by itself.
        batch_size: Int, clips to filter at once.

    Returns:
        Endless unbatched dataset of the same dicts, with uint8 `clips`.
    """

    def anonymize(batch):
        return {**batch, "clips": to_uint8(anonymizer(batch["clips"]))}

    return (
        cuts.repeat()
        .batch(batch_size, drop_remainder=True)
        .map(anonymize)
        .unbatch()
    )


def some_frames(clip, frames, key):
    """Returns `frames` frames of a clip, drawn at random, in their order."""
    order = tf.random.experimental.stateless_shuffle(
        tf.range(tf.shape(clip)[0]), key
    )
    shape = (min(frames, clip.shape[0]), *clip.shape[1:])
    chosen = tf.gather(clip, tf.sort(order[:frames]))
    return tf.ensure_shape(chosen, shape)


def unfiltered(dataset, keep=True, watched=iter):
    """Gives raw clips the form of `filtered`, without writing them to disk.

    Args:
        dataset: See `filtered`.
        keep: Bool, whether to keep them in memory. If not, each pass decodes
            them anew and makes random cuts at other places.
        watched: See `filtered`.

    Returns:
        See `filtered`.
    """

    def as_pixels(batch):
        return {**batch, "clips": to_uint8(batch["clips"])}

    pixels = dataset.map(as_pixels).unbatch()
    return whole(pixels.cache() if keep else pixels, watched)


def whole(dataset, watched=iter):
    """Reads a dataset once, which fills its cache, and sets its cardinality."""
    count = sum(1 for _ in watched(dataset))
    return dataset.apply(tf.data.experimental.assert_cardinality(count))
