import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import CLIP
from toys import IDENTITIES
from toys import SHUT
from toys import toy_batch

from priv_keras import callbacks
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.algorithms.base import Restarts
from priv_keras.algorithms.gates import Gate


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


def turns(path):
    return [json.loads(line)["turn"] for line in path.open()]


def events(folder):
    for path in folder.glob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            yield from ((v.tag, event.step) for v in event.summary.value)


def test_every_turn_is_written_with_every_party(make_game, data, tmp_path):
    said = []
    game = make_game(Entropy, num_budgets=2, target_gate=SHUT)
    frames = np.random.rand(3, *CLIP[1:]).astype("float32")
    play(
        game,
        data,
        [
            callbacks.TurnLog(tmp_path, said.append),
            callbacks.BeforeAfter(tmp_path, frames),
        ],
    )
    written = set(events(tmp_path / "tensorboard"))
    for tag in (
        "anonymizer/loss",
        "target/loss",
        "target/steps",
        "target/gate_accuracy",
        "target/gave_up",
        "anonymizer/budget_entropy",
        "budget_1/steps",
        "budget_1/gate_accuracy",
    ):
        assert {(tag, step) for step in (1, 2, 3, 4)} <= written
    for tag in (
        "validation/target_accuracy",
        "validation/budget_accuracy_1",
        "before_after",
    ):
        assert {(tag, step) for step in (2, 4)} <= written
    assert turns(tmp_path / "metrics.jsonl") == [1, 2, 2, 3, 4, 4]
    assert len(said) == 2
    assert said[1].startswith("turn    4/4  validation A_T 0.")


def test_a_resumed_run_writes_no_turn_twice(make_game, data, tmp_path):
    game = make_game(Entropy)
    play(game, data, [callbacks.TurnLog(tmp_path, print)])
    # Killed in the second epoch, half way through a line.
    path = tmp_path / "metrics.jsonl"
    path.write_text(path.read_text()[:-5])
    log = callbacks.TurnLog(tmp_path, print)
    play(game, data, [log], initial_epoch=1)
    assert turns(path) == [1, 2, 2, 3, 4, 4]


def test_the_last_games_are_kept(make_game, data, tmp_path):
    game = make_game(Entropy)
    play(game, data, [callbacks.SaveGame(tmp_path, keep=2)], epochs=3)
    saved = callbacks.saved_games(tmp_path)
    assert [callbacks.turn_of(path) for path in saved] == [4, 6]
    assert sorted(tmp_path.iterdir()) == saved  # nothing half-written
    resumed = make_game(Entropy)
    resumed.load_weights(saved[-1])
    for a, b in zip(resumed.weights, game.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_failed_save_leaves_the_old_one(make_game, tmp_path, monkeypatch):
    game = make_game(Entropy)
    path = tmp_path / "turn_000001.weights.h5"
    callbacks.save_weights(game, path)
    before = path.read_bytes()

    def fill_the_disk(partial):
        partial.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(game, "save_weights", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        callbacks.save_weights(game, path)
    assert path.read_bytes() == before
    assert callbacks.saved_games(tmp_path) == [path]


def test_a_figure_that_is_not_finite_stops_the_run(make_game, data, tmp_path):
    game = make_game(Entropy)
    game.target.layers[-1].bias.assign([np.nan] * 3)
    with pytest.raises(
        FloatingPointError, match="target_loss became NaN.*turn 1"
    ):
        play(game, data, [callbacks.StopAtNonFinite(tmp_path)])


def test_a_broken_weight_is_never_saved(make_game, data, tmp_path):
    game = make_game(GRL)

    class Break(keras.callbacks.Callback):
        """As an update whose loss no figure shows."""

        def on_train_batch_end(self, batch, logs=None):
            if game.turns_played() == 4:
                game.budgets[0].layers[-1].bias.assign([np.nan] * IDENTITIES)

    watchers = [
        Break(),
        callbacks.StopAtNonFinite(tmp_path),
        callbacks.SaveGame(tmp_path),
    ]
    with pytest.raises(
        FloatingPointError, match=r"weight of f_B\^0 .* turn 4.*turn_000002"
    ):
        play(game, data, watchers)
    assert [path.name for path in callbacks.saved_games(tmp_path)] == [
        "turn_000002.weights.h5"
    ]


def test_only_a_gate_that_always_gives_up_is_warned_of(make_game, data):
    said = []
    # One turn in four restarts, and each gives up.
    game = make_game(
        Entropy, budget_gate=SHUT, restarts=Restarts(4, Gate(1.0, 1))
    )
    play(game, data, [callbacks.WarnOfStuckGates(said.append)])
    assert [line.split(" never")[0] for line in said] == [
        "warning: budget_0",
        "warning: restart_budget_0",
    ]
    assert "4 loops. Lower --budget_threshold, or raise --max_budget" in said[0]
    assert "1 loops. Lower --budget_threshold, or raise --max_rest" in said[1]
