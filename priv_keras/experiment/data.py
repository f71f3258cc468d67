"""What a run trains on: one dataset, or one for each side (Sec. 3.4).

Part of the programs: this module reads flags.
"""

import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from flags import data as flags
from flags import training as training_flags
from priv_keras import losses
from priv_keras.experiment import bad_records
from priv_keras.experiment.shards import Cut
from priv_keras.experiment.shards import Shards
from priv_keras.experiment.sides import Sides
from priv_keras.experiment.sides import folder_of
from priv_keras.experiment.sides import opened
from tfrecords_tools.puppets import cache

PICTURED = 6  # clips in a before/after picture


class Datasets(NamedTuple):
    """The endless datasets of an epoch, from which `Streams` are iterators."""

    target: tf.data.Dataset  # for f_T, and for f_B too if `budget` is `None`
    validation: tf.data.Dataset  # for the gate of f_T
    budget: tf.data.Dataset | None  # for f_B alone, see `--budget_batch_size`


class Data(Sides):
    """The two sides of a run, as shards.

    Args:
        target, budget, tested: See `sides.Sides`; each side is `Shards`.

    Attributes:
        budget_task: `losses.Task`, how private labels are scored in the game.
        attacker_task: `losses.Task`, the same without `--attribute_weights`: an
            attacker has no reason to adopt the weights of the defender.

    Raises:
        ValueError: See `sides.Sides`.
    """

    def __init__(self, target, budget, tested=None):
        super().__init__(target, budget, tested)
        self.budget_task = _task(budget)
        self.attacker_task = (
            losses.MULTI_LABEL if budget.is_multi_label else losses.SINGLE_LABEL
        )

    @property
    def sides(self):
        """List of the `Shards` of all sides, each folder once."""
        every = (
            self.target,
            self.budget,
            self.tested_target,
            self.tested_budget,
        )
        return list({side.folder: side for side in every}.values())

    @property
    def clip_shape(self):
        """Shape of a clip for f_T: `(frames, height, width, channels)`."""
        cut = self.target.cut
        return (cut.frames, cut.size, cut.size, 3)

    def datasets(self, epoch, drawn=(0, 0, 0)):
        """Returns the batches for an epoch of the game.

        Args:
            epoch: Int, the number of the epoch.
            drawn: Ints, how many batches of each dataset to skip, because they
                were drawn before the run was stopped.

        Returns:
            `Datasets`.
        """
        own = training_flags.BUDGET_BATCH_SIZE.value
        datasets = Datasets(
            self.target.training_batches("train", "game", epoch=epoch),
            self.target.gate_batches(
                epoch, whole=not training_flags.GATE_BATCHES.value
            ),
            self.budget_batches("game_budget", epoch).map(_for_budgets)
            if own
            else None,
        )
        return Datasets(
            *(
                dataset and dataset.skip(count)
                for dataset, count in zip(datasets, drawn, strict=True)
            )
        )

    def budget_batches(self, stream, epoch=0):
        """Returns endless batches for f_B alone.

        Args:
            stream: String, one of `shards.STREAMS`.
            epoch: Int, the number of the epoch.

        Returns:
            `tf.data.Dataset`.
        """
        own = training_flags.BUDGET_BATCH_SIZE.value
        return self.budget.training_batches(
            "train",
            stream,
            own,
            training_flags.BUDGET_FRAMES.value if own else None,
            epoch,
        )

    def validation_batches(self, stream):
        """Returns batches with each validation video of both sides.

        The videos of the smaller side are repeated.

        Args:
            stream: String, one of `shards.STREAMS`.

        Returns:
            `tf.data.Dataset`.
        """
        if self.target is self.budget:
            return self.target.validation_batches(stream)
        sides = [
            side.validation_batches(stream)
            for side in (self.target, self.budget)
        ]
        longest = max(int(side.cardinality()) for side in sides)
        both = tf.data.Dataset.zip(*(side.repeat() for side in sides))
        return both.take(longest).map(_join)


def _task(shards):
    weights = training_flags.ATTRIBUTE_WEIGHTS.value
    if not shards.is_multi_label:
        return losses.SINGLE_LABEL
    return losses.multi_label(weights and [float(w) for w in weights])


def _for_budgets(batch):
    return {
        "budget_clips": batch["clips"],
        "budget_labels": batch["budget_labels"],
    }


def _join(batch, budget_batch):
    return {**batch, **_for_budgets(budget_batch)}


def open_data():
    """Returns the `Data` that `--dataset` and `--budget_dataset` name.

    Puppets are drawn and written if they are missing. Every shard is checked
    against its manifest before it is used.

    Raises:
        FileNotFoundError, ValueError: If shards are missing, or if more of
            them is damaged than `--bad_records` allows.
    """
    data = opened(_open, Data)
    bad_records.check(data)
    return data


def _open(dataset, parties, frames):
    if dataset == "puppets":
        parent = cache.puppets(
            flags.DATA_DIR.value,
            paper_size=flags.SCALE.value == "paper",
            workers=os.cpu_count(),
        )
        folder = parent / dataset
    else:
        folder = folder_of(dataset)
    shards = Shards(
        folder,
        parties,
        _cut(dataset, frames),
        batch_size=flags.BATCH_SIZE.value,
        seed=flags.SEED.value,
        found=bad_records.find(folder),
    )
    splits = shards.manifest["splits"]
    check_videos({name: part["videos"] for name, part in splits.items()})
    if splits["train"]["videos"]:  # a dataset may have a test split alone
        for party, name in shards.records.items():
            check_labels(party, shards.each_label("train", name))
    return shards


def _cut(dataset, frames):
    size = flags.SIZE.value
    whole = (flags.FRAME_WIDTH.value, flags.FRAME_HEIGHT.value)
    if dataset == "vispr":
        # The labels of a picture are of all that it shows: nothing is cut off.
        whole = (size, size)
    return Cut(
        frames,
        size,
        whole,
        mirror=flags.MIRROR.value,
        augment=flags.AUGMENT.value,
    )


def pictured_clips(data):
    """Returns the raw validation clips that before/after pictures show.

    Args:
        data: `Data`.

    Returns:
        float32 `(n, frames, height, width, 3)` in [0, 1], `n` at most
        `PICTURED`.
    """
    clips = data.target.clips("validation", "game").take(PICTURED)
    return np.stack([example["clips"] for example in clips])


def check_videos(splits):
    """Raises if a video is in two splits: figures would measure memorization.

    Args:
        splits: Dict of the name of a split to the ids of its videos.

    Raises:
        ValueError: If so.
    """
    for one, other in (
        ("train", "validation"),
        ("train", "test"),
        ("validation", "test"),
    ):
        both = set(splits.get(one, ())) & set(splits.get(other, ()))
        if both:
            raise ValueError(
                f"{len(both)} videos are in {one} and in {other}, as "
                f"{min(both)}: figures would measure what was memorized. Build "
                "the shards again, with every video in one split only."
            )


def check_labels(name, labels):
    """Raises if all labels are the same: there is nothing to tell apart.

    Args:
        name: String, what the labels are called in the error.
        labels: Iterable of ints or of arrays `(attributes,)`, which is read
            until two labels differ.

    Raises:
        ValueError: If no two labels differ.
    """
    labels = iter(labels)
    first = next(labels)
    if all(np.array_equal(label, first) for label in labels):
        raise ValueError(
            f"All training videos have the same {name}, "
            f"{np.asarray(first).tolist()}: there is nothing to learn. Check "
            "the labels that the shards were built from."
        )
