"""Early signs that a run's figures will mean nothing, each in one line."""

import keras
import numpy as np

LEVEL = 1 / 255  # what an 8-bit camera can tell apart
LOST = 0.3  # accuracy between training and inference on the same clips


class WatchAnonymizer(keras.callbacks.Callback):
    """Says after an epoch if f_A gives the same picture for every frame, or
    has not moved from where it started.

    Args:
        frames: Different raw frames `(n, height, width, 3)` in [0, 1], two or
            more.
        say: Callable of a string, as `print`.
        patience: Int, turns that f_A has to move in.
    """

    def __init__(self, frames, say, patience=50):
        super().__init__()
        self.frames = frames
        self.say = say
        self.patience = patience
        self.start = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.start is None:
            self.start = np.array(self.model.anonymizer(self.frames))
            self.since = self.model.turns_played()

    def on_epoch_end(self, epoch, logs=None):
        after = np.array(self.model.anonymizer(self.frames))
        if is_constant(after):
            self.say(
                "warning: f_A gives the same picture for every frame: nobody "
                "can learn from it any more. Lower --gamma or "
                "--anonymizer_learning_rate, and start again."
            )
        turns = self.model.turns_played() - self.since
        if turns >= self.patience and np.abs(after - self.start).max() < LEVEL:
            self.say(
                f"warning: f_A has not moved in {turns} turns: it hides "
                "nothing. Raise --gamma or --anonymizer_learning_rate."
            )


def is_constant(frames):
    """Whether frames `(n, height, width, 3)` in [0, 1] are all one picture."""
    return bool(np.ptp(frames, axis=0).max() < LEVEL)


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


def stale(trained, inferred):
    """Whether an attacker is only fooled by its own batch statistics: it knows
    clips while it trains on them, and not when it is asked.

    Args:
        trained: Float, its accuracy on training batches in training.
        inferred: Float, that in inference, on clips of the same kind.
    """
    return trained - inferred > LOST
