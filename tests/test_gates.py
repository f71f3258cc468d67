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

    steps, reached = tf.function(run)() if graph else run()
    assert steps == expected
    assert count == expected
    assert float(reached) == pytest.approx(0.2 * expected)


def test_accuracy_equal_to_the_threshold_keeps_the_gate_shut():
    count = tf.Variable(0)
    train_until(
        Gate(0.5, 2),
        accuracy=lambda: tf.constant(0.5),
        update=lambda: count.assign_add(1),
    )
    assert count == 2
