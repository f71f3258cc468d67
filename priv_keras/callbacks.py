"""What happens between turns of the game: records, checkpoints, pictures."""

import collections
import contextlib
import json
import math
import os
import pathlib
import signal
import time

import keras
import numpy as np
import tensorflow as tf

from priv_keras import board
from priv_keras import checkpoints
from priv_keras import files


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
        self.path = _metrics(run_dir)
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
            self._show(board.speed(took, *self.model.input_figures()))

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
            self._show({board.tag(k): v for k, v in scalars.items()})
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


def strongest_budget(logs):
    """The highest validation accuracy of an f_B^i."""
    return max(float(v) for k, v in logs.items() if "val_budget" in k)


def _metrics(run_dir):
    return pathlib.Path(run_dir, "metrics.jsonl")


def read_turns(run_dir):
    """What `TurnLog` wrote: a list of dicts."""
    path = _metrics(run_dir)
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


@contextlib.contextmanager
def open_events(run_dir, last):
    """Opens the file that a game writes its events to.

    Forgetting replaces event files, and a writer whose file is replaced goes on
    writing to one that nobody can read. This is therefore the only way to a
    writer for a game: it forgets first.

    There is one writer for all callbacks, because TensorBoard follows only the
    newest file of a folder.

    Args:
        run_dir: Folder of the run; writes `tensorboard/`.
        last: Int, the last turn that was saved. What a killed run wrote of
            later turns is forgotten.

    Yields:
        `tf.summary.SummaryWriter`, which is closed at the end.
    """
    forget_turns_after(run_dir, last)
    with contextlib.closing(board.writer(run_dir)) as events:
        yield events


def forget_turns_after(run_dir, last):
    """Drops what a killed run wrote of turns that will be played again.

    No writer may hold an event file of the run open: it is replaced.

    Args:
        run_dir: Folder of the run.
        last: Int, the last turn that stays.
    """
    path = _metrics(run_dir)
    if path.exists():
        lines = path.read_text().splitlines(keepends=True)
        whole = (line for line in lines if line.endswith("\n"))
        kept = [line for line in whole if json.loads(line)["turn"] <= last]
        files.write(path, "".join(kept))
    for path in pathlib.Path(run_dir, "tensorboard").glob("events*"):
        # TensorBoard reads every file whose name has "tfevents" in it.
        partial = path.with_name("partial")
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for event in _events(path):
                if event.step <= last:
                    writer.write(event.SerializeToString())
        os.replace(partial, path)


def _events(path):
    """Events of a file up to where a killed run broke off."""
    records = tf.data.TFRecordDataset(str(path)).ignore_errors()
    for record in records.as_numpy_iterator():
        yield tf.compat.v1.Event.FromString(record)


class StopAtNonFinite(keras.callbacks.Callback):
    """Stops a run at the first figure or weight that is NaN or infinite.

    To be listed before what saves: of weights that an update has just broken,
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
        FloatingPointError: As of `StopAtNonFinite`.
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


def stuck_gates(turns):
    """Yields a warning of each loop that gave up every time, and what to
    change.

    Args:
        turns: As of `read_turns`.
    """
    loops, given_up = collections.Counter(), collections.Counter()
    for turn in turns:
        for name, gave_up in turn.items():
            if name.endswith("_gave_up"):
                loop = name.removesuffix("_gave_up")
                loops[loop] += 1
                given_up[loop] += int(gave_up)
    for loop, count in sorted(loops.items()):
        if given_up[loop] == count:
            kind = loop.split("_")[0]  # target, budget or restart
            party = "target" if kind == "target" else "budget"
            yield (
                f"warning: {loop} never passed its gate in {count} loops. "
                f"Lower --{party}_threshold, or raise --max_{kind}_steps, "
                "--gate_patience where it is given, or "
                f"--{party}_learning_rate."
            )


class SaveGame(keras.callbacks.Callback):
    """Saves parties and optimizers after each epoch, whole or not at all.

    To be listed after `TurnLog`, whose figures say which game is best, and
    after all that writes events: a run that is killed once its game is saved
    does not write them again.

    Args:
        run_dir: Folder of the run; writes `checkpoints/`.
        keep: Int, how many of the last to keep. The best is kept as well.
        target_threshold: Float, th_T, see `best_turn`.
    """

    def __init__(self, run_dir, keep, target_threshold):
        super().__init__()
        self.run_dir = run_dir
        self.folder = pathlib.Path(run_dir, "checkpoints")
        self.keep = keep
        self.target_threshold = target_threshold

    def on_epoch_end(self, epoch, logs=None):
        self.save()
        best = best_turn(read_turns(self.run_dir), self.target_threshold)
        for old in checkpoints.files(self.folder, checkpoints.TURNS)[
            : -self.keep
        ]:
            if checkpoints.turn_of(old) != best:
                old.unlink()

    def save(self):
        stem = checkpoints.stem_of(self.model.turns_played())
        return checkpoints.save(self.model, self.folder, stem)


def best_turn(turns, target_threshold):
    """The turn whose game is best on validation: of those whose A_T is at
    least th_T, that of the weakest f_B; where there is none, of the highest
    A_T. Of equal ones the last.

    The f_B of the game are no judges: what the fresh attackers of Sec. 3.6
    find may be more.

    Args:
        turns: As of `read_turns`.
        target_threshold: Float, th_T.

    Returns:
        Int, or `None` where nothing was validated.
    """

    def rank(turn):
        utility = turn["val_target_accuracy"]
        if utility >= target_threshold:
            return (1, -strongest_budget(turn), turn["turn"])
        return (0, utility, turn["turn"])

    validated = [turn for turn in turns if "val_target_accuracy" in turn]
    return max(validated, key=rank)["turn"] if validated else None


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
            check_weights(self.model, self.saver.folder)
            self.saver.save()
            raise SystemExit(143)

    def on_epoch_end(self, epoch, logs=None):
        if self.asked:
            raise SystemExit(143)

    def on_train_end(self, logs=None):
        signal.signal(signal.SIGTERM, self.before)
