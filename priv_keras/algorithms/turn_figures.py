"""Figures of a turn other than its losses."""

import numpy as np
import tensorflow as tf


class TurnFigures:
    """Gradient norms, the time spent waiting for input, and clips read.

    The figures are variables, since graphs assign to them, but not weights of
    the game, so checkpoints do not hold them.

    Args:
        parties: Names of the parties whose gradients are measured.
        timed: Bool, whether to measure the wait for batches. It must be
            `False` if operations are deterministic, as TensorFlow then refuses
            to tell the time.

    Attributes:
        gradient_norms: Dict of party to float32 variable, the global norm of
            its last gradient on a replica's own batch, before clipping; 0 if
            it had none.
        waited: float64 variable, seconds in which this worker waited for
            batches, whether or not other work went on meanwhile.
        clips_read: int64 variable, the clips that this worker drew.
    """

    def __init__(self, parties, timed=True):
        self.timed = timed
        self.gradient_norms = {party: _each_replicas_own() for party in parties}
        self.waited = _of_first_replica(tf.float64)
        self.clips_read = _of_first_replica(tf.int64)

    def forget(self):
        """Sets all figures to 0, at the start of a turn."""
        norms = self.gradient_norms.values()
        for figure in (*norms, self.waited, self.clips_read):
            figure.assign(tf.zeros((), figure.dtype))

    def wait_for(self, draw):
        """Returns what `draw()` returns, and adds the seconds it took."""
        began = self._now()
        with tf.control_dependencies([began]):
            batch = draw()
        parts = tf.nest.flatten(batch, expand_composites=True)
        with tf.control_dependencies(parts):
            self.waited.assign_add(self._now() - began)
        return batch

    def _now(self):
        return tf.timestamp() if self.timed else tf.zeros((), tf.float64)

    def input(self):
        """Returns the seconds waited (`None` unless timed) and clips read."""
        figures = (self.waited, self.clips_read)
        waited, clips = (figure.read_value().numpy() for figure in figures)
        return waited if self.timed else None, clips

    def norm_logs(self, scaled):
        """Returns the gradient norm of each party that was updated this turn.

        Args:
            scaled: Bool, whether losses are scaled for float16. If so, a norm
                that is not finite is left out, as its update was. Otherwise it
                stays and tells whose gradient broke.

        Returns:
            Dict of `PARTY_gradient_norm` to a tensor, the mean over replicas.
        """
        norms = {
            f"{party}_gradient_norm": tf.identity(norm)
            for party, norm in self.gradient_norms.items()
        }
        return {
            name: norm
            for name, norm in norms.items()
            if norm != 0 and (np.isfinite(norm) or not scaled)
        }


def _each_replicas_own():
    # Replicas do not wait for each other: it is assigned to in loops.
    return tf.Variable(
        0.0,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.MEAN,
    )


def _of_first_replica(dtype):
    return tf.Variable(
        tf.zeros((), dtype),
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )
