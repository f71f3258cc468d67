import os
import signal

import keras
import pytest
from played_games import BreakWeight
from played_games import logged_turns
from played_games import play
from played_games import saved
from played_games import saver

from priv_keras import callbacks
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.runs import checkpoints
from priv_keras.runs.turns import open_events


class Terminate(keras.callbacks.Callback):
    """Sends SIGTERM to this process once `after` turns were played."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.turns_played() == self.after:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def sigterm():
    """Restores the handler of SIGTERM, which a run that it ends does not."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm")
@pytest.mark.parametrize("at", [2, 3])
def test_sigterm_saves_the_turn_and_leaves(make_game, data, tmp_path, at):
    """The turn may be the first of an epoch, or its last, whose validation is
    then written too, since a resumed run starts after it."""
    save = saver(tmp_path)
    with (
        open_events(tmp_path, 0) as writer,
        pytest.raises(SystemExit) as left,
    ):
        log = callbacks.TurnLog(tmp_path, writer, 4, print)
        watchers = [Terminate(at), log, save, callbacks.StopAtSignal(save)]
        play(make_game(Entropy), data, watchers)
    assert left.value.code == 143
    (_, last) = saved(tmp_path)
    assert checkpoints.turn_of(last) == at + 1  # the turn being played
    validated = [1, 2, 2, 3] if at == 2 else [1, 2, 2, 3, 4, 4]
    assert logged_turns(tmp_path) == validated


@pytest.mark.usefixtures("sigterm")
def test_a_weight_broken_in_the_turn_of_a_sigterm_is_not_saved(
    make_game, data, tmp_path
):
    save = saver(tmp_path)
    watchers = [
        Terminate(2),
        BreakWeight(3),
        save,
        callbacks.StopAtSignal(save),
    ]
    with pytest.raises(FloatingPointError, match=r"weight of f_B\^0 .* turn 3"):
        play(make_game(GRL), data, watchers)
    assert [checkpoints.turn_of(path) for path in saved(tmp_path)] == [2]
