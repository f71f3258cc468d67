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
            accuracy=lambda: 0.2 * tf.cast(count, tf.float32),
            update=lambda: count.assign_add(1),
        )

    passage = tf.function(run)() if graph else run()
    assert passage.steps == expected
    assert count == expected
    assert float(passage.accuracy) == pytest.approx(0.2 * expected)
    assert bool(passage.gave_up) == (0.2 * expected <= threshold)


def test_accuracy_equal_to_the_threshold_keeps_the_gate_shut():
    count = tf.Variable(0)
    train_until(
        Gate(0.5, 2),
        accuracy=lambda: tf.constant(0.5),
        update=lambda: count.assign_add(1),
    )
    assert count == 2


def accuracies(values):
    """An `accuracy` that returns one value after the other."""
    drawn = tf.Variable(0)
    values = tf.constant(values)

    def accuracy():
        return values[drawn.assign_add(1) - 1]

    return drawn, accuracy


def test_a_running_estimate_averages_the_last_batches():
    drawn, accuracy = accuracies([0.0, 0.2, 0.4, 1.0, 1.0, 0.0])
    passage = train_until(Gate(0.75, 9, batches=3), accuracy, lambda: None)
    # 0.2 | 0.53 | 0.8: two updates, each of which drew one batch more.
    assert passage.steps == 2
    assert float(passage.accuracy) == pytest.approx(0.8)
    assert drawn == 5


def test_a_whole_estimate_draws_all_its_batches_anew():
    drawn, accuracy = accuracies([0.0, 0.2, 0.4, 0.8, 1.0, 1.0])
    gate = Gate(0.75, 9, batches=2, running=False)
    passage = train_until(gate, accuracy, lambda: None)
    assert passage.steps == 2  # 0.1 | 0.6 | 1.0
    assert drawn == 6


def test_patience_gives_up_on_a_plateau():
    _, accuracy = accuracies([0.1, 0.3, 0.3, 0.2, 0.9, 0.9])
    passage = train_until(Gate(0.5, 9, patience=2), accuracy, lambda: None)
    assert passage.steps == 3  # 0.3 rose; 0.3 and 0.2 did not
    assert bool(passage.gave_up)
