import numpy as np
from played_games import events
from played_games import logged_turns
from played_games import play
from played_games import play_logged
from toys import CLIP
from toys import SHUT

from priv_keras import callbacks
from priv_keras.algorithms import Entropy
from priv_keras.runs.turns import open_events
from priv_keras.runs.turns import read_turns


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
    assert logged_turns(tmp_path) == [1, 2, 2, 3, 4, 4]
    assert len(said) == 2
    assert said[1].startswith("turn    4/4  validation A_T 0.")


def test_tensorboard_may_be_told_less_and_the_file_is_not(
    make_game, data, tmp_path
):
    with open_events(tmp_path, 0) as writer:
        log = callbacks.TurnLog(
            tmp_path, writer, 6, print, every=3, validated=5
        )
        play(make_game(Entropy), data, [log], epochs=3)
    known = [turn.get("val_clips") for turn in read_turns(tmp_path)]
    assert known == [None, None, 5] * 3
    steps = {}
    for tag, step in events(tmp_path / "tensorboard"):
        steps.setdefault(tag, []).append(step)
    assert steps["target/loss"] == steps["speed/clips_per_second"] == [3, 6]
    assert steps["validation/target_accuracy"] == [2, 4, 6]
    found = logged_turns(tmp_path)
    assert found == [1, 2, 2, 3, 4, 4, 5, 6, 6]


def test_a_resumed_run_writes_no_turn_twice(make_game, data, tmp_path):
    game = make_game(Entropy)
    play_logged(game, data, tmp_path)
    whole = sorted(events(tmp_path / "tensorboard"))
    assert ("target/loss", 4) in whole and ("pictures/moving", 4) in whole
    # Killed in the second epoch, halfway through a line and an event.
    for path in (
        tmp_path / "metrics.jsonl",
        *(tmp_path / "tensorboard").iterdir(),
    ):
        path.write_bytes(path.read_bytes()[:-5])
    game.turn.assign(2)
    play_logged(game, data, tmp_path, 2, initial_epoch=1)
    assert logged_turns(tmp_path) == [1, 2, 2, 3, 4, 4]
    assert sorted(events(tmp_path / "tensorboard")) == whole
    names = [path.name for path in (tmp_path / "tensorboard").iterdir()]
    assert len(names) == 2  # one per process, both of which TensorBoard reads
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

    save = Look(tmp_path, 2)
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
