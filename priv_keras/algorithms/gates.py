"""The inner loops of Algorithms 1-4, in a form that every strategy can run."""

from typing import NamedTuple

import tensorflow as tf


class Gate(NamedTuple):
    """`while Acc <= threshold`, with ways to give up that the paper lacks.

    An attacker that an anonymizer has beaten may never reach 99 %, and
    training must go on all the same.
    """

    threshold: float
    max_steps: int
    batches: int = 1  # that an estimate of Acc averages
    running: bool = True  # the last ones, or as many fresh ones each time
    patience: int | None = None  # updates without a better estimate


class Passage(NamedTuple):
    """How a loop ended; scalar tensors."""

    steps: tf.Tensor  # int32, updates made
    accuracy: tf.Tensor  # float32, the last estimate
    gave_up: tf.Tensor  # bool, whether it is not above the threshold


def train_until(gate, accuracy, update):
    """Calls `update()` until `accuracy()` passes the gate.

    Called in cross-replica context: the loop is outside `strategy.run` and
    only `update` and `accuracy` are inside, so all replicas leave together.

    Args:
        gate: `Gate`.
        accuracy: Callable returning a scalar tensor in [0, 1], the accuracy
            on a fresh batch, reduced over replicas.
        update: Callable run for its effect on variables.

    Returns:
        `Passage`.
    """
    patience = gate.max_steps if gate.patience is None else gate.patience

    def fresh(count):
        return tf.map_fn(
            lambda _: accuracy(),
            tf.range(count),
            parallel_iterations=1,
            fn_output_signature=tf.float32,
        )

    def is_shut(steps, window, best, waited):
        shut = tf.reduce_mean(window) <= gate.threshold
        return shut & (steps < gate.max_steps) & (waited < patience)

    def step(steps, window, best, waited):
        update()
        if gate.running:
            window = tf.concat([window[1:], fresh(1)], 0)
        else:
            window = fresh(gate.batches)
        reached = tf.reduce_mean(window)
        waited = tf.where(reached > best, 0, waited + 1)
        return steps + 1, window, tf.maximum(best, reached), waited

    window = tf.ensure_shape(fresh(gate.batches), (gate.batches,))
    start = (tf.constant(0), window, tf.reduce_mean(window), tf.constant(0))
    steps, window, *_ = tf.while_loop(is_shut, step, start)
    reached = tf.reduce_mean(window)
    return Passage(steps, reached, reached <= gate.threshold)
