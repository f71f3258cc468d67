"""The paper's L_T, L_B and H_B, as functions of logits and nothing else.

A `Task` is how one kind of label is scored. The dataset picks it, and no
algorithm asks which one it got. Every function returns a float32 scalar, the
mean over the batch, and computes in float32 whatever the logits' dtype.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Task(NamedTuple):
    """How to score logits `(batch, classes)`; every field returns a scalar."""

    loss: Callable  # (labels, logits): L_T and L_B, cross-entropy in nats
    entropy: Callable  # (logits): H_B in nats, Sec. 3.3.3
    accuracy: Callable  # (labels, logits): Acc, in [0, 1]


def softmax_loss(labels, logits):
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            tf.cast(labels, tf.int64), tf.cast(logits, tf.float32)
        )
    )


def softmax_entropy(logits):
    # From log-probabilities: a sum of p log p is NaN where p underflows to 0.
    log_p = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    return -tf.reduce_mean(tf.reduce_sum(tf.exp(log_p) * log_p, axis=-1))


def softmax_accuracy(labels, logits):
    hits = tf.equal(
        tf.argmax(logits, axis=-1, output_type=tf.int64),
        tf.cast(labels, tf.int64),
    )
    return tf.reduce_mean(tf.cast(hits, tf.float32))


def sigmoid_loss(labels, logits):
    logits = tf.cast(logits, tf.float32)
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(labels, tf.float32), logits
        )
    )


def sigmoid_entropy(logits):
    # H(p) is the cross-entropy of p with itself.
    return sigmoid_loss(tf.sigmoid(tf.cast(logits, tf.float32)), logits)


def sigmoid_accuracy(labels, logits):
    hits = tf.equal(logits > 0, tf.cast(labels, tf.bool))
    return tf.reduce_mean(tf.cast(hits, tf.float32))


# One class out of many: actions, and SBU's 13 actor pairs (Sec. 4.1).
SINGLE_LABEL = Task(softmax_loss, softmax_entropy, softmax_accuracy)
# Attributes present or absent: VISPR's 7, PA-HMDB51's 5 (Sec. 4.2 and 5.5).
MULTI_LABEL = Task(sigmoid_loss, sigmoid_entropy, sigmoid_accuracy)
