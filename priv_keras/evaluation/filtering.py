"""Clips and pictures as f_A, or nothing, leaves them."""

import os
import shutil

import tensorflow as tf

from priv_keras.pixels import to_uint8


def filtered(dataset, anonymizer, folder=None, keep=True, watched=iter):
    """Passes a split through f_A once and keeps the result.

    What is kept is 8-bit, as what leaves a camera is.

    Args:
        dataset: Finite dataset of batches, dicts whose `clips` are
            `(batch, frames, height, width, 3)` in [0, 1].
        anonymizer: Callable of such clips that returns the same.
        folder: Folder for the result, made anew; `None` for memory. It is as
            private as f_A's output: a baseline can leave frames as they are.
        keep: Bool, as of `unfiltered`; of no account where there is a folder.
        watched: Callable of a dataset that yields its examples, and may count
            them before a user.

    Returns:
        Unbatched dataset of the same dicts, `clips` uint8.
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


def unfiltered(dataset, keep=True, watched=iter):
    """The same form for raw clips, of which none is on disk.

    Args:
        dataset: As of `filtered`.
        keep: Bool, whether to keep them in memory; if not, each pass makes
            them anew, and where they are cut at random it cuts them elsewhere.
        watched: As of `filtered`.

    Returns:
        As of `filtered`.
    """

    def as_pixels(batch):
        return {**batch, "clips": to_uint8(batch["clips"])}

    pixels = dataset.map(as_pixels).unbatch()
    return whole(pixels.cache() if keep else pixels, watched)


def whole(dataset, watched=iter):
    """Counts a dataset; a cache is filled, which is read only after that."""
    count = sum(1 for _ in watched(dataset))
    return dataset.apply(tf.data.experimental.assert_cardinality(count))
