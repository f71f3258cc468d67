"""What happens between turns of the game: records, checkpoints, pictures."""

import json
import time

import keras
import tensorflow as tf

from priv_keras.runs import tensorboard
from priv_keras.runs.folder import RunFolder
from priv_keras.runs.turns import strongest_budget


class TurnLog(keras.callbacks.Callback):
    """Writes every turn's figures to TensorBoard and to a file of JSON lines.

    Scalars are grouped by party, as in `target/steps`; turns count from 1.
    After each epoch it adds validation accuracies and says one line.

    Args:
        run_dir: Folder of the run; writes `metrics.jsonl`.
        events: Writer for TensorBoard, as of `open_events`.
        turns: Int, of the whole game.
        say: Callable of a string, as `print`.
        every: Int, turns between those that TensorBoard is told of.
    """

    def __init__(self, run_dir, events, turns, say, every=1):
        super().__init__()
        self.events = events
        self.path = RunFolder(run_dir).turns
        self.turns = turns
        self.say = say
        self.every = every

    def on_train_batch_begin(self, batch, logs=None):
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        took = time.perf_counter() - self.began
        is_shown = self.model.turns_played() % self.every == 0
        self._write({**logs, **learning_rates(self.model)}, is_shown)
        if is_shown:
            # Not to the file: two equal runs differ in nothing else.
            self._show(tensorboard.speed(took, *self.model.input_figures()))

    def on_epoch_end(self, epoch, logs=None):
        validation = {k: v for k, v in logs.items() if k.startswith("val_")}
        self._write(validation, True)
        turn = self.model.turns_played()
        self.say(
            f"turn {turn:4d}/{self.turns}  validation "
            f"A_T {float(logs['val_target_accuracy']):.3f}  "
            f"A_B {strongest_budget(validation):.3f}"
        )

    def _write(self, logs, is_shown):
        scalars = {name: float(value) for name, value in logs.items()}
        if is_shown:
            self._show({tensorboard.tag(k): v for k, v in scalars.items()})
        line = {"turn": self.model.turns_played(), **scalars}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _show(self, scalars):
        with self.events.as_default(step=self.model.turns_played()):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
        # A turn that is saved is not played again: its figures are on disk
        # before its weights.
        self.events.flush()


def learning_rates(game):
    """Of each party's optimizer in the present turn, a dict."""
    optimizers = {
        "anonymizer": game.optimizer,
        "target": game.target_optimizer,
        **{f"budget_{i}": o for i, o in enumerate(game.budget_optimizers)},
    }
    return {
        f"{party}_learning_rate": _number(optimizer.learning_rate)
        for party, optimizer in optimizers.items()
    }


def _number(rate):
    """A rate, which a schedule computes and a variable may mirror."""
    return float(tf.identity(getattr(rate, "value", rate)))
