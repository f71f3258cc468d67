import numpy as np
import pytest
import tensorflow as tf

from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.gates import train_until


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize(
    ("threshold", "max_steps", "expected"),
    [
        (-1.0, 9, 0),  # open from the start: not one update
        (0.5, 9, 3),  # accuracy 0.2 0.4 | 0.6: three passes of `<= 0.5`
        (1.0, 4, 4),  # never opens: gives up at the cap
        (1.0, 0, 0),  # no update allowed
    ],
)
def test_train_until(graph, threshold, max_steps, expected):
    count = tf.Variable(0)

    def run():
        return train_until(
            Gate(threshold, max_steps),
            lambda: [0.2 * tf.cast(count, tf.float32)],
            lambda _: count.assign_add(1),
        )

    passage = tf.function(run)() if graph else run()
    assert passage.steps == [expected]
    assert count == expected
    assert passage.accuracy.numpy() == pytest.approx(0.2 * expected)
    assert passage.gave_up == [0.2 * expected <= threshold]


def test_accuracy_equal_to_the_threshold_keeps_the_gate_shut():
    count = tf.Variable(0)
    passage = train_until(
        Gate(0.5, 2),
        lambda: [tf.constant(0.5)],
        lambda _: count.assign_add(1),
    )
    assert count == 2
    assert bool(passage.gave_up)


def listed(values):
    """`accuracies` that return one value after the other."""
    drawn = tf.Variable(0)
    values = tf.constant(values)

    def accuracies():
        return tf.unstack(
            tf.reshape(values[drawn.assign_add(1) - 1], (-1,)),
            num=1 if len(values.shape) == 1 else values.shape[1],
        )

    return drawn, accuracies


def nothing(_):
    """An update."""


def test_a_running_estimate_averages_the_last_batches():
    drawn, accuracies = listed([0.0, 0.2, 0.4, 1.0, 1.0, 0.0])
    passage = train_until(Gate(0.75, 9, batches=3), accuracies, nothing)
    # 0.2 | 0.53 | 0.8: two updates, each of which drew one batch more.
    assert passage.steps == 2
    assert passage.accuracy.numpy() == pytest.approx(0.8)
    assert drawn == 5


def test_a_whole_estimate_draws_all_its_batches_anew():
    drawn, accuracies = listed([0.0, 0.2, 0.4, 0.8, 1.0, 1.0])
    gate = Gate(0.75, 9, batches=2, running=False)
    passage = train_until(gate, accuracies, nothing)
    assert passage.steps == 2  # 0.1 | 0.6 | 1.0
    assert drawn == 6


def test_patience_gives_up_on_a_plateau():
    _, accuracies = listed([0.1, 0.3, 0.3, 0.2, 0.9, 0.9])
    passage = train_until(Gate(0.5, 9, patience=2), accuracies, nothing)
    assert passage.steps == 3  # 0.3 rose; 0.3 and 0.2 did not
    assert bool(passage.gave_up)


@pytest.mark.parametrize("graph", [False, True])
def test_each_member_leaves_its_own_loop_for_good(graph):
    updated = tf.Variable([0, 0])
    # The first passes at once and would fail after; the other later.
    _, accuracies = listed([[0.2, 0.1], [0.8, 0.2], [0.1, 0.3], [0.1, 0.9]])

    def run():
        return train_until(
            Gate(0.5, 9),
            accuracies,
            lambda members: updated.assign_add(tf.cast(members, tf.int32)),
            members=2,
        )

    passage = tf.function(run)() if graph else run()
    assert passage.steps.numpy().tolist() == [1, 3]
    assert updated.numpy().tolist() == [1, 3]
    np.testing.assert_allclose(passage.accuracy, [0.8, 0.9])
    assert not passage.gave_up.numpy().any()
