"""Each algorithm updates the parties that its pseudo-code names, when and how
it says."""

import os
import pathlib
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import Softmax
from toys import CLIP
from toys import OPEN
from toys import SHUT
from toys import cluster
from toys import endless
from toys import sharded
from toys import toy_batch
from toys import toy_pair_game
from toys import untuned

from priv_keras import losses
from priv_keras.algorithms import ALGORITHMS
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.algorithms import KBeam
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import ByTurn
from priv_keras.algorithms.optimization import Optimizers
from priv_keras.algorithms.optimization import gradient_step
from priv_keras.algorithms.restarts import Restarts
from priv_keras.algorithms.streams import Streams
from priv_keras.layers import Channel

EVERY = list(ALGORITHMS.values())
# For tests that take seconds: one algorithm runs with the fast tests, the
# others with the slow ones.
ONE_FAST = [
    pytest.param(algorithm, marks=pytest.mark.slow)
    for algorithm in EVERY
    if algorithm is not Entropy
] + [Entropy]
ONCE = Gate(1.0, 1)
WORKER = pathlib.Path(__file__).parents[1] / "helpers" / "worker.py"


def weights(model):
    return [w.numpy() for w in model.weights]


def changed(before, model):
    return not all(map(np.array_equal, before, weights(model)))


def turn(game, data, turns=1, callbacks=None):
    return game.fit(
        data,
        steps_per_epoch=turns,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    ).history


@pytest.mark.parametrize("algorithm", EVERY)
def test_with_open_gates_only_the_anonymizer_moves(make_game, data, algorithm):
    game = make_game(algorithm)
    parties = [game.anonymizer, game.target, *game.budgets]
    before = [weights(party) for party in parties]
    turn(game, data)
    assert [changed(b, p) for b, p in zip(before, parties, strict=True)] == [
        True,
        False,
        False,  # batch statistics included
    ]


@pytest.mark.parametrize("algorithm", EVERY)
def test_shut_gates_train_everyone_to_the_cap(make_game, data, algorithm):
    game = make_game(
        algorithm, num_budgets=2, target_gate=SHUT, budget_gate=SHUT
    )
    logs = turn(game, data, turns=2)
    for name in ("target_steps", "budget_0_steps", "budget_1_steps"):
        assert logs[name] == [SHUT.max_steps]
    assert game.target_optimizer.iterations == 2 * SHUT.max_steps
    for optimizer in game.budget_optimizers:
        assert optimizer.iterations == 2 * SHUT.max_steps


def scaled(lr):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(lr))


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, scaled])
def test_gradient_norms_are_how_far_each_party_went(make_game, data, optimizer):
    """The way is divided by the learning rate; GRL's target step leaves theta_A
    alone."""
    game = make_game(
        GRL, optimizer=optimizer, target_gate=ONCE, budget_gate=ONCE
    )
    parties = (game.anonymizer, game.target, *game.budgets)
    before = [party.trainable_variables for party in parties]
    before = [[v.numpy() for v in variables] for variables in before]
    logs = turn(game, data)
    for party, was, rate, name in zip(
        parties,
        before,
        (0.1, 0.05, 0.2),
        ("anonymizer", "target", "budget_0"),
        strict=True,
    ):
        moved = [
            (new.numpy() - old).ravel()
            for new, old in zip(party.trainable_variables, was, strict=True)
        ]
        norm = np.linalg.norm(np.concatenate(moved)) / rate
        assert logs[f"{name}_gradient_norm"][0] == pytest.approx(norm, rel=1e-3)


def test_who_makes_no_update_has_no_gradient_norm(make_game, data):
    logs = turn(make_game(Entropy), data)
    assert [name for name in logs if name.endswith("_gradient_norm")] == [
        "anonymizer_gradient_norm"
    ]


def test_figures_of_a_turn_begin_with_it(make_game, data):
    game = make_game(Entropy, budget_gate=ONCE)
    logs = turn(game, data)
    assert "budget_0_gradient_norm" in logs
    first = game.input_figures()
    game.budget_gate = OPEN
    logs = turn(game, data)
    assert "budget_0_gradient_norm" not in logs
    # 8 clips: f_A's, one for each gate; before, f_B's and its gate again.
    assert (first[1], game.input_figures()[1]) == (40, 24)
    assert 0 < first[0] < 60  # seconds


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (scaled, ["budget_0"]),
        (keras.optimizers.SGD, ["anonymizer", "target", "budget_0"]),
    ],
)
def test_a_norm_that_float16_could_not_hold_is_left_out(
    make_game, optimizer, said
):
    """Without loss scaling such a norm is logged, and it stops the run."""
    game = make_game(Entropy, optimizer=optimizer)
    for norm, value in zip(
        game.figures.gradient_norms.values(), (np.inf, np.nan, 2.0), strict=True
    ):
        norm.assign(value)
    logs = game.figures.norm_logs(scaled=optimizer is not keras.optimizers.SGD)
    assert list(logs) == [f"{name}_gradient_norm" for name in said]


def test_grl_raises_its_reversal_over_the_warm_up(make_game, data):
    game = make_game(GRL, warm_up_turns=4)
    scales = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            scales.append(float(game.reversal.scale))

    turn(game, data, 6, [Watch()])
    p = np.minimum(np.arange(6) / 4, 1)
    np.testing.assert_allclose(
        scales, 2.0 * (2 / (1 + np.exp(-10 * p)) - 1), rtol=1e-5
    )


def test_k_beam_climbs_as_often_as_the_paper_says(make_game):
    assert make_game(KBeam).ascent_steps == 30  # d_iter, Sec. 4.1.2


@pytest.mark.parametrize("algorithm", ONE_FAST)
def test_a_restart_makes_every_budget_model_and_its_optimizer_anew(
    make_game, data, algorithm
):
    def first_weights(**kwargs):
        """Returns f_B's weights after each of four turns without training."""
        game = make_game(
            algorithm, num_budgets=2, optimizer=keras.optimizers.Adam, **kwargs
        )
        game.optimizer.learning_rate = 0.0
        seen = []

        class Watch(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                seen.append([b.layers[-1].kernel.numpy() for b in game.budgets])

        parties = [game.anonymizer, game.target]
        before = [weights(party) for party in parties]
        turn(game, data, 4, [Watch()])
        assert not any(map(changed, before, parties))
        return seen, game

    none = Gate(-1.0, 0)
    seen, _ = first_weights(restarts=Restarts(2, none, seed=7))
    for i in range(2):
        assert np.array_equal(seen[0][i], seen[1][i])
        assert not np.array_equal(seen[1][i], seen[2][i])  # turn 2
    assert not np.array_equal(seen[0][0], seen[0][1])
    again, _ = first_weights(restarts=Restarts(2, none, seed=7))
    np.testing.assert_array_equal(seen, again)
    other, _ = first_weights(restarts=Restarts(2, none, seed=8))
    assert not np.array_equal(seen, other)

    # A fresh one trains, with the moments of a fresh optimizer, to its gate.
    seen, game = first_weights(restarts=Restarts(3, Gate(1.0, 5)))
    for optimizer in game.budget_optimizers:
        assert optimizer.iterations == 5  # those of turn 3, not of turn 0
        assert float(optimizer.learning_rate) == pytest.approx(0.2)


def test_a_restart_keeps_the_schedule_of_a_rate(make_game, data):
    def adam(rate):
        fall = keras.optimizers.schedules.PiecewiseConstantDecay(
            [2], [rate, rate / 2]
        )
        return keras.optimizers.Adam(fall)

    game = make_game(
        Entropy, optimizer=adam, restarts=Restarts(1, Gate(1.0, 5))
    )
    (optimizer,) = game.budget_optimizers
    optimizer.iterations.assign(9)
    turn(game, data)
    assert optimizer.iterations == 5
    assert float(optimizer.learning_rate) == pytest.approx(0.1)


@pytest.mark.parametrize("algorithm", EVERY)
def test_a_restart_on_a_plateau_waits_for_its_patience(
    make_game, data, algorithm
):
    # Nothing learns, and the batch is always the same, so L_B stands still. Its
    # value at turn 0 belongs to the f_B that turn 0 replaces.
    restarts = Restarts(0, Gate(-1.0, 0), patience=2)
    game = make_game(algorithm, restarts=restarts)
    game.optimizer.learning_rate = 0.0
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(game.budgets[0].layers[-1].kernel.numpy())

    turn(game, data, 8, [Watch()])
    fresh = [i for i in range(1, 8) if not np.array_equal(seen[i], seen[i - 1])]
    assert fresh == [3, 6]  # a low, two turns without another, a restart


def test_restarts_do_not_trace_the_loops_again(make_game, data):
    game = make_game(
        Entropy, budget_gate=ONCE, restarts=Restarts(1, Gate(0.9, 2))
    )
    turn(game, data, 2)
    assert game._train_budgets.experimental_get_tracing_count() == 1


def test_restarts_leave_random_numbers_outside_as_they_were(make_game, data):
    game = make_game(Entropy, restarts=Restarts(1, Gate(-1.0, 0)))
    random.seed(3)
    expected = random.random()
    random.seed(3)
    game.restart_if_due(Streams(iter(data), game.validation, None))
    assert random.random() == expected


def test_rates_fall_by_turns(make_game, data):
    game = make_game(Entropy, target_gate=SHUT)
    fall = keras.optimizers.schedules.CosineDecay(0.1, 4, alpha=0.5)
    game.target_optimizer.learning_rate = ByTurn(fall, game.turn)
    before = float(game.target_optimizer.learning_rate)
    turn(game, data, turns=4)  # of 3 updates each
    assert before == pytest.approx(0.1)
    assert float(game.target_optimizer.learning_rate) == pytest.approx(0.05)


def test_accumulated_steps_are_one_step_on_their_mean(make_game):
    """Two batches of four do what one of eight does."""
    batch = toy_batch()
    halves = untuned(
        tf.data.Dataset.from_tensor_slices(batch).batch(4).repeat()
    )

    def adam(rate):
        return keras.optimizers.SGD(rate, gradient_accumulation_steps=2)

    whole = make_game(GRL)
    parts = make_game(GRL, optimizer=adam, accumulate_steps=2)
    for a, b in zip(parties(whole), parties(parts), strict=True):
        b.set_weights(a.get_weights())
    turn(whole, endless(batch))
    turn(parts, halves)
    for a, b in zip(
        weights(whole.anonymizer), weights(parts.anonymizer), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_norm_of_accumulated_gradients_is_the_last_batchs(make_game):
    """If both batches are alike, it is that of either and not of their sum."""

    def sgd(rate):
        return keras.optimizers.SGD(rate, gradient_accumulation_steps=2)

    once = make_game(GRL)
    twice = make_game(GRL, optimizer=sgd, accumulate_steps=2)
    for a, b in zip(parties(once), parties(twice), strict=True):
        b.set_weights(a.get_weights())
    (alone,), (last,) = (
        turn(game, endless(toy_batch()))["anonymizer_gradient_norm"]
        for game in (once, twice)
    )
    assert last == pytest.approx(alone, rel=1e-5)


def parties(game):
    return [game.anonymizer, game.target, *game.budgets]


@pytest.mark.parametrize("algorithm", ONE_FAST)
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_turn_in_mixed_precision_keeps_all_finite(
    make_game, data, algorithm, precision
):
    def scaled(rate):
        adam = keras.optimizers.Adam(rate)
        if precision == "mixed_float16":
            # So large that the first gradients overflow and are skipped.
            return keras.optimizers.LossScaleOptimizer(
                adam, initial_scale=2.0**40
            )
        return adam

    keras.mixed_precision.set_global_policy(precision)
    try:
        game = make_game(
            algorithm,
            lr=0.01,
            optimizer=scaled,
            target_gate=Gate(1.0, 30),
            budget_gate=Gate(1.0, 30),
            restarts=Restarts(1, Gate(1.0, 2)),
        )
        before = [weights(party) for party in parties(game)]
        logs = turn(game, data, turns=30)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert all(np.isfinite(v[-1]) for v in logs.values())
    for old, party in zip(before, parties(game), strict=True):
        assert changed(old, party)
        assert all(np.isfinite(w).all() for w in weights(party))
        assert all(w.dtype == "float32" for w in party.weights)


def test_batch_statistics_of_a_budget_step_are_of_its_batch(make_game):
    """Eq. (7c) runs in training mode, for each f_B^i alone."""
    batch = toy_batch()
    game = make_game(Entropy, num_budgets=2, budget_gate=ONCE)
    game.optimizer.learning_rate = 0.0
    flat = np.float64(game.anonymize(batch["clips"])).reshape(8, -1)
    flat = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-3)
    still = weights(game.anonymizer) + weights(game.target)
    dense = [budget.layers[-1] for budget in game.budgets]
    before = [[w.numpy() for w in layer.weights] for layer in dense]
    turn(game, endless(batch))
    for layer, (kernel, bias) in zip(dense, before, strict=True):
        g = Softmax.loss_gradient(
            batch["budget_labels"], flat @ np.float64(kernel) + bias
        )
        np.testing.assert_allclose(
            layer.kernel, kernel - 0.2 * flat.T @ g, atol=2e-5
        )
        np.testing.assert_allclose(
            layer.bias, bias - 0.2 * g.sum(axis=0), atol=1e-6
        )
    assert not changed(still[:2], game.anonymizer)
    assert not changed(still[2:], game.target)


def test_gates_read_validation_actions_and_training_budget_labels(make_game):
    game = make_game(
        Entropy,
        target_gate=SHUT,
        budget_gate=SHUT,
        validation=endless(toy_batch(seed=7)),
    )
    for optimizer in [
        game.optimizer,
        game.target_optimizer,
        *game.budget_optimizers,
    ]:
        optimizer.learning_rate = 0.0
    budget = game.budgets[0]
    budget.trainable = False
    budget.layers[2].momentum = 1.0
    train, validation = toy_batch(), toy_batch(seed=7)
    logs = turn(game, endless(train))
    assert logs["target_gate_accuracy"][0] == pytest.approx(
        float(
            losses.SINGLE_LABEL.accuracy(
                validation["actions"], game(validation["clips"])
            )
        )
    )
    assert logs["budget_0_gate_accuracy"][0] == pytest.approx(
        float(
            losses.SINGLE_LABEL.accuracy(
                train["budget_labels"], budget(game.anonymize(train["clips"]))
            )
        )
    )


@pytest.mark.parametrize("algorithm", EVERY)
def test_across_datasets_each_loss_sees_its_own_clips(make_game, algorithm):
    batch, other = toy_batch(), toy_batch(seed=3)
    across = {
        "clips": batch["clips"],
        "actions": batch["actions"],
        "budget_clips": other["clips"][:, :1],  # stills: clips of one frame
        "budget_labels": other["budget_labels"],
    }
    game = make_game(algorithm, gamma=0.0, budget_frames=1)
    twin = make_game(algorithm, gamma=0.0)
    twin.anonymizer.set_weights(game.anonymizer.get_weights())
    twin.target.set_weights(game.target.get_weights())
    logs, twin_logs = turn(game, endless(across)), turn(twin, endless(batch))
    if algorithm is not KBeam:  # whose line for theta_A has no L_T
        assert logs["target_loss"] == pytest.approx(twin_logs["target_loss"])
    anonymized, budget_anonymized = game.anonymize_both(across)
    assert anonymized.shape[1] == 2
    assert budget_anonymized.shape[1] == 1


@pytest.mark.parametrize("algorithm", EVERY)
def test_budget_models_may_have_a_stream_of_their_own(make_game, algorithm):
    batch, other = toy_batch(), toy_batch(seed=3)
    for_target = batch  # whose own budget labels nobody reads
    for_budgets = {
        "budget_clips": other["clips"],
        "budget_labels": other["budget_labels"],
    }
    gates = {"target_gate": SHUT, "budget_gate": SHUT}
    keras.utils.set_random_seed(0)
    game = make_game(algorithm, budget_data=endless(for_budgets), **gates)
    keras.utils.set_random_seed(0)
    twin = make_game(algorithm, **gates)
    logs = turn(game, endless(for_target))
    twin_logs = turn(twin, endless({**for_target, **for_budgets}))
    assert logs.keys() == twin_logs.keys()
    for name in logs:
        assert logs[name] == pytest.approx(twin_logs[name]), name
    for party, other in zip(parties(game), parties(twin), strict=True):
        for a, b in zip(weights(party), weights(other), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cost", ["entropy", "uniform"])
def test_f_a_hides_from_f_b_what_it_is_told_to(make_game, cost):
    """Pictures are f_B's own batches, and clips are f_T's, in one batch."""
    batch, other = toy_batch(), toy_batch(seed=3)
    across = {**batch, "budget_clips": other["clips"]}
    clips_alone = {**batch, "budget_clips": batch["clips"]}
    both = {
        **batch,
        "budget_clips": np.concatenate([other["clips"], batch["clips"]]),
    }

    def moved(privacy_on, batch):
        keras.utils.set_random_seed(0)
        game = make_game(Entropy, privacy_cost=cost, privacy_on=privacy_on)
        costs = game.anonymizer_costs(
            {name: tf.constant(value) for name, value in batch.items()}
        )
        return {name: float(value) for name, value in costs.items()}

    for privacy_on, like in (("clips", clips_alone), ("both", both)):
        expected = moved("pictures", like)
        assert moved(privacy_on, across) == pytest.approx(expected, rel=1e-5)
        assert moved("pictures", across) != pytest.approx(expected, rel=1e-3)


def test_unknown_costs_are_refused(make_game):
    for name in ("most_confident", "privacy_cost", "privacy_on"):
        with pytest.raises(ValueError, match=f"`{name}` must be one of"):
            make_game(Entropy, **{name: "anything"})


def test_a_game_knows_what_it_has_drawn(make_game, data):
    """It draws a batch for f_A, three for updates of f_T and f_B each, and what
    the gates read: one batch before the first update and one after each."""
    game = make_game(Entropy, target_gate=SHUT, budget_gate=SHUT)
    turn(game, data)
    assert game.drawn.numpy().tolist() == [1 + 3 + (3 + 4), 4, 0]
    turn(game, data)
    assert game.drawn.numpy().tolist() == [22, 8, 0]


def test_budget_models_share_their_batches(make_game):
    clips = np.concatenate([toy_batch(seed=s)["clips"] for s in range(40)])
    labels = np.arange(len(clips)) % 3
    each = tf.data.Dataset.from_tensor_slices(
        {"clips": clips, "actions": labels, "budget_labels": labels}
    )
    game = make_game(Entropy, num_budgets=2, budget_gate=SHUT)
    first, second = game.budgets
    second.set_weights(first.get_weights())
    turn(game, untuned(each.repeat().batch(8, drop_remainder=True)))
    assert changed(weights(make_game(Entropy).budgets[0]), first)
    for a, b in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("algorithm", EVERY)
def test_refuses_xla(make_game, algorithm):
    game = make_game(algorithm)
    # On a CPU Keras skips XLA by itself; on a GPU this refusal keeps it off.
    with pytest.warns(UserWarning, match="doesn't support `jit_compile"):
        game.jit_compile = True
    assert not game.jit_compile


def test_evaluate_reports_every_party(make_game):
    batch = toy_batch()
    game = make_game(Entropy, num_budgets=2)
    logs = game.evaluate(
        tf.data.Dataset.from_tensors(batch), verbose=0, return_dict=True
    )
    for i, budget in enumerate(game.budgets):
        expected = losses.SINGLE_LABEL.accuracy(
            batch["budget_labels"], budget(game.anonymize(batch["clips"]))
        )
        assert logs[f"budget_accuracy_{i}"] == pytest.approx(float(expected))
    expected = losses.SINGLE_LABEL.accuracy(
        batch["actions"], game(batch["clips"])
    )
    assert logs["target_accuracy"] == pytest.approx(float(expected))


def test_evaluate_weighs_attributes_by_pictures(make_game):
    batch = toy_batch(10)
    game = make_game(Entropy, budget_task=losses.MULTI_LABEL)
    found = game.budgets[0](game.anonymize(batch["clips"])) > 0
    # All are wrong in a batch of 8, all right in one of 2.
    batch["budget_labels"] = np.array(found) == [[False]] * 8 + [[True]] * 2
    batch["budget_labels"] = batch["budget_labels"].astype(int)
    uneven = tf.data.Dataset.from_tensor_slices(batch).batch(8)
    assert game.evaluate(uneven)["budget_accuracy_0"] == pytest.approx(0.2)


def test_only_the_parties_are_trained(make_game):
    game = make_game(Entropy)
    parties = (game.anonymizer, game.target, *game.budgets)
    trained = [v.path for p in parties for v in p.trainable_variables]
    assert [v.path for v in game.trainable_variables] == trained


def test_a_checkpoint_carries_every_optimizer(make_game, data, tmp_path):
    def optimizers(game):
        return [
            game.optimizer,
            game.target_optimizer,
            *game.budget_optimizers,
        ]

    game = make_game(Entropy, num_budgets=2, target_gate=SHUT, budget_gate=SHUT)
    turn(game, data)
    game.save_weights(tmp_path / "game.weights.h5")
    resumed = make_game(Entropy, num_budgets=2)
    resumed.load_weights(tmp_path / "game.weights.h5")
    for got, want in zip(optimizers(resumed), optimizers(game), strict=True):
        for a, b in zip(got.variables, want.variables, strict=True):
            np.testing.assert_array_equal(a, b)


def noisy_anonymizer():
    frames = keras.Input(CLIP[1:])
    x = keras.layers.Dense(3, "sigmoid")(frames)
    return keras.Model(frames, Channel(2, limit=0.5, noise=0.2, seed=3)(x))


def test_a_resumed_game_draws_the_noise_that_it_would_have(
    make_game, data, tmp_path
):
    game = make_game(Entropy, anonymizer=noisy_anonymizer)
    start = game.get_weights()
    turn(game, data)
    game.save_weights(tmp_path / "game.weights.h5")
    turn(game, data)
    resumed = make_game(Entropy, anonymizer=noisy_anonymizer)
    resumed.load_weights(tmp_path / "game.weights.h5")
    turn(resumed, data)
    np.testing.assert_equal(resumed.get_weights(), game.get_weights())
    # It is another one in each turn.
    again = make_game(Entropy, anonymizer=noisy_anonymizer, lr=0.0)
    again.set_weights(start)
    first, second = turn(again, data), turn(again, data)
    assert first["target_loss"] != second["target_loss"]


@pytest.fixture(scope="module")
def mirrored():
    # One for all: a second one would number its collective operations as the
    # first did, and TensorFlow would find their shapes to differ.
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.mark.parametrize("algorithm", ONE_FAST)
def test_two_replicas_play_as_one_device_does(algorithm, mirrored):
    """Both see the same global batches, one of them split over two devices."""
    results = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            game = toy_pair_game(algorithm, Restarts(1, Gate(0.4, 2)))
        start = game.get_weights()
        results.append([])
        for seed in range(6):  # in two, halves differ in argmin
            game.set_weights(start)
            logs = turn(game, sharded(toy_batch(seed=seed)), turns=2)
            results[-1].append((logs["budget_0_steps"], weights(game)))
    for (steps, one), (twin_steps, two) in zip(*results, strict=True):
        assert steps == twin_steps
        for a, b in zip(one, two, strict=True):
            # Adam makes a full step of a gradient that is all rounding.
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    ("factors", "moved"), [((1.0, np.inf), 0.0), ((1.0, 3.0), 0.2)]
)
def test_an_overflow_on_one_replica_is_an_update_of_none(
    mirrored, factors, moved
):
    """Keras itself looks at the first replica alone."""
    with mirrored.scope():
        weight = keras.Variable([1.0, 2.0])
        optimizer = scaled(0.1)
        optimizer.build([weight])

    def step(factor):
        gradient_step(
            optimizer, [weight], lambda: tf.reduce_sum(weight.value) * factor
        )

    each = mirrored.experimental_distribute_values_from_function(
        lambda context: tf.constant(factors[context.replica_id_in_sync_group])
    )
    mirrored.run(tf.function(step), args=(each,))
    np.testing.assert_allclose(weight, [1 - moved, 2 - moved], rtol=1e-5)
    was_halved = optimizer.dynamic_scale < optimizer.initial_scale
    assert was_halved == (not moved)


def test_the_norm_of_two_replicas_is_the_mean_of_theirs(mirrored):
    """If both halves are alike, it is what one device finds in the whole."""
    half = toy_batch(size=4)
    batch = {name: np.concatenate([x, x]) for name, x in half.items()}
    norms = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            game = toy_pair_game(Entropy, None)
        logs = turn(game, sharded(batch))
        found = {k: v for k, v in logs.items() if k.endswith("gradient_norm")}
        assert "target_gradient_norm" in found
        norms.append(found)
    one, two = norms
    assert two == {name: pytest.approx(v, rel=1e-3) for name, v in one.items()}


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_processes_play_as_one_does(algorithm, tmp_path):
    runs = [
        start_worker(algorithm, tmp_path / f"{i}.npz", config)
        for i, config in enumerate([*cluster(2), None])
    ]
    for run in runs:
        _, errors = run.communicate(timeout=240)
        assert run.returncode == 0, errors[-2000:]
    first, second, alone = (np.load(tmp_path / f"{i}.npz") for i in range(3))
    assert set(first) == set(alone)
    for name in alone:
        np.testing.assert_array_equal(first[name], second[name])
        np.testing.assert_allclose(
            first[name], alone[name], rtol=1e-5, atol=1e-5
        )


def start_worker(algorithm, out, config):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    if config:
        environment["TF_CONFIG"] = config
    return subprocess.Popen(
        [sys.executable, WORKER, algorithm, out],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_optimizer_count_mismatch(make_game):
    game = make_game(Entropy, num_budgets=2)
    with pytest.raises(ValueError, match="2 budget models and 1 budget opt"):
        game.compile(optimizer=Optimizers(None, None, [None]), validation=None)


def test_refuses_a_negative_gamma_and_an_empty_side(make_game):
    with pytest.raises(ValueError, match="Received: gamma=-1"):
        make_game(Entropy, gamma=-1.0)
    with pytest.raises(ValueError, match="at least one budget model"):
        make_game(Entropy, num_budgets=0)
