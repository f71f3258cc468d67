"""The iterators that a turn of the game draws its batches from."""

from typing import NamedTuple

import tensorflow as tf


class Streams(NamedTuple):
    """One iterator of batches per purpose; a batch is a dict of tensors."""

    target: object  # (X^t, Y_T^t), and Y_B^t too if `budget` is `None`
    validation: object  # (X^v, Y_T^v)
    budget: object  # (X^t, Y_B^t) of f_B's own dataset, or `None`

    @property
    def of_budgets(self):
        """Names of the streams that f_B learns from."""
        return ("target",) if self.budget is None else ("budget",)

    @property
    def of_both(self):
        """Names of the streams that f_T and f_B learn from."""
        return ("target",) if self.budget is None else ("target", "budget")

    def next_batch(self, names):
        """Returns the next batches of the named streams as one dict."""
        batch = {}
        for name in names:
            batch |= next(getattr(self, name))
        return batch


def count_clips(batch, strategy):
    """Counts the clips of a batch on all devices of this worker.

    Args:
        batch: Dict of tensors, or of values with one tensor per replica.
        strategy: `tf.distribute.Strategy` that made the batch.

    Returns:
        int64 scalar tensor.
    """
    clips = [batch[key] for key in batch if key.endswith("clips")]
    shares = [
        share
        for values in clips
        for share in strategy.experimental_local_results(values)
    ]
    return sum(tf.shape(share, tf.int64)[0] for share in shares)
