"""A stop that saves the game when the process is asked to end."""

import signal

import keras

from priv_keras.callbacks import stop_at_non_finite


class StopAtSignal(keras.callbacks.Callback):
    """Ends the turn, saves the game and exits on SIGTERM.

    Args:
        saver: `SaveGame`, which must be listed before this callback.

    Raises:
        FloatingPointError: If a weight is not finite; nothing is saved then.
        SystemExit: With status 143, by which shells report SIGTERM.
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
        # The last turn of an epoch is saved after its validation.
        if self.asked and batch + 1 < self.params["steps"]:
            stop_at_non_finite.check_weights(self.model, self.saver.folder)
            self.saver.save()
            raise SystemExit(143)

    def on_epoch_end(self, epoch, logs=None):
        if self.asked:
            raise SystemExit(143)

    def on_train_end(self, logs=None):
        signal.signal(signal.SIGTERM, self.before)
