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
            lambda: [(tf.cast(count, tf.float32), tf.constant(5.0))],
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
        lambda: [(tf.constant(2.0), tf.constant(4.0))],
        lambda _: count.assign_add(1),
    )
    assert count == 2
    assert bool(passage.gave_up)


def listed(values, clips=10.0):
    """Returns `hits` that gives one accuracy after the other, on `clips`."""
    drawn = tf.Variable(0)
    values = tf.constant(values)
    clips = tf.broadcast_to(clips, (len(values),))

    def hits():
        i = drawn.assign_add(1) - 1
        accuracies = tf.unstack(
            tf.reshape(values[i], (-1,)),
            num=1 if len(values.shape) == 1 else values.shape[1],
        )
        return [(accuracy * clips[i], clips[i]) for accuracy in accuracies]

    return drawn, hits


def nothing(_):
    """Stands for an update."""


def test_a_running_estimate_averages_the_last_batches():
    drawn, hits = listed([0.0, 0.2, 0.4, 1.0, 1.0, 0.0])
    passage = train_until(Gate(0.75, 9, batches=3), hits, nothing)
    # 0.2 | 0.53 | 0.8: two updates, each of which drew one batch more.
    assert passage.steps == 2
    assert passage.accuracy.numpy() == pytest.approx(0.8)
    assert drawn == 5


def test_a_whole_estimate_draws_all_its_batches_anew():
    drawn, hits = listed([0.0, 0.2, 0.4, 0.8, 1.0, 1.0])
    gate = Gate(0.75, 9, batches=2, running=False)
    passage = train_until(gate, hits, nothing)
    assert passage.steps == 2  # 0.1 | 0.6 | 1.0
    assert drawn == 6


def test_batches_count_by_their_clips():
    """8 of 8 clips are right, and none of 2 in a last, smaller batch."""
    _, hits = listed([1.0, 0.0], clips=[8.0, 2.0])
    passage = train_until(Gate(0.75, 0, batches=2), hits, nothing)
    assert passage.accuracy.numpy() == pytest.approx(0.8)
    assert not passage.gave_up


def test_patience_gives_up_on_a_plateau():
    _, hits = listed([0.1, 0.3, 0.3, 0.2, 0.9, 0.9])
    passage = train_until(Gate(0.5, 9, patience=2), hits, nothing)
    assert passage.steps == 3  # 0.3 rose; 0.3 and 0.2 did not
    assert bool(passage.gave_up)


@pytest.mark.parametrize("graph", [False, True])
def test_each_member_leaves_its_own_loop_for_good(graph):
    updated = tf.Variable([0, 0])
    # The first passes at once and would fail after; the other later.
    _, hits = listed([[0.2, 0.1], [0.8, 0.2], [0.1, 0.3], [0.1, 0.9]])

    def run():
        return train_until(
            Gate(0.5, 9),
            hits,
            lambda members: updated.assign_add(tf.cast(members, tf.int32)),
            members=2,
        )

    passage = tf.function(run)() if graph else run()
    assert passage.steps.numpy().tolist() == [1, 3]
    assert updated.numpy().tolist() == [1, 3]
    np.testing.assert_allclose(passage.accuracy, [0.8, 0.9])
    assert not passage.gave_up.numpy().any()
