"""Turns of each algorithm are those of `by_hand`, to float32's tolerance."""

import by_hand
import keras
import numpy as np
import pytest
from toys import ACTIONS
from toys import CLIP
from toys import IDENTITIES
from toys import endless
from toys import toy_anonymizer
from toys import toy_batch
from toys import toy_classifier

from priv_keras import losses
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.algorithms import KBeam
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import Optimizers
from priv_keras.algorithms.restarts import Restarts

RATES = (0.03, 0.05, 0.1)
# A threshold that some members pass and others do not, and a cap on steps.
GATES = ((0.5, 3), (0.65, 4), (0.45, 2))
TURNS = 4
ALGORITHMS = {
    "grl": (GRL, {}, by_hand.Game.grl),
    "k_beam": (
        KBeam,
        {"ascent_steps": 3},
        lambda game, turn: game.k_beam(turn, 3),
    ),
    "entropy": (Entropy, {}, by_hand.Game.entropy),
    "entropy_per_sample": (
        Entropy,
        {"most_confident": "sample"},
        lambda game, turn: game.entropy(turn, per_sample=True),
    ),
}
# What the paper does not have: games that it would not end the same way.
BEYOND = {
    "uniform": (
        {"privacy_cost": "uniform"},
        lambda game, turn: game.entropy(turn, uniform=True),
        0.0,
    ),
    "uniform_per_sample_in_three_steps": (
        {
            "privacy_cost": "uniform",
            "most_confident": "sample",
            "anonymizer_steps": 3,
        },
        lambda game, turn: game.entropy(turn, True, uniform=True, steps=3),
        0.0,
    ),
    "smoothed_labels": (
        {"budget_label_smoothing": 0.2},
        by_hand.Game.entropy,
        0.2,
    ),
}
TASKS = {
    "single_label": (losses.SINGLE_LABEL, by_hand.Softmax),
    "multi_label": (losses.MULTI_LABEL, by_hand.Sigmoid),
}


def batch(kind, seed):
    found = toy_batch(12, seed)
    if kind == "multi_label":
        rng = np.random.default_rng(seed)
        found["budget_labels"] = rng.integers(0, 2, (12, IDENTITIES))
    return found


def budget_model(seed):
    """Returns a model whose clones, which restarts make, draw known weights."""
    clips = keras.Input(CLIP)
    logits = keras.layers.Dense(
        IDENTITIES,
        kernel_initializer=keras.initializers.RandomNormal(0, 0.3, seed=seed),
    )(keras.layers.Flatten()(clips))
    return keras.Model(clips, logits)


def sgd(rate):
    return keras.optimizers.SGD(rate, momentum=by_hand.MOMENTUM)


def both(
    name,
    kind,
    members,
    restart_every,
    *,
    gates=GATES,
    optimizer=sgd,
    options=None,
    smoothing=0.0,
):
    """Returns the game, its twin by hand, and pairs of their parties."""
    algorithm, kwargs, _ = ALGORITHMS[name]
    task, hand_task = TASKS[kind]
    of_target, of_budgets, of_fresh = (Gate(*gate) for gate in gates)
    game = algorithm(
        toy_anonymizer(),
        toy_classifier(ACTIONS),
        [budget_model(i) for i in range(members)],
        budget_task=task,
        gamma=1.5,
        target_gate=of_target,
        budget_gate=of_budgets,
        restarts=restart_every and Restarts(restart_every, of_fresh),
        **{**kwargs, **(options or {})},
    )
    fresh = [party(budget) for budget in game.budgets]
    for budget in game.budgets:  # so that a restart at turn 0 can be seen
        budget.set_weights([0.5 * w + 0.1 for w in budget.get_weights()])
    alpha_a, alpha_t, alpha_b = RATES
    game.compile(
        optimizer=Optimizers(
            optimizer(alpha_a),
            optimizer(alpha_t),
            [optimizer(alpha_b) for _ in range(members)],
        ),
        validation=endless(batch(kind, 1)),
    )
    hand = by_hand.Game(
        party(game.anonymizer),
        party(game.target),
        [party(budget) for budget in game.budgets],
        fresh=fresh,
        rates=RATES,
        batch=batch(kind, 0),
        validation=batch(kind, 1),
        task=hand_task,
        gamma=1.5,
        gates=gates,
        restart_every=restart_every,
        smoothing=smoothing,
    )
    models = [game.anonymizer, game.target, *game.budgets]
    parties = [hand.anonymizer, hand.target, *hand.budgets]
    return game, hand, list(zip(models, parties, strict=True))


def party(model):
    return [np.float64(w) for w in model.get_weights()]


def play_turn(game, kind):
    logs = game.fit(
        endless(batch(kind, 0)), steps_per_epoch=1, shuffle=False, verbose=0
    ).history
    return {name: values[0] for name, values in logs.items()}


@pytest.mark.parametrize(
    ("members", "restart_every"),
    [
        pytest.param(1, 0, marks=pytest.mark.slow),
        pytest.param(1, 3, marks=pytest.mark.slow),
        (3, 3),
    ],
)
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_turns_are_the_papers(name, kind, members, restart_every):
    game, hand, pairs = both(name, kind, members, restart_every)
    assert_equal_turns(game, hand, pairs, kind, ALGORITHMS[name][-1])


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", BEYOND)
def test_turns_beyond_the_papers(name, kind):
    options, play, smoothing = BEYOND[name]
    game, hand, pairs = both(
        "entropy", kind, 2, 0, options=options, smoothing=smoothing
    )
    assert_equal_turns(game, hand, pairs, kind, play)


def test_f_a_stops_once_it_hides_enough():
    always = ((1.0, 2),) * 3
    options = {"anonymizer_steps": 5, "entropy_threshold": 0.0}
    game, *_ = both(
        "entropy", "single_label", 1, 0, gates=always, options=options
    )
    assert play_turn(game, "single_label")["anonymizer_steps"] == 1
    options["entropy_threshold"] = 1.0
    game, *_ = both(
        "entropy", "single_label", 1, 0, gates=always, options=options
    )
    assert play_turn(game, "single_label")["anonymizer_steps"] == 5


def assert_equal_turns(game, hand, pairs, kind, play):
    for turn in range(TURNS):
        hand.logs = {}
        play(hand, turn)
        logs = play_turn(game, kind)
        for key, value in hand.logs.items():
            assert logs[key] == pytest.approx(value, rel=1e-4), key
        for model, weights in pairs:
            for got, want in zip(model.get_weights(), weights, strict=True):
                np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)],
)
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_turn_in_mixed_precision_moves_each_party_as_far(
    name, kind, precision, tolerance
):
    """`tolerance` is relative to the way; a loss scale makes no difference."""

    def scaled(rate):
        if precision == "mixed_bfloat16":
            return sgd(rate)
        return keras.optimizers.LossScaleOptimizer(
            sgd(rate), initial_scale=2.0**9
        )

    always = ((1.0, 2),) * 3  # or a rounding could end a loop
    keras.mixed_precision.set_global_policy(precision)
    try:
        game, hand, pairs = both(
            name, kind, 1, 0, gates=always, optimizer=scaled
        )
        before = [party(model) for model, _ in pairs]
        ALGORITHMS[name][-1](hand, 0)
        play_turn(game, kind)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for (model, weights), was in zip(pairs, before, strict=True):
        for got, want, old in zip(party(model), weights, was, strict=True):
            way = np.linalg.norm(want - old)
            assert np.linalg.norm(got - want) < tolerance * way
