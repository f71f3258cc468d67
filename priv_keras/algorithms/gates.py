"""The inner loops of Algorithms 1-4, in a form that every `tf.distribute`
strategy can run."""

from typing import NamedTuple

import tensorflow as tf


class Gate(NamedTuple):
    """The condition `while Acc <= threshold`, with ways to give up.

    The paper has no such ways, but an f_B that the anonymizer has beaten may
    never reach 99 %, and training must go on all the same.
    """

    threshold: float
    max_steps: int
    batches: int = 1  # that an estimate of Acc averages
    running: bool = True  # the latest batches, or all new ones each time
    patience: int | None = None  # updates without a better estimate


class Passage(NamedTuple):
    """How the loop of each member ended; tensors `(members,)`."""

    steps: tf.Tensor  # int32, updates made
    accuracy: tf.Tensor  # float32, the last estimate
    gave_up: tf.Tensor  # bool, whether it is not above the threshold


def passage_logs(parties, passage):
    """Returns the figures of a passage as a dict by the name of each party."""
    logs = {}
    for i, party in enumerate(parties):
        logs[f"{party}_steps"] = passage.steps[i]
        logs[f"{party}_gate_accuracy"] = passage.accuracy[i]
        logs[f"{party}_gave_up"] = tf.cast(passage.gave_up[i], tf.float32)
    return logs


def train_until(gate, hits, update, members=1):
    """Calls `update()` until the accuracies given by `hits()` pass the gate.

    Each member has a loop of its own, as in the paper. The loops run side by
    side, so that members can share the cost of a batch; a member that has left
    its loop stays out.

    It is called in cross-replica context: the loop is outside `strategy.run`
    and only `update` and `hits` are inside, so all replicas leave together.

    Args:
        gate: `Gate`.
        hits: Callable that returns, for each member, a pair of scalar float32
            tensors: how many clips of a new batch it gets right, and how many
            there are, reduced over replicas.
        update: Callable that takes a bool tensor `(members,)`, which members
            to update. It is called for its effect on variables.
        members: Int, number of members.

    Returns:
        `Passage`.
    """
    state = tf.while_loop(
        lambda inside, *_: tf.reduce_any(inside),
        lambda *state: _step(gate, hits, update, _Loop(*state)),
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
    """The state of `train_until` between two batches of an estimate.

    An iteration takes one batch and, if that completes the estimate, makes an
    update: both are traced once only, since networks take long to trace.
    """

    inside: tf.Tensor  # bool, which members have not left
    steps: tf.Tensor  # int32
    window: tf.Tensor  # float32 `(batches, members, 2)`, right ones and all
    filled: tf.Tensor  # int32, batches in the window
    best: tf.Tensor  # float32, the highest estimate
    waited: tf.Tensor  # int32, updates since then


def _step(gate, hits, update, state):
    """Takes a batch and, if it completes the estimate, makes an update.

    Returns:
        Tuple, the next `_Loop`.
    """
    patience = gate.max_steps if gate.patience is None else gate.patience
    state = _measured(state, tf.stack(hits()))
    complete = state.filled == gate.batches
    reached = _accuracy(state)
    waited = tf.where(reached > state.best, 0, state.waited + 1)
    shut = reached <= gate.threshold
    shut &= (state.steps < gate.max_steps) & (waited < patience)
    due = state.inside & shut & complete

    def run():
        update(due)
        return True

    tf.cond(tf.reduce_any(due), run, lambda: False)
    after = _Loop(
        due,
        state.steps + tf.cast(due, tf.int32),
        state.window,
        tf.constant(gate.batches - 1 if gate.running else 0),
        tf.maximum(state.best, reached),
        waited,
    )
    return tuple(
        tf.where(complete, *both) for both in zip(after, state, strict=True)
    )


def _measured(state, hits):
    """Adds a batch to the window of each member that has not left."""
    seen = tf.concat([state.window[1:], hits[None]], 0)
    return state._replace(
        window=tf.where(state.inside[:, None], seen, state.window),
        filled=state.filled + 1,
    )


def _accuracy(state):
    """Returns each member's accuracy on the window, over all its clips."""
    right, clips = tf.unstack(tf.reduce_sum(state.window, 0), axis=-1)
    return tf.math.divide_no_nan(right, clips)
