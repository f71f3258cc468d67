"""Splits that contradict each other, so that a judge that mixes them up shows.

Who is there is the row that is bright. Test clips show the next row, so that
an attacker which learned from training clips reads none of them, and one that
learned from test clips reads all. Validation clips are training clips in a
mirror, which only an attacker that trains on mirrored clips reads.
"""

import numpy as np
import tensorflow as tf
from toys import untuned

NAMES = ("train", "validation", "test")
CLASSES = 4
SIZE = 4


def clips(rows, column):
    """Returns uint8 clips `(len(rows), 2, SIZE, SIZE, 3)` of one bright pixel
    each."""
    made = np.zeros((len(rows), 2, SIZE, SIZE, 3), "uint8")
    made[np.arange(len(rows)), :, rows, column] = 255
    return made


def split(shown, column, count=16):
    """Returns an unbatched split, see `filtering.filtered`.

    Args:
        shown: Int, by how many rows the bright one is off.
        column: Int, the column that is bright.
        count: Int, number of clips.
    """
    who = np.arange(count) % CLASSES
    data = tf.data.Dataset.from_tensor_slices(
        {
            "clips": clips((who + shown) % CLASSES, column),
            "actions": who,
            "budget_labels": who,
            "video": [f"{shown} {column} {i}" for i in range(count)],
        }
    )
    return untuned(data)


def splits():
    return {
        "train": split(0, 0),
        "validation": split(0, SIZE - 1),
        "test": split(1, 0),
    }


def check(scored):
    """Asserts that an attacker or f_T learned from training clips, mirrored
    ones among them, stopped on validation clips and read test clips."""
    assert scored["inferred_accuracy"] > 0.5
    assert scored["validation_accuracy"] == 1.0
    assert scored["accuracy"] <= 0.3
