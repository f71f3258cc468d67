"""A stop of runs whose figures or weights are NaN or infinite."""

import math

import keras
import numpy as np

from priv_keras.runs import checkpoints


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops a run at the first figure or weight that is NaN or infinite.

    List it before the callbacks that save, so that weights that an update has
    just broken never become a checkpoint.

    Args:
        folder: Folder of checkpoints.

    Raises:
        FloatingPointError: If there is one; names the figure or the party, the
            turn and the last checkpoint.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_train_batch_end(self, batch, logs=None):
        is_finite = {name: math.isfinite(v) for name, v in logs.items()}
        _check_finite(is_finite, self.model, self.folder)

    def on_epoch_end(self, epoch, logs=None):
        check_weights(self.model, self.folder)


def check_weights(game, folder):
    """Raises unless every weight of all parties is finite.

    Args:
        game: `AdversarialModel`.
        folder: Folder of checkpoints.

    Raises:
        FloatingPointError: If one is not, see `StopAtNonFinite`.
    """
    parties = {"f_A": game.anonymizer, "f_T": game.target}
    parties |= {f"f_B^{i}": b for i, b in enumerate(game.budgets)}
    is_finite = {
        f"a weight of {name}": all(
            np.isfinite(weight).all() for weight in party.get_weights()
        )
        for name, party in parties.items()
    }
    _check_finite(is_finite, game, folder)


def _check_finite(is_finite, game, folder):
    broken = [name for name, finite in is_finite.items() if not finite]
    if broken:
        saved = checkpoints.files(folder, checkpoints.TURNS)
        raise FloatingPointError(
            f"{', '.join(broken)} became NaN or infinite in turn "
            f"{game.turns_played()}. Lower the learning rate of that party, or "
            "set --clip_norm. The last good checkpoint is "
            f"{saved[-1] if saved else 'the warm-up: no turn was saved'}."
        )
