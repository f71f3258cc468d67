import pytest
from played_games import play_logged
from played_games import validated
from toys import SHUT

from priv_keras.algorithms import Entropy
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.restarts import Restarts
from priv_keras.runs.turns import best_turn
from priv_keras.runs.turns import read_turns
from priv_keras.runs.turns import stuck_gates


@pytest.mark.parametrize(
    "validations, best",
    [
        # Among useful games, the one whose strongest f_B is weakest.
        ([(2, 0.9, 0.5, 0.1), (4, 0.8, 0.3, 0.4), (6, 0.7, 0.1, 0.1)], 4),
        # If no game is useful enough, the most useful one.
        ([(2, 0.7, 0.9), (4, 0.6, 0.1)], 2),
        # The last of equal games.
        ([(2, 0.9, 0.3), (4, 0.9, 0.3)], 4),
        ([], None),
    ],
)
def test_the_best_game_is_useful_and_then_private(validations, best):
    turns = [{"turn": 1, "loss": 0.0}]
    turns += [validated(*figures) for figures in validations]
    assert best_turn(turns, 0.8) == best


def test_only_a_gate_that_always_gives_up_is_warned_of(
    make_game, data, tmp_path
):
    # One turn in four restarts, and each gives up.
    game = make_game(
        Entropy, budget_gate=SHUT, restarts=Restarts(4, Gate(1.0, 1))
    )
    play_logged(game, data, tmp_path)
    said = list(stuck_gates(read_turns(tmp_path)))
    assert [line.split(" never")[0] for line in said] == [
        "warning: budget_0",
        "warning: restart_budget_0",
    ]
    assert "4 loops. Lower --budget_threshold, or raise --max_budget" in said[0]
    assert "1 loops. Lower --budget_threshold, or raise --max_rest" in said[1]
