import numpy as np
import pytest
from played_games import BreakWeight
from played_games import play
from played_games import saved
from played_games import saver

from priv_keras import callbacks
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.runs import checkpoints


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
        play(make_game(GRL), data, [BreakWeight(4), stop, saver(tmp_path)])
    assert [checkpoints.turn_of(path) for path in saved(tmp_path)] == [2]
