import json
import os
import signal
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from played_games import events
from played_games import play
from played_games import values
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.plugins.pr_curve import summary
from toys import CLIP
from toys import IDENTITIES
from toys import SHUT
from toys import toy_batch

from priv_keras import callbacks
from priv_keras import metrics
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.restarts import Restarts
from priv_keras.runs import checkpoints
from priv_keras.runs import tensorboard
from priv_keras.runs.turns import best_turn
from priv_keras.runs.turns import open_events
from priv_keras.runs.turns import read_turns
from priv_keras.runs.turns import stuck_gates


def turns(path):
    return [json.loads(line)["turn"] for line in path.open()]


def test_every_turn_is_written_with_every_party(make_game, data, tmp_path):
    said = []
    game = make_game(Entropy, num_budgets=2, target_gate=SHUT)
    clips = np.random.rand(3, *CLIP).astype("float32")
    with open_events(tmp_path, 0) as writer:
        log = callbacks.TurnLog(tmp_path, writer, 4, said.append)
        play(game, data, [log, callbacks.BeforeAfter(writer, clips)])
    written = set(events(tmp_path / "tensorboard"))
    for tag in (
        "anonymizer/loss",
        "target/loss",
        "target/steps",
        "target/gate_accuracy",
        "target/gave_up",
        "anonymizer/budget_entropy",
        "anonymizer/gradient_norm",
        "anonymizer/learning_rate",
        "target/learning_rate",
        "budget_1/learning_rate",
        "speed/seconds_per_turn",
        "speed/clips_per_second",
        "speed/input_wait_share",
        "budget_1/steps",
        "budget_1/gate_accuracy",
    ):
        assert {(tag, step) for step in (1, 2, 3, 4)} <= written
    for tag in (
        "validation/target_accuracy",
        "validation/budget_accuracy_1",
        "pictures/before_after_difference",
        "pictures/moving",
    ):
        assert {(tag, step) for step in (2, 4)} <= written
    assert turns(tmp_path / "metrics.jsonl") == [1, 2, 2, 3, 4, 4]
    assert len(said) == 2
    assert said[1].startswith("turn    4/4  validation A_T 0.")


def test_tensorboard_may_be_told_less_and_the_file_is_not(
    make_game, data, tmp_path
):
    with open_events(tmp_path, 0) as writer:
        log = callbacks.TurnLog(tmp_path, writer, 6, print, every=3)
        play(make_game(Entropy), data, [log], epochs=3)
    steps = {}
    for tag, step in events(tmp_path / "tensorboard"):
        steps.setdefault(tag, []).append(step)
    assert steps["target/loss"] == steps["speed/clips_per_second"] == [3, 6]
    assert steps["validation/target_accuracy"] == [2, 4, 6]
    found = turns(tmp_path / "metrics.jsonl")
    assert found == [1, 2, 2, 3, 4, 4, 5, 6, 6]


def test_speed_is_of_the_clips_of_a_turn(make_game, tmp_path):
    def slowly():
        while True:
            time.sleep(0.05)
            yield toy_batch(size=4)

    types = {
        k: tf.TensorSpec(v.shape, v.dtype) for k, v in toy_batch(4).items()
    }
    slow = tf.data.Dataset.from_generator(slowly, output_signature=types)
    # A batch for f_A, two more updates of f_B and three looks at its gate.
    game = make_game(GRL, budget_gate=Gate(1.0, 2))
    play(game, slow, [], epochs=1)
    waited, clips = game.input_figures()
    assert clips == 4 * 6 + 8  # and the validation batch of f_T's gate
    assert waited > 0.1  # of 0.3: it reads ahead
    speed = tensorboard.speed(2.0, waited, clips)
    assert speed["speed/clips_per_second"] == clips / 2
    assert speed["speed/input_wait_share"] == waited / 2


def logged(game, data, folder, played=0, **options):
    """Plays from the turn `played` on, with all that writes events."""
    clips = np.random.default_rng(0).random((3, *CLIP), "float32")
    with open_events(folder, played) as writer:
        log = callbacks.TurnLog(folder, writer, 4, print)
        play(game, data, [log, callbacks.BeforeAfter(writer, clips)], **options)


def test_a_resumed_run_writes_no_turn_twice(make_game, data, tmp_path):
    game = make_game(Entropy)
    logged(game, data, tmp_path)
    whole = sorted(events(tmp_path / "tensorboard"))
    assert ("target/loss", 4) in whole and ("pictures/moving", 4) in whole
    # Killed in the second epoch, half way through a line and an event.
    for path in (
        tmp_path / "metrics.jsonl",
        *(tmp_path / "tensorboard").iterdir(),
    ):
        path.write_bytes(path.read_bytes()[:-5])
    game.turn.assign(2)
    logged(game, data, tmp_path, 2, initial_epoch=1)
    assert turns(tmp_path / "metrics.jsonl") == [1, 2, 2, 3, 4, 4]
    assert sorted(events(tmp_path / "tensorboard")) == whole
    names = [path.name for path in (tmp_path / "tensorboard").iterdir()]
    assert len(names) == 2  # one of each process, which TensorBoard reads
    assert all(name.startswith("events.out.tfevents.") for name in names)


def test_what_a_turn_writes_is_on_disk_before_the_turn_is_saved(
    make_game, data, tmp_path
):
    """A run that is killed after that does not write it again."""
    at_saves = []

    class Look(callbacks.SaveGame):
        def save(self):
            written = set(events(tmp_path / "tensorboard"))
            at_saves.append((self.model.turns_played(), written))
            super().save()

    save = Look(tmp_path, 2, 0.5)
    clips = np.random.rand(3, *CLIP).astype("float32")
    with open_events(tmp_path, 0) as writer:
        log = callbacks.TurnLog(tmp_path, writer, 4, print)
        pictures = callbacks.BeforeAfter(writer, clips)
        play(make_game(Entropy), data, [log, pictures, save])
    assert [turn for turn, _ in at_saves] == [2, 4]
    for turn, written in at_saves:
        for tag in ("target/loss", "validation/target_accuracy"):
            assert (tag, turn) in written
        assert ("pictures/moving", turn) in written


def test_a_judged_run_can_be_compared_in_tensorboard(tmp_path):
    # Two checkpoints, the second judged twice.
    for turns_played, figure in ((56, 0.4), (70, 0.3), (70, 0.2)):
        with tensorboard.result_writer(tmp_path, turns_played):
            tensorboard.write_result(
                {"method": "entropy", "gamma": 1.5}, {"anonymized/A_B": figure}
            )
    found = list(values(tmp_path / "tensorboard"))
    points = {
        step: tf.make_ndarray(value.tensor)
        for value, step in found
        if value.tag == "anonymized/A_B"
    }
    assert points == {56: pytest.approx(0.4), 70: pytest.approx(0.2)}
    for session in (
        plugin_data_pb2.HParamsPluginData.FromString(
            value.metadata.plugin_data.content
        ).session_start_info
        for value, _ in found
        if value.tag == metadata.SESSION_START_INFO_TAG
    ):
        assert session.hparams["gamma"].number_value == 1.5
        assert session.hparams["method"].string_value == "entropy"


def test_curves_are_tensorboards_own(tmp_path):
    labels = np.array([[1, 0], [0, 1], [1, 1], [0, -1], [1, 0]])
    logits = np.array([[2.0, -1], [1, 0], [-1, 3], [-2, 9], [0, -3]])
    counts = metrics.threshold_counts(labels, logits, thresholds=11)
    with tensorboard.result_writer(tmp_path, 3):
        tensorboard.write_curves("curve", counts, ["face", "hair"])
    found = {
        v.tag: tf.make_ndarray(v.tensor)
        for v, _ in values(tmp_path / "tensorboard")
    }
    for i, name in enumerate(("face", "hair")):
        known = labels[:, i] >= 0
        expected = summary.pb(
            "x",
            labels[known, i].astype(bool),
            1 / (1 + np.exp(-logits[known, i])),
            num_thresholds=11,
        )
        np.testing.assert_allclose(
            found[f"curve/{name}/pr_curves"],
            tf.make_ndarray(expected.value[0].tensor),
            atol=1e-6,
        )


def saver(folder, keep=2):
    return callbacks.SaveGame(folder, keep, target_threshold=0.5)


def kept(folder):
    return checkpoints.files(folder / "checkpoints", checkpoints.TURNS)


def test_the_last_games_are_kept(make_game, data, tmp_path):
    game = make_game(Entropy)
    play(game, data, [saver(tmp_path)], epochs=3)
    saved = kept(tmp_path)
    assert [checkpoints.turn_of(path) for path in saved] == [4, 6]
    # Nothing half-written.
    assert sorted((tmp_path / "checkpoints").iterdir()) == saved
    resumed = make_game(Entropy)
    resumed.load_weights(saved[-1])
    for a, b in zip(resumed.weights, game.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def validated(turn, utility, *budgets):
    found = {f"val_budget_accuracy_{i}": x for i, x in enumerate(budgets)}
    return {"turn": turn, "val_target_accuracy": utility, **found}


@pytest.mark.parametrize(
    "validations, best",
    [
        # Of useful ones, that whose strongest f_B is weakest.
        ([(2, 0.9, 0.5, 0.1), (4, 0.8, 0.3, 0.4), (6, 0.7, 0.1, 0.1)], 4),
        # None is useful: the most useful.
        ([(2, 0.7, 0.9), (4, 0.6, 0.1)], 2),
        # Of equal ones the last.
        ([(2, 0.9, 0.3), (4, 0.9, 0.3)], 4),
        ([], None),
    ],
)
def test_the_best_game_is_useful_and_then_private(validations, best):
    turns = [{"turn": 1, "loss": 0.0}]
    turns += [validated(*figures) for figures in validations]
    assert best_turn(turns, 0.8) == best


def test_the_best_game_is_kept_beside_the_last(make_game, data, tmp_path):
    game = make_game(Entropy)

    class Validate(keras.callbacks.Callback):
        """Writes as `TurnLog` that the second epoch was best."""

        def on_epoch_end(self, epoch, logs=None):
            turn = self.model.turns_played()
            line = validated(turn, 0.9, 0.1 if epoch == 1 else 0.5)
            with (tmp_path / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    play(game, data, [Validate(), saver(tmp_path, keep=1)], epochs=4)
    assert [checkpoints.turn_of(path) for path in kept(tmp_path)] == [4, 8]


class Terminate(keras.callbacks.Callback):
    """Sends SIGTERM to itself when a turn begins."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.turns_played() == self.after:
            os.kill(os.getpid(), signal.SIGTERM)


class Break(keras.callbacks.Callback):
    """Breaks a weight, as an update does whose loss no figure shows."""

    def __init__(self, turn):
        super().__init__()
        self.turn = turn

    def on_train_batch_end(self, batch, logs=None):
        if self.model.turns_played() == self.turn:
            bias = self.model.budgets[0].layers[-1].bias
            bias.assign([np.nan] * IDENTITIES)


@pytest.fixture
def sigterm():
    """Puts its handler back, which a run that ends by it leaves."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm")
@pytest.mark.parametrize("at", [2, 3])
def test_sigterm_saves_the_turn_and_leaves(make_game, data, tmp_path, at):
    """In the first turn of an epoch, and in its last: then validation is
    written all the same, for the resumed run starts after it."""
    save = saver(tmp_path)
    with (
        open_events(tmp_path, 0) as writer,
        pytest.raises(SystemExit) as left,
    ):
        log = callbacks.TurnLog(tmp_path, writer, 4, print)
        watchers = [Terminate(at), log, save, callbacks.StopAtSignal(save)]
        play(make_game(Entropy), data, watchers)
    assert left.value.code == 143
    (_, last) = kept(tmp_path)
    assert checkpoints.turn_of(last) == at + 1  # the turn that was at play
    validated = [1, 2, 2, 3] if at == 2 else [1, 2, 2, 3, 4, 4]
    assert turns(tmp_path / "metrics.jsonl") == validated


def test_a_figure_that_is_not_finite_stops_the_run(make_game, data, tmp_path):
    game = make_game(Entropy)
    game.target.layers[-1].bias.assign([np.nan] * 3)
    with pytest.raises(
        FloatingPointError, match="target_loss became NaN.*turn 1"
    ):
        play(game, data, [callbacks.StopAtNonFinite(tmp_path)])


def test_a_broken_weight_is_never_saved(make_game, data, tmp_path):
    stop = callbacks.StopAtNonFinite(tmp_path / "checkpoints")
    with pytest.raises(
        FloatingPointError, match=r"weight of f_B\^0 .* turn 4.*turn_000002"
    ):
        play(make_game(GRL), data, [Break(4), stop, saver(tmp_path)])
    assert [checkpoints.turn_of(path) for path in kept(tmp_path)] == [2]


@pytest.mark.usefixtures("sigterm")
def test_a_weight_broken_in_the_turn_of_a_sigterm_is_not_saved(
    make_game, data, tmp_path
):
    save = saver(tmp_path)
    watchers = [Terminate(2), Break(3), save, callbacks.StopAtSignal(save)]
    with pytest.raises(FloatingPointError, match=r"weight of f_B\^0 .* turn 3"):
        play(make_game(GRL), data, watchers)
    assert [checkpoints.turn_of(path) for path in kept(tmp_path)] == [2]


def test_only_a_gate_that_always_gives_up_is_warned_of(
    make_game, data, tmp_path
):
    # One turn in four restarts, and each gives up.
    game = make_game(
        Entropy, budget_gate=SHUT, restarts=Restarts(4, Gate(1.0, 1))
    )
    logged(game, data, tmp_path)
    said = list(stuck_gates(read_turns(tmp_path)))
    assert [line.split(" never")[0] for line in said] == [
        "warning: budget_0",
        "warning: restart_budget_0",
    ]
    assert "4 loops. Lower --budget_threshold, or raise --max_budget" in said[0]
    assert "1 loops. Lower --budget_threshold, or raise --max_rest" in said[1]
