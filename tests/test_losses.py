import numpy as np
import pytest
import tensorflow as tf

from priv_keras import losses

BOTH = [losses.SINGLE_LABEL, losses.MULTI_LABEL]


@pytest.mark.parametrize(
    ("task", "labels", "logits", "loss", "entropy", "accuracy"),
    [
        # Even odds over 4 classes: both costs are log 4.
        (losses.SINGLE_LABEL, [2], [[0.0] * 4], np.log(4), np.log(4), 0.0),
        # Certain and right, certain and wrong.
        (losses.SINGLE_LABEL, [0], [[50.0, 0.0]], 0.0, 0.0, 1.0),
        (losses.SINGLE_LABEL, [1], [[50.0, 0.0]], 50.0, 0.0, 0.0),
        # Odds of 3 to 1: H = log 4 - 3/4 log 3.
        (
            losses.SINGLE_LABEL,
            [1],
            [[np.log(3.0), 0.0]],
            np.log(4),
            np.log(4) - 0.75 * np.log(3),
            0.0,
        ),
        # Even odds on each of 3 attributes: log 2 a piece.
        (
            losses.MULTI_LABEL,
            [[1, 0, 1]],
            [[0.0] * 3],
            np.log(2),
            np.log(2),
            1 / 3,
        ),
        (losses.MULTI_LABEL, [[1, 0]], [[50.0, -50.0]], 0.0, 0.0, 1.0),
    ],
)
def test_task(task, labels, logits, loss, entropy, accuracy):
    logits = tf.constant(logits, tf.float32)
    assert float(task.loss(labels, logits)) == pytest.approx(loss, abs=1e-5)
    assert float(task.entropy(logits)) == pytest.approx(entropy, abs=1e-5)
    assert float(task.accuracy(labels, logits)) == pytest.approx(accuracy)


@pytest.mark.parametrize("task", BOTH)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("cost", ["loss", "entropy"])
def test_sure_logits_give_finite_costs_and_gradients(task, dtype, cost):
    """They are right or wrong by so much that p underflows to 0."""
    logits = tf.Variable([[120.0, 0.0, 0.0], [1e4, -1e4, 0.0]], dtype=dtype)
    labels = [1, 1] if task is losses.SINGLE_LABEL else [[0, 1, 1], [0, 1, 1]]
    with tf.GradientTape() as tape:
        value = (
            task.entropy(logits)
            if cost == "entropy"
            else task.loss(labels, logits)
        )
    gradient = tape.gradient(value, logits)
    assert value.dtype == tf.float32
    assert np.isfinite(value)
    assert np.isfinite(tf.cast(gradient, tf.float32)).all()
    if cost == "loss":  # a wrong logit of 1e4 is pushed back
        assert value > 1e3
        assert gradient[1, 0] > 0 > gradient[1, 1]


@pytest.mark.parametrize("task", BOTH)
def test_the_cost_to_a_guess_is_least_at_a_guess(task):
    guess, sure = tf.zeros((1, 3)), tf.constant([[4.0, -4.0, 0.0]])
    most = float(task.most_entropy(3))
    assert float(task.entropy(guess)) == pytest.approx(most)
    np.testing.assert_allclose(task.uniform_losses(guess), [most], rtol=1e-6)
    assert task.uniform_losses(sure)[0] > most


@pytest.mark.parametrize("task", BOTH)
def test_the_cost_to_a_guess_has_a_gradient_where_f_b_is_certain(task):
    logits = tf.Variable([[30.0, -30.0, -30.0]])
    with tf.GradientTape(persistent=True) as tape:
        entropy = task.entropy(logits)
        uniform = tf.reduce_mean(task.uniform_losses(logits))
    assert np.abs(tape.gradient(entropy, logits)).max() < 1e-8
    assert np.abs(tape.gradient(uniform, logits)).max() > 0.1


def test_weights_of_attributes_count_in_the_cost_to_a_guess():
    logits = tf.constant([[3.0, 0.0]])
    first, second = (
        losses.multi_label(weights).uniform_losses(logits)
        for weights in ([3.0, 1.0], [1.0, 3.0])
    )
    assert first[0] > second[0]


@pytest.mark.parametrize("task", BOTH)
def test_entropy_is_highest_where_the_gradient_vanishes(task):
    logits = (
        tf.Variable([[0.3, 0.3, 0.3]])
        if task is BOTH[0]
        else (tf.Variable([[0.0, 0.0, 0.0]]))
    )
    with tf.GradientTape() as tape:
        entropy = task.entropy(logits)
    np.testing.assert_allclose(tape.gradient(entropy, logits), 0, atol=1e-6)
    assert task.entropy(tf.constant([[1.0, 0.0, -1.0]])) < entropy


def test_multi_label_entropy_does_not_push_attributes_to_present():
    logits = tf.Variable([[2.0, -2.0]])
    with tf.GradientTape() as tape:
        entropy = losses.MULTI_LABEL.entropy(logits)
    up = tape.gradient(entropy, logits).numpy()[0]
    assert up[0] < 0 < up[1]  # up the entropy is towards even odds


def test_weights_of_attributes_count_by_their_ratio():
    labels = [[1, 0, 1]]
    logits = tf.constant([[2.0, -1.0, 0.5]])
    each = [
        float(losses.MULTI_LABEL.loss([[y]], [[z]]))
        for y, z in zip(labels[0], logits[0], strict=True)
    ]
    h = [float(losses.MULTI_LABEL.entropy([[z]])) for z in logits[0]]
    for weights in ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]):
        task = losses.multi_label(weights)
        assert float(task.loss(labels, logits)) == pytest.approx(
            np.average(each, weights=weights), rel=1e-5
        )
        assert float(task.entropy(logits)) == pytest.approx(
            np.average(h, weights=weights), rel=1e-5
        )
        np.testing.assert_array_equal(
            task.accuracy(labels, logits),
            losses.MULTI_LABEL.accuracy(labels, logits),
        )


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_weights_of_attributes_must_be_positive(weight):
    with pytest.raises(ValueError, match=rf"Received: weights=\[1.0, {weight}"):
        losses.multi_label([1.0, weight])


@pytest.mark.parametrize("task", BOTH)
def test_entropy_is_the_mean_of_the_entropies(task):
    logits = tf.random.normal((5, 3))
    assert task.entropies(logits).shape == (5,)
    assert float(task.entropy(logits)) == pytest.approx(
        np.mean(task.entropies(logits)), rel=1e-6
    )


def test_accuracy_is_of_each_example():
    """There are three clips of two classes, then two pictures of three
    attributes."""
    logits = tf.constant([[1.0, 2.0], [4.0, 3.0], [9.0, 5.0]])
    found = losses.SINGLE_LABEL.accuracy([1, 1, 0], logits)
    assert float(found) == pytest.approx(2 / 3)
    logits = tf.constant([[0.4, -0.4, 2.0], [-2.0, 0.4, 0.4]])
    found = losses.MULTI_LABEL.accuracy([[1, 0, 1], [0, 0, 1]], logits)
    assert float(found) == pytest.approx(5 / 6)


@pytest.mark.parametrize("task", BOTH)
def test_entropies_are_of_each_example(task):
    logits = tf.random.normal((5, 3), seed=0)
    each = [task.entropy(row[None]) for row in logits]
    np.testing.assert_allclose(task.entropies(logits), each, rtol=1e-5)
