"""Warns early if f_A learns nothing useful."""

import keras
import numpy as np

LEVEL = 1 / 255  # what an 8-bit camera can tell apart


class WatchAnonymizer(keras.callbacks.Callback):
    """Warns after an epoch if f_A gives the same picture for every frame, or
    has not moved from where it started.

    Args:
        frames: Two or more different raw frames `(n, height, width, 3)` in
            [0, 1].
        say: Callable that takes a string, such as `print`.
        patience: Int, turns within which f_A has to move.
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
    """Returns whether frames `(n, height, width, 3)` in [0, 1] look alike."""
    return bool(np.ptp(frames, axis=0).max() < LEVEL)
