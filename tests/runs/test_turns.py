import random

import pytest
from played_games import play_logged
from played_games import validated
from toys import SHUT

from priv_keras.algorithms import Entropy
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.restarts import Restarts
from priv_keras.runs.turns import best_turn
from priv_keras.runs.turns import contenders
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
        # Of equally private games, the more useful one.
        ([(2, 0.95, 0.3), (4, 0.9, 0.3)], 2),
        ([], None),
    ],
)
def test_the_best_game_is_useful_and_then_private(validations, best):
    turns = [{"turn": 1, "loss": 0.0}]
    turns += [validated(*figures) for figures in validations]
    assert best_turn(turns, 0.8) == best
    assert best is None or best in contenders(turns)


@pytest.mark.parametrize(
    ("clips", "best"),
    # The standard error of 0.6 is 0.1 of 20 clips, and 0.02 of 600; that of 0.1
    # is 0.07 and 0.01.
    [(20, 8), (600, 4), (None, 2)],
)
def test_where_no_game_is_useful_enough_chance_decides_what_is_as_good(
    clips, best
):
    turns = [
        {
            **validated(*figures),
            **({} if clips is None else {"val_clips": clips}),
        }
        for figures in [
            (2, 0.6, 0.5),
            (4, 0.59, 0.3),
            (6, 0.52, 0.1),
            (8, 0.55, 0.15),
            (10, 0.4, 0.0),
        ]
    ]
    assert best_turn(turns, 0.8) == best


def test_a_perfect_game_has_a_standard_error_too():
    perfect = {**validated(2, 1.0, 0.5), "val_clips": 20}
    turns = [perfect, validated(4, 0.96, 0.1)]
    assert best_turn(turns, 1.0) == 4


def test_the_best_game_is_always_among_the_contenders_of_before():
    """Else it would have been deleted before it became the best."""
    draw = random.Random(0)
    for _ in range(200):
        kept, turns = set(), []
        for turn in range(1, 11):
            figures = (draw.randint(0, 20) / 20 for _ in range(2))
            turns.append({**validated(turn, *figures), "val_clips": 20})
            kept = (kept | {turn}) & contenders(turns)
            assert best_turn(turns, 0.95) in kept


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
