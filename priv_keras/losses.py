"""The paper's L_T, L_B and H_B, as functions of logits and nothing else.

A `Task` is how one kind of label is scored. The dataset picks it, and no
algorithm asks which one it got. Every function computes in float32 whatever
the logits' dtype. All but `entropies` and `uniform_losses` return a scalar, the
mean over the batch.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf


class Task(NamedTuple):
    """How to score logits `(batch, classes)`."""

    loss: Callable  # (labels, logits): L_T and L_B, cross-entropy in nats
    entropies: Callable  # (logits): one per example, `(batch,)`, in nats
    uniform_losses: Callable  # (logits): cross-entropy to a guess, `(batch,)`
    accuracy: Callable  # (labels, logits): Acc, in [0, 1]
    metric: Callable  # (): a `keras.Metric` in [0, 1], how well labels are read

    def entropy(self, logits):
        """Returns H_B in nats, Sec. 3.3.3."""
        return tf.reduce_mean(self.entropies(logits))

    def most_entropy(self, classes):
        """Returns the largest H_B that logits `(batch, classes)` can have."""
        return self.entropy(tf.zeros((1, classes)))


def softmax_loss(labels, logits):
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.cast(labels, tf.int64), tf.cast(logits, tf.float32)
        )
    )


def softmax_entropies(logits):
    # From log-probabilities: a sum of p log p is NaN where p underflows to 0.
    log_p = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    return -tf.reduce_sum(tf.exp(log_p) * log_p, axis=-1)


def softmax_uniform_losses(logits):
    """Returns the cross-entropy of the prediction to the uniform distribution.

    Its minimum is the largest entropy, and where a prediction is certain it has
    a gradient, which the entropy lacks.
    """
    log_p = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    return -tf.reduce_mean(log_p, axis=-1)


def softmax_accuracy(labels, logits):
    hits = tf.equal(
        tf.argmax(logits, axis=-1, output_type=tf.int64),
        tf.cast(labels, tf.int64),
    )
    return tf.reduce_mean(tf.cast(hits, tf.float32))


def softmax_metric():
    return keras.metrics.MeanMetricWrapper(softmax_accuracy, "accuracy")


def multi_label(weights=None):
    """Returns how to score attributes that are present or absent.

    Args:
        weights: Positive floats, one per attribute: how much each counts in
            loss and entropy, if some leaks cost more than others (Sec. 6).
            Only their ratios matter. `None` weighs all alike.

    Returns:
        `Task` whose labels are 0 or 1, `(batch, attributes)`.

    Raises:
        ValueError: If a weight is not positive and finite.
    """
    if weights is None:
        return Task(
            sigmoid_loss,
            sigmoid_entropies,
            sigmoid_uniform_losses,
            sigmoid_accuracy,
            sigmoid_metric,
        )
    if not all(0 < weight < math.inf for weight in weights):
        raise ValueError(
            f"`weights` must be positive. Received: weights={list(weights)}."
        )
    # Their mean is 1, so that losses with and without weights compare.
    shares = tf.constant(weights, tf.float32)
    shares /= tf.reduce_mean(shares)
    return Task(
        functools.partial(sigmoid_loss, weights=shares),
        functools.partial(sigmoid_entropies, weights=shares),
        functools.partial(sigmoid_uniform_losses, weights=shares),
        sigmoid_accuracy,
        sigmoid_metric,
    )


def sigmoid_losses(labels, logits, weights):
    losses = tf.nn.sigmoid_cross_entropy_with_logits(
        tf.cast(labels, tf.float32), tf.cast(logits, tf.float32)
    )
    return tf.reduce_mean(weights * losses, axis=-1)


def sigmoid_loss(labels, logits, weights=1.0):
    return tf.reduce_mean(sigmoid_losses(labels, logits, weights))


def sigmoid_entropies(logits, weights=1.0):
    # H(p) is the cross-entropy of p with itself.
    p = tf.sigmoid(tf.cast(logits, tf.float32))
    return sigmoid_losses(p, logits, weights)


def sigmoid_uniform_losses(logits, weights=1.0):
    """Returns the cross-entropy of each prediction to one half."""
    halves = tf.fill(tf.shape(logits), 0.5)
    return sigmoid_losses(halves, logits, weights)


def sigmoid_accuracy(labels, logits):
    hits = tf.equal(logits > 0, tf.cast(labels, tf.bool))
    return tf.reduce_mean(tf.cast(hits, tf.float32))


def sigmoid_metric():
    # Not accuracy, which is high for a model that denies every rare attribute.
    # This one takes 200 thresholds; `metrics` takes every score as one.
    return keras.metrics.AUC(
        curve="PR",
        multi_label=True,
        from_logits=True,
        name="average_precision",
    )


# One class out of several: actions, and SBU's 13 actor pairs (Sec. 4.1).
SINGLE_LABEL = Task(
    softmax_loss,
    softmax_entropies,
    softmax_uniform_losses,
    softmax_accuracy,
    softmax_metric,
)
# Attributes present or absent: VISPR's 7, PA-HMDB51's 5 (Sec. 4.2 and 5.5).
MULTI_LABEL = multi_label()
