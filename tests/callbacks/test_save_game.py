import json

import keras
import numpy as np
from played_games import play
from played_games import saved
from played_games import saver
from played_games import validated

from priv_keras.algorithms import Entropy
from priv_keras.runs import checkpoints


def test_the_last_games_are_kept(make_game, data, tmp_path):
    game = make_game(Entropy)
    play(game, data, [saver(tmp_path)], epochs=3)
    games = saved(tmp_path)
    assert [checkpoints.turn_of(path) for path in games] == [4, 6]
    # Nothing half-written.
    assert sorted((tmp_path / "checkpoints").iterdir()) == games
    resumed = make_game(Entropy)
    resumed.load_weights(games[-1])
    for a, b in zip(resumed.weights, game.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_best_game_is_kept_beside_the_last(make_game, data, tmp_path):
    game = make_game(Entropy)

    class Validate(keras.callbacks.Callback):
        """Writes, like `TurnLog`, that the second epoch was best."""

        def on_epoch_end(self, epoch, logs=None):
            turn = self.model.turns_played()
            line = validated(turn, 0.9, 0.1 if epoch == 1 else 0.5)
            with (tmp_path / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    play(game, data, [Validate(), saver(tmp_path, keep=1)], epochs=4)
    assert [checkpoints.turn_of(path) for path in saved(tmp_path)] == [4, 8]
