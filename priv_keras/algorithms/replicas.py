"""Values that differ between the replicas of `tf.distribute`."""

import tensorflow as tf


def over_replicas(values):
    """Returns the mean of `values` over replicas, without a gradient."""
    values = tf.stop_gradient(values)
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)


def hits(accuracy, labels):
    """Returns how many clips are right, and how many there are.

    Args:
        accuracy: float32 scalar, on a replica's own batch.
        labels: Tensor `(clips, ...)`.
    """
    clips = tf.cast(tf.shape(labels)[0], tf.float32)
    # A replica may be left without clips; its accuracy is then NaN.
    return tf.math.multiply_no_nan(accuracy, clips), clips


def read(variable):
    """Returns the value of a variable that may have a copy on each replica."""
    return tf.identity(variable.value)
