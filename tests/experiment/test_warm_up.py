import math
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import toy_batch
from toys import untuned

from priv_keras.algorithms import Entropy
from priv_keras.experiment import warm_up
from priv_keras.experiment.game import RawTarget
from priv_keras.layers import Channel
from priv_keras.losses import SINGLE_LABEL
from priv_keras.networks import bounds


class Given(NamedTuple):
    """A flag."""

    value: object


@pytest.mark.parametrize("together", [False, True])
def test_f_a_moves_in_the_warm_up_of_f_t_only_where_it_is_to(
    make_game, data, together
):
    game = make_game(Entropy)
    parties = {
        "f_A": game.anonymizer,
        "f_T": game.target,
        "f_B": game.budgets[0],
    }
    before = {name: party.get_weights() for name, party in parties.items()}
    lesson = warm_up.Lesson(
        "actions",
        SINGLE_LABEL,
        data,
        untuned(tf.data.Dataset.from_tensors(toy_batch(seed=1))),
        0.1,
        4,
    )
    warm_up._learn(
        "f_T", game.target, game.anonymizer, lesson, together=together
    )
    moved = {
        name
        for name, party in parties.items()
        for old, new in zip(before[name], party.get_weights(), strict=True)
        if not np.array_equal(old, new)
    }
    assert moved == ({"f_A", "f_T"} if together else {"f_T"})
    assert game.anonymizer.trainable


def channel_of(model):
    (channel,) = (x for x in model.layers if isinstance(x, Channel))
    return channel


def test_f_a_and_f_t_learn_from_ever_tighter_bounds(make_game, monkeypatch):
    frames = keras.Input((8, 8, 3))
    changed = keras.layers.Conv2D(3, 1)(frames)
    game = make_game(Entropy)
    game.anonymizer = keras.Model(frames, bounds.bounded(changed, 2, bits=3))
    seen = []

    def learn(name, target, anonymizer, lesson, together):
        assert together and target is game.target
        bits = (
            channel_of(anonymizer).limit / channel_of(anonymizer).noise
        ) ** 2
        seen.append((bits / (2 * math.log(2)), lesson.steps))
        anonymizer.set_weights([w + 1 for w in anonymizer.get_weights()])

    monkeypatch.setattr(warm_up, "_learn", learn)
    monkeypatch.setattr(warm_up.flags, "ANONYMIZER_BITS", Given(3))
    before = game.anonymizer.get_weights()
    lesson = warm_up.Lesson("actions", SINGLE_LABEL, None, None, 0.1, 100)
    warm_up._warm_up_together(game, lesson)
    bits, steps = zip(*seen, strict=True)
    assert bits == pytest.approx((192, 24, 3)) and sum(steps) == 100
    for old, new in zip(before, game.anonymizer.get_weights(), strict=True):
        np.testing.assert_allclose(new, old + 3)


@pytest.mark.parametrize("from_raw", [False, True])
def test_f_t_starts_from_what_it_learned_of_raw_clips_if_asked_to(
    make_game, monkeypatch, tmp_path, from_raw
):
    game = make_game(Entropy)
    random = game.target.get_weights()
    learned = [weight + 1 for weight in random]
    game.target.set_weights(learned)
    game.target.save_weights(tmp_path / "raw.weights.h5")
    raw = RawTarget(0.9, str(tmp_path / "raw.weights.h5"))
    game.target.set_weights(random)
    monkeypatch.setattr(warm_up.flags, "WARM_UP_FROM_RAW", Given(from_raw))
    warm_up._start_target(game, raw)
    wanted = learned if from_raw else random
    for weight, other in zip(game.target.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_without_a_bound_f_a_and_f_t_learn_in_one_go(make_game, monkeypatch):
    seen = []
    monkeypatch.setattr(warm_up, "_learn", lambda *args, **_: seen.append(args))
    monkeypatch.setattr(warm_up.flags, "ANONYMIZER_BITS", Given(None))
    game = make_game(Entropy)
    lesson = warm_up.Lesson("actions", SINGLE_LABEL, None, None, 0.1, 100)
    warm_up._warm_up_together(game, lesson)
    assert seen == [("f_T and f_A", game.target, game.anonymizer, lesson)]
