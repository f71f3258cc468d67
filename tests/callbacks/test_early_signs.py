import pytest
from toys import IDENTITIES

from priv_keras import callbacks
from priv_keras.algorithms import Entropy

MOST = 1.6  # about log 5, the largest H_B of the toys


@pytest.fixture
def watch(make_game):
    """Returns a callback that has seen turns, and what it said."""

    def watch(turns):
        said = []
        signs = callbacks.EarlySigns(0.4, "Change that.", said.append)
        signs.set_model(make_game(Entropy))
        for turn in turns:
            signs.on_train_batch_end(0, turn)
        return said

    assert IDENTITIES == 5
    return watch


def test_a_game_in_play_is_not_warned_of(watch):
    turn = {"budget_entropy": 0.3 * MOST, "target_gate_accuracy": 0.6}
    assert watch([turn] * 30) == []


def test_a_certain_f_b_is_told_within_ten_turns_and_once(watch):
    certain = {"budget_entropy": 0.03 * MOST, "target_gate_accuracy": 0.6}
    assert watch([certain] * 9) == []
    (said,) = watch([certain] * 30)
    assert said.startswith("warning: f_B is certain: H_B")
    assert said.endswith("Change that.")


def test_a_turn_in_play_starts_the_count_anew(watch):
    certain = {"budget_entropy": 0.0, "target_gate_accuracy": 0.6}
    other = {**certain, "budget_entropy": MOST}
    assert watch([*[certain] * 9, other, *[certain] * 9]) == []


def test_a_certain_f_b_of_other_methods_is_told_by_its_loss(watch):
    (said,) = watch([{"budget_loss": 0.01, "target_gate_accuracy": 0.6}] * 10)
    assert "L_B was under 5%" in said


def test_an_f_t_at_chance_is_told(watch):
    # Its accuracy on a few clips is above chance now and then.
    turns = [
        {"budget_entropy": MOST, "target_gate_accuracy": accuracy}
        for accuracy in [0.5, 0.2] * 5
    ]
    assert watch(turns[:9]) == []
    (said,) = watch(turns)
    assert "f_T is at chance: it read 0.350" in said
    assert "--gamma" in said
