"""Warns early if f_A learns nothing useful."""

import keras
import numpy as np

from priv_keras.networks import bounds

LEVEL = 1 / 255  # what an 8-bit camera can tell apart
FINE, TIMES_RAW = 0.1, 3  # shares of fine detail from which it is told


class WatchAnonymizer(keras.callbacks.Callback):
    """Warns after an epoch if f_A gives the same picture for every frame, has
    not moved from where it started, or writes in fine patterns.

    A network that does not look for such patterns, as the game's f_B may not,
    is fooled by them, while a fresh attacker reads what is written there. They
    rarely go away, so that they are told only once.

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
        self.told_patterns = False

    def on_epoch_begin(self, epoch, logs=None):
        if self.start is None:
            self.start = self._output()
            self.since = self.model.turns_played()

    def on_epoch_end(self, epoch, logs=None):
        after = self._output()
        if is_constant(after):
            self.say(
                "warning: f_A gives the same picture for every frame: nobody "
                "can learn from it any more. Lower --gamma or "
                "--anonymizer_learning_rate, and start again."
            )
        fine, raw = fine_detail(after), fine_detail(self.frames)
        if fine > max(FINE, TIMES_RAW * raw) and not self.told_patterns:
            self.told_patterns = True
            self.say(
                f"warning: f_A may write in fine patterns: {fine:.0%} of the "
                "energy of its output is in the upper half of the band, and "
                f"{raw:.0%} of that of raw frames. Fresh attackers may read "
                "it. Give --anonymizer_low_pass=2 or more, or "
                "--anonymizer_upsampling=resized."
            )
        turns = self.model.turns_played() - self.since
        if turns >= self.patience and np.abs(after - self.start).max() < LEVEL:
            self.say(
                f"warning: f_A has not moved in {turns} turns: it hides "
                "nothing. Raise --gamma or --anonymizer_learning_rate."
            )

    def _output(self):
        # Noise would hide that pictures are the same, or have not moved.
        return np.array(
            bounds.without_noise(self.model.anonymizer)(self.frames)
        )


def is_constant(frames):
    """Returns whether frames `(n, height, width, 3)` in [0, 1] look alike."""
    return bool(np.ptp(frames, axis=0).max() < LEVEL)


def fine_detail(frames):
    """Returns the share of the energy of frames that is in fine detail.

    Args:
        frames: Array `(n, height, width, 3)`.

    Returns:
        Float in [0, 1], the share above half of the band in height or width,
        of all energy but that of the mean; 0 if there is no other.
    """
    height, width = frames.shape[1:3]
    spectrum = np.abs(np.fft.fft2(frames, axes=(1, 2))) ** 2
    energy = spectrum.mean(axis=(0, 3))
    energy[0, 0] = 0
    rows = np.abs(np.fft.fftfreq(height))[:, None]
    columns = np.abs(np.fft.fftfreq(width))[None]
    total = energy.sum()
    fine = energy[np.maximum(rows, columns) > 0.25].sum()
    return float(fine / total) if total else 0.0
