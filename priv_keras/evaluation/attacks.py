"""Attacks that the paper lacks, on the same clips as those of the paper."""

import math

import numpy as np
import tensorflow as tf

from priv_keras.evaluation import filtering
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.runs import checkpoints


def static(name, build, weights, test, batch_size, *, record):
    """Tests an attacker that only ever saw raw clips on f_A's output.

    Several papers report this figure. It tells what f_A does to existing
    recognizers, and nothing about one that is trained on its output.

    Args:
        name: The attacker's name.
        build: Callable without arguments that returns the untrained model.
        weights: Path of its weights, as `two_step.attack` saved them.
        test: Dataset, see `filtering.filtered`.
        batch_size: Int.
        record: Path of a JSON file, see `two_step.attack`.

    Returns:
        Dict of `scores.score`, with the attacker's `name`.
    """

    def run():
        model = build()
        checkpoints.load(model, weights)
        scored = scores.score(model, test, "budget_labels", batch_size)
        return {"name": name, **scored}

    return two_step.once(record, run)


def few_videos(train, share, seed):
    """Draws the videos whose labels a few-label attacker knows.

    Args:
        train: Unbatched dataset, see `filtering.filtered`.
        share: Float in (0, 1], of the videos of each class, or of all videos
            if they have several labels; rounded up.
        seed: Int.

    Returns:
        Sorted list of names.
    """
    class_of = {}
    for example in train:
        label = example["budget_labels"].numpy()
        video = example["video"].numpy().decode()
        class_of[video] = int(label) if not label.ndim else 0
    rng = np.random.default_rng(seed)
    kept = []
    for number in sorted(set(class_of.values())):
        videos = sorted(v for v, c in class_of.items() if c == number)
        count = math.ceil(share * len(videos))
        kept += rng.permutation(videos)[:count].tolist()
    return sorted(kept)


def of_videos(train, names):
    """Returns the clips of the named videos, as a dataset like `train`."""
    few = train.filter(
        lambda example: tf.reduce_any(tf.equal(names, example["video"]))
    )
    return filtering.whole(few.cache())
