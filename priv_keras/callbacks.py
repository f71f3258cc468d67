"""What happens between turns of the game: records, checkpoints, pictures."""

import collections
import json
import math
import os
import pathlib
import re

import keras
import numpy as np
import tensorflow as tf

CHECKPOINT = "turn_{:06d}.weights.h5"


class TurnLog(keras.callbacks.Callback):
    """Writes every turn's figures to TensorBoard and to a file of JSON lines.

    Scalars are grouped by party, as in `target/steps`; turns count from 1.
    After each epoch it adds validation accuracies and says one line.

    Args:
        run_dir: Folder of the run; writes `tensorboard/`, `metrics.jsonl`.
        say: Callable of a string, as `print`.
    """

    def __init__(self, run_dir, say):
        super().__init__()
        self.writer = tf.summary.create_file_writer(
            os.path.join(run_dir, "tensorboard")
        )
        self.path = pathlib.Path(run_dir, "metrics.jsonl")
        self.say = say

    def set_params(self, params):
        super().set_params(params)
        self.turns = params["steps"]

    def on_epoch_begin(self, epoch, logs=None):
        self.first = epoch * self.turns
        if self.path.exists():
            self._drop_turns_after(self.first)

    def on_train_batch_end(self, batch, logs=None):
        self._write(self.first + batch + 1, logs)

    def on_epoch_end(self, epoch, logs=None):
        turn = self.first + self.turns
        validation = {k: v for k, v in logs.items() if k.startswith("val_")}
        self._write(turn, validation)
        self.writer.flush()
        most = max(v for k, v in logs.items() if "val_budget" in k)
        total = self.params["epochs"] * self.turns
        self.say(
            f"turn {turn:4d}/{total}  validation "
            f"A_T {float(logs['val_target_accuracy']):.3f}  A_B {most:.3f}"
        )

    def _write(self, turn, logs):
        scalars = {name: float(value) for name, value in logs.items()}
        with self.writer.as_default():
            for name, value in scalars.items():
                tf.summary.scalar(_tag(name), value, step=turn)
        with self.path.open("a") as file:
            file.write(json.dumps({"turn": turn, **scalars}) + "\n")

    def _drop_turns_after(self, last):
        """A killed run wrote turns that a resumed run plays again."""
        lines = self.path.read_text().splitlines(keepends=True)
        kept = [
            line
            for line in lines
            if line.endswith("\n") and json.loads(line)["turn"] <= last
        ]
        self.path.write_text("".join(kept))


PARTY = re.compile("((?:restart_)?(?:target|budget_[0-9]+|val))_(.+)")


def _tag(name):
    """`target_gate_accuracy` → `target/gate_accuracy`."""
    found = PARTY.fullmatch(name)
    party, rest = found.groups() if found else ("anonymizer", name)
    return f"{'validation' if party == 'val' else party}/{rest}"


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops a run at the first figure or weight that is NaN or infinite.

    To be listed before `SaveGame`: of weights that an update has just broken,
    no checkpoint is made.

    Args:
        folder: Folder of checkpoints.

    Raises:
        FloatingPointError: Names the figure or the party, the turn and the
            last checkpoint.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_train_batch_end(self, batch, logs=None):
        self._check({name: math.isfinite(v) for name, v in logs.items()})

    def on_epoch_end(self, epoch, logs=None):
        game = self.model
        parties = {"f_A": game.anonymizer, "f_T": game.target}
        parties |= {f"f_B^{i}": b for i, b in enumerate(game.budgets)}
        self._check(
            {
                f"a weight of {name}": all(
                    np.isfinite(weight).all() for weight in party.get_weights()
                )
                for name, party in parties.items()
            }
        )

    def _check(self, is_finite):
        broken = [name for name, finite in is_finite.items() if not finite]
        if broken:
            saved = saved_games(self.folder)
            raise FloatingPointError(
                f"{', '.join(broken)} became NaN or infinite in turn "
                f"{self.model.turns_played()}. Lower the learning rate of that "
                "party, or set --clip_norm. The last good checkpoint is "
                f"{saved[-1] if saved else 'the warm-up: no turn was saved'}."
            )


class WarnOfStuckGates(keras.callbacks.Callback):
    """Says at the end which loops gave up every time, and what to change.

    Args:
        say: Callable of a string, as `print`.
    """

    def __init__(self, say):
        super().__init__()
        self.say = say

    def on_train_begin(self, logs=None):
        self.loops = collections.Counter()
        self.given_up = collections.Counter()

    def on_train_batch_end(self, batch, logs=None):
        for name, gave_up in logs.items():
            if name.endswith("_gave_up"):
                loop = name.removesuffix("_gave_up")
                self.loops[loop] += 1
                self.given_up[loop] += int(gave_up)

    def on_train_end(self, logs=None):
        for loop, count in sorted(self.loops.items()):
            if self.given_up[loop] == count:
                kind = loop.split("_")[0]  # target, budget or restart
                party = "target" if kind == "target" else "budget"
                self.say(
                    f"warning: {loop} never passed its gate in {count} loops. "
                    f"Lower --{party}_threshold, or raise --max_{kind}_steps "
                    f"or --{party}_learning_rate."
                )


class SaveGame(keras.callbacks.Callback):
    """Saves parties and optimizers after each epoch, whole or not at all.

    Args:
        folder: Folder of checkpoints.
        keep: Int, how many to keep.
    """

    def __init__(self, folder, keep=2):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.keep = keep

    def on_epoch_end(self, epoch, logs=None):
        turn = (epoch + 1) * self.params["steps"]
        save_weights(self.model, self.folder / CHECKPOINT.format(turn))
        for old in saved_games(self.folder)[: -self.keep]:
            old.unlink()


def saved_games(folder):
    """Checkpoints of the game in `folder`, by turn."""
    return sorted(pathlib.Path(folder).glob("turn_*.weights.h5"))


def turn_of(checkpoint):
    """The turn after which `checkpoint` was saved."""
    return int(checkpoint.name.split(".")[0].removeprefix("turn_"))


def save_weights(model, path):
    """`model.save_weights`, under the final name only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("partial-" + path.name)
    model.save_weights(partial)
    os.replace(partial, path)


class BeforeAfter(keras.callbacks.Callback):
    """Shows TensorBoard some frames above what f_A makes of them.

    Args:
        run_dir: Folder of the run; writes `tensorboard/`.
        frames: Raw frames `(n, height, width, 3)` in [0, 1].
    """

    def __init__(self, run_dir, frames):
        super().__init__()
        self.writer = tf.summary.create_file_writer(
            os.path.join(run_dir, "tensorboard")
        )
        self.frames = frames

    def on_epoch_end(self, epoch, logs=None):
        after = self.model.anonymizer(self.frames)
        sheet = tf.concat(
            [tf.concat(list(x), 1) for x in (self.frames, after)], 0
        )
        with self.writer.as_default():
            tf.summary.image(
                "before_after",
                sheet[None],
                step=(epoch + 1) * self.params["steps"],
            )
