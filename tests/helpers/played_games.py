"""Games that are played for a few turns, and what they leave behind."""

import json

import keras
import numpy as np
import tensorflow as tf
from toys import CLIP
from toys import IDENTITIES
from toys import toy_batch

from priv_keras import callbacks
from priv_keras.runs import checkpoints
from priv_keras.runs.turns import open_events


def play(game, data, watchers, epochs=2, initial_epoch=0):
    game.fit(
        data,
        initial_epoch=initial_epoch,
        epochs=epochs,
        steps_per_epoch=2,
        validation_data=tf.data.Dataset.from_tensors(toy_batch()),
        callbacks=watchers,
        shuffle=False,
        verbose=0,
    )


def play_logged(game, data, folder, played=0, **options):
    """Plays from the turn `played` on, with all callbacks that write events."""
    clips = np.random.default_rng(0).random((3, *CLIP), "float32")
    with open_events(folder, played) as writer:
        log = callbacks.TurnLog(folder, writer, 4, print)
        play(game, data, [log, callbacks.BeforeAfter(writer, clips)], **options)


def logged_turns(folder):
    """Returns the turn of each line in `metrics.jsonl`."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["turn"] for line in lines]


def saver(folder, keep=2):
    return callbacks.SaveGame(folder, keep)


def saved(folder):
    return checkpoints.files(folder / "checkpoints", checkpoints.TURNS)


def validated(turn, utility, *budgets):
    """Returns what `TurnLog` writes after the validation of an epoch."""
    found = {f"val_budget_accuracy_{i}": x for i, x in enumerate(budgets)}
    return {"turn": turn, "val_target_accuracy": utility, **found}


class BreakWeight(keras.callbacks.Callback):
    """Breaks a weight, like an update whose loss looks finite."""

    def __init__(self, turn):
        super().__init__()
        self.turn = turn

    def on_train_batch_end(self, batch, logs=None):
        if self.model.turns_played() == self.turn:
            bias = self.model.budgets[0].layers[-1].bias
            bias.assign([np.nan] * IDENTITIES)


def values(folder):
    """Yields the values in the event files of a folder, and their steps."""
    for path in folder.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            yield from ((v, event.step) for v in event.summary.value)


def events(folder):
    """Yields the tags in the event files of a folder, and their steps."""
    for value, step in values(folder):
        yield value.tag, step
