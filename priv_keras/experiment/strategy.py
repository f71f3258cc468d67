"""The devices on which a game is played: `--strategy`.

Part of the programs: this module reads flags.
"""

import os

import tensorflow as tf

from flags import data as data_flags
from flags import training as flags


def open_strategy():
    """Returns the `tf.distribute.Strategy` that `--strategy` names.

    Call it before TensorFlow does anything else, because workers connect to
    each other here.

    Raises:
        ValueError: If `TF_CONFIG` is not set for `multi_worker`, or if a batch
            cannot be divided evenly among the replicas.
    """
    if flags.STRATEGY.value == "none":
        return tf.distribute.get_strategy()
    if flags.STRATEGY.value == "mirrored":
        strategy = tf.distribute.MirroredStrategy(
            tf.config.list_logical_devices("GPU")
            or tf.config.list_logical_devices("CPU")
        )
    elif "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    else:
        raise ValueError(
            "--strategy=multi_worker needs the environment variable TF_CONFIG, "
            'as in {"cluster": {"worker": ["host:port", "host:port"]}, "task": '
            '{"type": "worker", "index": 0}}, with another index on each.'
        )
    _check_shared_out(strategy.num_replicas_in_sync)
    return strategy


def _check_shared_out(replicas):
    for flag in (data_flags.BATCH_SIZE, flags.BUDGET_BATCH_SIZE):
        if flag.value % replicas:
            raise ValueError(
                f"--{flag.name}={flag.value} clips cannot be shared out "
                f"evenly to {replicas} replicas. Choose a multiple of "
                f"{replicas}."
            )


def is_chief(strategy):
    """Returns whether this process is the one that writes the run's folder.

    Args:
        strategy: `tf.distribute.Strategy`.
    """
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    chiefs = resolver.cluster_spec().as_dict().get("chief")
    if chiefs:
        return resolver.task_type == "chief"
    return resolver.task_id == 0
