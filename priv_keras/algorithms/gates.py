"""The inner loops of Algorithms 1-4, in a form that every strategy can run."""

from typing import NamedTuple

import tensorflow as tf


class Gate(NamedTuple):
    """`while Acc <= threshold`, given up after `max_steps`."""

    threshold: float
    max_steps: int


def train_until(gate, accuracy, update):
    """Calls `update()` until `accuracy()` passes the gate.

    The paper's loops have no cap. Ours has: an attacker that an anonymizer
    has beaten may never reach 99 %, and training must go on all the same.

    Called in cross-replica context: the loop is outside `strategy.run` and
    only `update` and `accuracy` are inside, so all replicas leave together.

    Args:
        gate: `Gate`.
        accuracy: Callable returning a scalar tensor in [0, 1], reduced over
            replicas; called before the first update and after each, and
            should draw fresh data.
        update: Callable run for its effect on variables.

    Returns:
        Pair of scalar tensors: int32, the updates made, which is
        `gate.max_steps` where the loop gave up; float32, the last accuracy.
    """

    def is_shut(steps, reached):
        return tf.logical_and(steps < gate.max_steps, reached <= gate.threshold)

    def step(steps, _):
        update()
        return steps + 1, accuracy()

    return tf.while_loop(is_shut, step, (tf.constant(0), accuracy()))
