"""Saves the game when the process is asked to end."""

import signal

import keras

from priv_keras.callbacks import stop_at_non_finite


class StopAtSignal(keras.callbacks.Callback):
    """On SIGTERM, plays the turn to its end, saves it and leaves.

    Args:
        saver: `SaveGame`, to be listed before it.

    Raises:
        FloatingPointError: As of `check_weights`; then nothing is saved.
        SystemExit: With status 143, as a shell says of SIGTERM.
    """

    def __init__(self, saver):
        super().__init__()
        self.saver = saver
        self.asked = False

    def on_train_begin(self, logs=None):
        self.before = signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_):
        self.asked = True

    def on_train_batch_end(self, batch, logs=None):
        # After the last turn of an epoch there is its validation to come.
        if self.asked and batch + 1 < self.params["steps"]:
            stop_at_non_finite.check_weights(self.model, self.saver.folder)
            self.saver.save()
            raise SystemExit(143)

    def on_epoch_end(self, epoch, logs=None):
        if self.asked:
            raise SystemExit(143)

    def on_train_end(self, logs=None):
        signal.signal(signal.SIGTERM, self.before)
