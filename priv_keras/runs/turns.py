"""The figures of each turn, and what they tell about a game."""

import collections
import contextlib
import json
import math
import os

import tensorflow as tf

from priv_keras import files
from priv_keras.runs import results
from priv_keras.runs import tensorboard
from priv_keras.runs.folder import RunFolder

TURN = {
    **results.json_object(turn=results.COUNT),
    "additionalProperties": results.NUMBER,
}


def strongest_budget(logs):
    """Returns the highest validation accuracy of any f_B^i."""
    return max(float(v) for k, v in logs.items() if "val_budget" in k)


def read_turns(run_dir):
    """Returns what `TurnLog` wrote, a list of dicts."""
    path = RunFolder(run_dir).turns
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


@contextlib.contextmanager
def open_events(run_dir, last):
    """Opens the file that a game writes its events to.

    Events of later turns are dropped before the file is opened. That replaces
    event files, and a writer whose file was replaced would keep writing to a
    deleted one, so a game gets its writer here alone.

    All callbacks share one writer, because TensorBoard follows only the newest
    file of a folder.

    Args:
        run_dir: Folder of the run, in which it writes `tensorboard/`.
        last: Int, the last turn that was saved. What a killed run wrote about
            later turns is dropped.

    Yields:
        `tf.summary.SummaryWriter`, which is closed at the end.
    """
    forget_turns_after(run_dir, last)
    with contextlib.closing(tensorboard.writer(run_dir)) as events:
        yield events


def forget_turns_after(run_dir, last):
    """Drops what a killed run wrote about turns that will be played again.

    No writer may hold an event file of the run open, since it is replaced.

    Args:
        run_dir: Folder of the run.
        last: Int, the last turn that stays.
    """
    path = RunFolder(run_dir).turns
    if path.exists():
        lines = path.read_text().splitlines(keepends=True)
        whole = (line for line in lines if line.endswith("\n"))
        kept = [line for line in whole if json.loads(line)["turn"] <= last]
        files.write(path, "".join(kept))
    for path in RunFolder(run_dir).tensorboard.glob("events*"):
        # TensorBoard reads every file whose name has "tfevents" in it.
        partial = path.with_name("partial")
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for event in events_of(path):
                if event.step <= last:
                    writer.write(event.SerializeToString())
        os.replace(partial, path)


def events_of(path):
    """Yields the events of a file up to where a killed run broke off."""
    records = tf.data.TFRecordDataset(str(path)).ignore_errors()
    for record in records.as_numpy_iterator():
        yield tf.compat.v1.Event.FromString(record)


def stuck_gates(turns):
    """Yields a warning for each loop that gave up every time.

    Args:
        turns: See `read_turns`.

    Yields:
        String, one line that says what to change.
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


def best_turn(turns, target_threshold):
    """Returns the turn whose game is best on validation.

    A turn is useful if its A_T is at least th_T or, where none is, within a
    standard error of the highest. Of the useful turns, those are private whose
    f_B is within a standard error of the weakest. Of these, the best is the one
    with the highest A_T; then the one with the weaker f_B, then the last.

    The f_B of the game are not judges: the fresh attackers of Sec. 3.6 may
    find more.

    Args:
        turns: See `read_turns`. Standard errors need their `val_clips`, and
            are 0 without.
        target_threshold: Float, th_T.

    Returns:
        Int, or `None` if nothing was validated.
    """
    validated = _validated(turns)
    if not validated:
        return None
    highest = max(validated, key=_utility)
    enough = min(
        target_threshold, _utility(highest) - _error(highest, _utility)
    )
    useful = [turn for turn in validated if _utility(turn) >= enough]
    weakest = min(useful, key=strongest_budget)
    little = strongest_budget(weakest) + _error(weakest, strongest_budget)
    private = [turn for turn in useful if strongest_budget(turn) <= little]
    return max(private, key=_rank)["turn"]


def contenders(turns):
    """Returns the turns that are the best, or may be once others are validated.

    Args:
        turns: See `read_turns`.

    Returns:
        Set of int: the turns that no other beats in both A_T and A_B.
    """
    validated = _validated(turns)
    return {
        turn["turn"]
        for turn in validated
        if not any(
            strongest_budget(other) <= strongest_budget(turn)
            and _rank(other) > _rank(turn)
            for other in validated
        )
    }


def _validated(turns):
    return [turn for turn in turns if "val_target_accuracy" in turn]


def _utility(turn):
    return turn["val_target_accuracy"]


def _rank(turn):
    return (_utility(turn), -strongest_budget(turn), turn["turn"])


def _error(turn, accuracy):
    """Returns the standard error of an accuracy of a turn.

    It is that of Agresti and Coull, which is above 0 at accuracies of 0 and 1.
    """
    clips = turn.get("val_clips")
    if clips is None:
        return 0.0
    share = (accuracy(turn) * clips + 2) / (clips + 4)
    return math.sqrt(share * (1 - share) / (clips + 4))
