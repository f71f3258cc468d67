"""Attacks that the paper lacks, on the clips that its own attackers get."""

import math

import numpy as np
import tensorflow as tf

from priv_keras.evaluation import filtering
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.runs import checkpoints


def static(name, build, weights, test, batch_size, *, record):
    """Tests an attacker on f_A's output that only ever saw raw clips.

    What several papers report. It says what f_A does to today's recognizers,
    and nothing of one that is trained for its output.

    Args:
        name: The attacker's name.
        build: Callable without arguments that returns the untrained model.
        weights: Path of its weights, as `two_step.attack` kept them.
        test: Dataset, as of `two_step.filtered`.
        batch_size: Int.
        record: Path of a JSON file, see `two_step.attack`.

    Returns:
        Dict of `two_step.score`, with the attacker's `name`.
    """

    def run():
        model = build()
        checkpoints.load(model, weights)
        scored = scores.score(model, test, "budget_labels", batch_size)
        return {"name": name, **scored}

    return two_step.once(record, run)


def few_videos(train, share, seed):
    """The videos whose labels an attacker knows who knows few.

    Args:
        train: Unbatched dataset, as of `two_step.filtered`.
        share: Float in (0, 1], of the videos of each class; of multi-label
            ones, of all videos. Of each class it is at least one video.
        seed: Int, which videos.

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
    """The clips of these videos, as a dataset like `train`."""
    few = train.filter(
        lambda example: tf.reduce_any(tf.equal(names, example["video"]))
    )
    return filtering.whole(few.cache())
