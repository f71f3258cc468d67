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
    running: bool = True  # the last ones, or as many new ones each time
    patience: int | None = None  # updates without a better estimate


class Passage(NamedTuple):
    """How the loop of each member ended; tensors `(members,)`."""

    steps: tf.Tensor  # int32, updates made
    accuracy: tf.Tensor  # float32, the last estimate
    gave_up: tf.Tensor  # bool, whether it is not above the threshold


def passage_logs(parties, passage):
    """Returns what the gated loops tell of each party, as a dict by name."""
    logs = {}
    for i, party in enumerate(parties):
        logs[f"{party}_steps"] = passage.steps[i]
        logs[f"{party}_gate_accuracy"] = passage.accuracy[i]
        logs[f"{party}_gave_up"] = tf.cast(passage.gave_up[i], tf.float32)
    return logs


def train_until(gate, hits, update, members=1):
    """Calls `update()` until the accuracies that `hits()` tells pass the gate.

    Each member has a loop of its own, as in the paper. The loops run side by
    side, so that members can share what a batch costs; a member that has left
    its loop stays out.

    Called in cross-replica context: the loop is outside `strategy.run` and
    only `update` and `hits` are inside, so all replicas leave together.

    Args:
        gate: `Gate`.
        hits: Callable that returns, for each member, a pair of scalar float32
            tensors: how many clips of a new batch it has right, and how many
            there are, reduced over replicas.
        update: Callable of a bool tensor `(members,)`, which members to
            update. It is run for its effect on variables.
        members: Int, how many there are.

    Returns:
        `Passage`.
    """
    patience = gate.max_steps if gate.patience is None else gate.patience

    def run(due):
        update(due)
        return True

    def step(*state):
        state = _measured(_Loop(*state), tf.stack(hits()))
        whole = state.filled == gate.batches
        reached = _accuracy(state)
        waited = tf.where(reached > state.best, 0, state.waited + 1)
        shut = reached <= gate.threshold
        shut &= (state.steps < gate.max_steps) & (waited < patience)
        due = state.inside & shut & whole
        tf.cond(tf.reduce_any(due), lambda: run(due), lambda: False)
        judged = _Loop(
            due,
            state.steps + tf.cast(due, tf.int32),
            state.window,
            tf.constant(gate.batches - 1 if gate.running else 0),
            tf.maximum(state.best, reached),
            waited,
        )
        return tuple(
            tf.where(whole, *both) for both in zip(judged, state, strict=True)
        )

    state = tf.while_loop(
        lambda inside, *_: tf.reduce_any(inside),
        step,
        _Loop(
            inside=tf.ones(members, tf.bool),
            steps=tf.zeros(members, tf.int32),
            window=tf.zeros((gate.batches, members, 2)),
            filled=tf.constant(0),
            best=-tf.ones(members),
            waited=tf.zeros(members, tf.int32),
        ),
    )
    reached = _accuracy(_Loop(*state))
    return Passage(_Loop(*state).steps, reached, reached <= gate.threshold)


class _Loop(NamedTuple):
    """What `train_until` knows from one batch of its estimate to the next.

    A pass of its loop is a batch and, where the estimate is then whole, an
    update: each is traced once, for networks take long to trace.
    """

    inside: tf.Tensor  # bool, which members have not left
    steps: tf.Tensor  # int32
    window: tf.Tensor  # float32 `(batches, members, 2)`, right and all
    filled: tf.Tensor  # int32, batches that are in it
    best: tf.Tensor  # float32, the highest estimate
    waited: tf.Tensor  # int32, updates since


def _measured(state, hits):
    """Adds a batch; what is known of members that have left stays."""
    seen = tf.concat([state.window[1:], hits[None]], 0)
    return state._replace(
        window=tf.where(state.inside[:, None], seen, state.window),
        filled=state.filled + 1,
    )


def _accuracy(state):
    """Returns each member's accuracy on the window, over all its clips."""
    right, clips = tf.unstack(tf.reduce_sum(state.window, 0), axis=-1)
    return tf.math.divide_no_nan(right, clips)
