"""Checkpoints of the game."""

import keras

from priv_keras.runs import checkpoints
from priv_keras.runs import turns
from priv_keras.runs.folder import RunFolder


class SaveGame(keras.callbacks.Callback):
    """Saves parties and optimizers after each epoch, completely or not at all.

    List it after `TurnLog`, whose figures tell which game is best, and after
    all callbacks that write events: a run that is killed once its game is
    saved does not write them again.

    Args:
        run_dir: Folder of the run, in which it writes `checkpoints/`.
        keep: Int, how many of the latest to keep. Those of
            `runs.turns.contenders` are kept as well.
    """

    def __init__(self, run_dir, keep):
        super().__init__()
        self.run_dir = run_dir
        self.folder = RunFolder(run_dir).checkpoints
        self.keep = keep

    def on_epoch_end(self, epoch, logs=None):
        self.save()
        contenders = turns.contenders(turns.read_turns(self.run_dir))
        for old in checkpoints.files(self.folder, checkpoints.TURNS)[
            : -self.keep
        ]:
            if checkpoints.turn_of(old) not in contenders:
                old.unlink()

    def save(self):
        """Saves the game now and returns the `pathlib.Path` of the file."""
        stem = checkpoints.stem_of(self.model.turns_played())
        return checkpoints.save(self.model, self.folder, stem)
