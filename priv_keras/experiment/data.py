"""What a run trains on: one dataset, or one for each side (Sec. 3.4).

Part of the programs: reads flags.
"""

import os

import numpy as np
import tensorflow as tf

from flags import data as flags
from flags import training as training_flags
from priv_keras import losses
from priv_keras.algorithms.streams import Streams
from priv_keras.experiment import bad_records
from priv_keras.experiment.shards import Shards
from priv_keras.experiment.sides import Sides
from priv_keras.experiment.sides import folder_of
from priv_keras.experiment.sides import opened
from tfrecords_tools.puppets import cache

PICTURED = 6  # clips in a before/after picture


class Data(Sides):
    """The two sides of a run, as shards.

    Args:
        target, budget, tested: As of `sides.Sides`, of `Shards`.

    Attributes:
        budget_task: How private labels are scored in the game, a
            `losses.Task`.
        attacker_task: The same without `--attribute_weights`: an attacker has
            no reason to share the defender's.

    Raises:
        ValueError: As of `sides.Sides`.
    """

    def __init__(self, target, budget, tested=None):
        super().__init__(target, budget, tested)
        self.budget_task = _task(budget)
        self.attacker_task = (
            losses.MULTI_LABEL if budget.is_multi_label else losses.SINGLE_LABEL
        )

    @property
    def sides(self):
        """Its `Shards`, of each folder once."""
        every = (
            *(self.target, self.budget),
            *(self.tested_target, self.tested_budget),
        )
        return list({side.folder: side for side in every}.values())

    @property
    def clip_shape(self):
        """Of what f_T sees: `(frames, height, width, channels)`."""
        return (self.target.frames, flags.SIZE.value, flags.SIZE.value, 3)

    def streams(self, epoch, drawn=(0, 0, 0)):
        """Endless batches for an epoch of the game.

        Args:
            epoch: Int.
            drawn: Ints, batches of each that were drawn already.

        Returns:
            `Streams` of datasets: of f_T, where `--budget_batch_size` gives f_B
            its own, else of both; of validation; of f_B or `None`.
        """
        own = training_flags.BUDGET_BATCH_SIZE.value
        streams = Streams(
            self.target.training_batches("train", "game", epoch=epoch),
            self.target.gate_batches(epoch),
            self.budget_batches("game_budget", epoch).map(_for_budgets)
            if own
            else None,
        )
        return Streams(
            *(
                stream and stream.skip(count)
                for stream, count in zip(streams, drawn, strict=True)
            )
        )

    def budget_batches(self, stream, epoch=0):
        """Endless batches for f_B alone."""
        own = training_flags.BUDGET_BATCH_SIZE.value
        return self.budget.training_batches(
            "train",
            stream,
            own,
            training_flags.BUDGET_FRAMES.value if own else None,
            epoch,
        )

    def validation_batches(self, stream):
        """Each validation video of both sides at least once."""
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

    Puppets are drawn and written where they are missing. Every shard is
    checked against the manifest before it is used.

    Raises:
        FileNotFoundError, ValueError: If shards are missing, or damaged more
            than `--bad_records` allows.
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
    shards = Shards(folder, parties, frames, bad_records.find(folder))
    splits = shards.manifest["splits"]
    check_videos({name: part["videos"] for name, part in splits.items()})
    if splits["train"]["videos"]:  # none, of what only tests
        for party, name in shards.records.items():
            check_labels(party, shards.each_label("train", name))
    return shards


def pictured_clips(data):
    """The validation clips that pictures are of, `(n, frames, height, width,
    3)` in [0, 1]: raw."""
    clips = data.target.clips("validation", "game").take(PICTURED)
    return np.stack([example["clips"] for example in clips])


def check_videos(splits):
    """Raises if a video is in two splits: figures would be of what was learnt
    by heart.

    Args:
        splits: Dict of split to the ids of its videos.

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
                f"{min(both)}: its figures would be of what was learnt by "
                "heart. Build the shards again, with every video in one split."
            )


def check_labels(name, labels):
    """Raises if all labels are one: there is nothing to tell apart.

    Args:
        name: What they are labels of.
        labels: Iterable of ints or of arrays `(attributes,)`, read until two
            differ.

    Raises:
        ValueError: If none do.
    """
    labels = iter(labels)
    first = next(labels)
    if all(np.array_equal(label, first) for label in labels):
        raise ValueError(
            f"All training videos have the same {name}, "
            f"{np.asarray(first).tolist()}: there is nothing to learn. Check "
            "the labels that the shards were built from."
        )
