"""Logs every turn of a game."""

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
    After each epoch it adds validation accuracies and prints one line.

    Args:
        run_dir: Folder of the run, in which it writes `metrics.jsonl`.
        events: Writer for TensorBoard, see `runs.turns.open_events`.
        turns: Int, the number of turns in the whole game.
        say: Callable that takes a string, such as `print`.
        every: Int, TensorBoard gets each turn that is a multiple of it.
        validated: Int, the clips behind a validation accuracy, which the file
            gets as `val_clips`; `None` if that is not known.
    """

    def __init__(self, run_dir, events, turns, say, every=1, validated=None):
        super().__init__()
        self.events = events
        self.path = RunFolder(run_dir).turns
        self.turns = turns
        self.say = say
        self.every = every
        self.known = {} if validated is None else {"val_clips": validated}

    def on_train_batch_begin(self, batch, logs=None):
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        took = time.perf_counter() - self.began
        is_shown = self.model.turns_played() % self.every == 0
        self._write({**logs, **learning_rates(self.model)}, is_shown)
        if is_shown:
            # Not in the file, in which equal runs would differ by it alone.
            self._show(tensorboard.speed(took, *self.model.input_figures()))

    def on_epoch_end(self, epoch, logs=None):
        validation = {k: v for k, v in logs.items() if k.startswith("val_")}
        self._write(validation, True, **self.known)
        turn = self.model.turns_played()
        self.say(
            f"turn {turn:4d}/{self.turns}  validation "
            f"A_T {float(logs['val_target_accuracy']):.3f}  "
            f"A_B {strongest_budget(validation):.3f}"
        )

    def _write(self, logs, is_shown, **more):
        scalars = {name: float(value) for name, value in logs.items()}
        if is_shown:
            self._show({tensorboard.tag(k): v for k, v in scalars.items()})
        line = {"turn": self.model.turns_played(), **scalars, **more}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _show(self, scalars):
        with self.events.as_default(step=self.model.turns_played()):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
        # A turn that was saved is not played again, so its figures must be on
        # disk before its weights.
        self.events.flush()


def learning_rates(game):
    """Returns the learning rate of each party's optimizer in this turn.

    Args:
        game: `AdversarialModel`.

    Returns:
        Dict of `PARTY_learning_rate` to a float.
    """
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
    # A schedule computes the rate, and a variable may be mirrored.
    return float(tf.identity(getattr(rate, "value", rate)))
