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
    """How the loop of each member ended; tensors `(members,)`."""

    steps: tf.Tensor  # int32, updates made
    accuracy: tf.Tensor  # float32, the last estimate
    gave_up: tf.Tensor  # bool, whether it is not above the threshold


def train_until(gate, accuracies, update):
    """Calls `update()` until `accuracies()` pass the gate.

    Each member has a loop of its own, as in the paper. They run side by side,
    so that members can share what a batch costs, and who has left his stays
    out.

    Called in cross-replica context: the loop is outside `strategy.run` and
    only `update` and `accuracies` are inside, so all replicas leave together.

    Args:
        gate: `Gate`.
        accuracies: Callable returning a list of scalar tensors in [0, 1], each
            member's accuracy on a fresh batch, reduced over replicas.
        update: Callable of a bool tensor `(members,)`, who is to be updated.
            Run for its effect on variables.

    Returns:
        `Passage`.
    """
    patience = gate.max_steps if gate.patience is None else gate.patience

    def fresh(count):
        return tf.map_fn(
            lambda _: tf.stack(accuracies()),
            tf.range(count),
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec((None,), tf.float32),
        )

    def inside(steps, window, best, waited):
        shut = tf.reduce_mean(window, 0) <= gate.threshold
        return shut & (steps < gate.max_steps) & (waited < patience)

    def step(steps, window, best, waited):
        members = inside(steps, window, best, waited)
        update(members)
        if gate.running:
            seen = tf.concat([window[1:], fresh(1)], 0)
        else:
            seen = fresh(gate.batches)
        window = tf.where(members, seen, window)  # so who has left stays out
        reached = tf.reduce_mean(window, 0)
        waited = tf.where(reached > best, 0, waited + 1)
        steps += tf.cast(members, tf.int32)
        return steps, window, tf.maximum(best, reached), waited

    window = tf.ensure_shape(fresh(gate.batches), (gate.batches, None))
    best = tf.reduce_mean(window, 0)
    zeros = tf.zeros_like(best, tf.int32)
    steps, window, *_ = tf.while_loop(
        lambda *state: tf.reduce_any(inside(*state)),
        step,
        (zeros, window, best, zeros),
    )
    reached = tf.reduce_mean(window, 0)
    return Passage(steps, reached, reached <= gate.threshold)
