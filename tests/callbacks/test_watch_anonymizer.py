import keras
import numpy as np
import pytest
from played_games import play
from toys import CLIP

from priv_keras import callbacks
from priv_keras.algorithms import Entropy
from priv_keras.callbacks import watch_anonymizer
from priv_keras.layers import Channel

FRAMES = np.random.default_rng(0).random((4, *CLIP[1:]), "float32")


def said_of(game, data, spoil=lambda: None, epochs=2, patience=4):
    said = []
    spoil()
    watcher = callbacks.WatchAnonymizer(FRAMES, said.append, patience)
    play(game, data, [watcher], epochs)
    return said


def test_a_game_that_goes_well_is_not_warned_of(make_game, data):
    assert said_of(make_game(Entropy), data) == []


def test_an_anonymizer_of_one_picture_is_named(make_game, data):
    game = make_game(Entropy, lr=0.0)
    kernel = game.anonymizer.layers[-1].kernel
    said = said_of(game, data, lambda: kernel.assign(0 * kernel), epochs=1)
    assert len(said) == 1
    assert "the same picture for every frame" in said[0]


def test_an_anonymizer_that_stays_where_it_was_is_named(make_game, data):
    said = said_of(make_game(Entropy, lr=0.0), data)
    assert len(said) == 1  # after the second epoch: patience is 4 turns
    assert "has not moved in 4 turns" in said[0]


def test_equal_frames_are_constant_and_others_are_not():
    same = np.repeat(FRAMES[:1], 3, axis=0)
    assert watch_anonymizer.is_constant(same)
    other = same.copy()
    other[1, 0, 0, 0] += 2 / 255
    assert not watch_anonymizer.is_constant(other)


def wave(period):
    columns = np.cos(2 * np.pi * np.arange(16) / period)
    return np.broadcast_to(0.5 + 0.3 * columns[:, None], (2, 16, 16, 3))


def test_fine_detail_is_the_share_above_half_of_the_band():
    assert watch_anonymizer.fine_detail(wave(2)) == pytest.approx(1)
    assert watch_anonymizer.fine_detail(wave(8)) == pytest.approx(0)
    both = watch_anonymizer.fine_detail(wave(8) + 0.5 * wave(3))
    assert 0.1 < both < 0.4
    assert watch_anonymizer.fine_detail(np.ones((2, 8, 8, 3))) == 0


def test_an_anonymizer_that_writes_in_fine_patterns_is_told_once(make_game):
    def checkered(frames):
        return frames + 0.5 * (-1.0) ** np.indices(CLIP[1:]).sum(0)

    smooth = np.stack([np.full(CLIP[1:], x, "float32") for x in (0.3, 0.6)])
    smooth[:, :2] += 0.2
    game = make_game(Entropy, lr=0.0)
    game.anonymizer = keras.Sequential([keras.layers.Lambda(checkered)])
    said = []
    watcher = callbacks.WatchAnonymizer(smooth, said.append)
    watcher.set_model(game)
    watcher.on_epoch_begin(0)
    watcher.on_epoch_end(0)
    watcher.on_epoch_end(1)
    assert len(said) == 1
    assert "may write in fine patterns" in said[0]


def test_noise_does_not_hide_that_f_a_gives_one_picture(make_game):
    frames = np.full((2, *CLIP[1:]), 0.5, "float32")
    frames[:, :2] += np.array([0.1, 0.3])[:, None, None, None]
    channel = Channel(1, limit=1.0, noise=0.3)
    told = []
    for scale in (1.0, 0.0):
        said = []
        game = make_game(Entropy)
        game.anonymizer = keras.Sequential(
            [
                keras.Input(CLIP[1:]),
                keras.layers.Rescaling(scale, 0.5 * (1 - scale)),
                channel,
            ]
        )
        watcher = callbacks.WatchAnonymizer(frames, said.append)
        watcher.set_model(game)
        watcher.on_epoch_begin(0)
        watcher.on_epoch_end(0)
        told.append(said)
    assert told[0] == []
    assert "the same picture for every frame" in told[1][0]
