"""Faults of the machine or the shards, each reported in one line.

The line says what happened and what to do. What was saved before it is whole.

Part of the programs: this module reads flags.
"""

import contextlib
import errno
import re
import sys

import tensorflow as tf

from flags import data as data_flags
from flags import training as flags
from priv_keras.experiment import bad_records

RESUME = (
    "What was saved is whole: run the same command again to continue, with "
    "--resume for priv_keras.train."
)

# What TensorFlow raises if another worker does not answer.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
# What its messages contain if a fault occurs while clips are made.
IN_INPUT = "transformation with iterator"


@contextlib.contextmanager
def report_faults(data=None):
    """Turns a fault of the machine or of the shards into a line and an exit.

    All other exceptions pass through.

    Args:
        data: `data.Data` in which to look for a broken record, or `None`.

    Raises:
        SystemExit: With status 1, if there is such a fault.
    """
    try:
        yield
    except (OSError, tf.errors.OpError, FloatingPointError) as error:
        line = _of_record(error, data) or describe(error)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        raise SystemExit(1) from error


def _of_record(error, data):
    """Names the record of a shard that cannot be read or decoded, or `None`.

    All records are read again, because TensorFlow does not name the record.
    """
    broken = isinstance(error, tf.errors.DataLossError) or (
        isinstance(error, tf.errors.InvalidArgumentError)
        and IN_INPUT in str(error)
    )
    place = broken and data and bad_records.first_unknown(data)
    if not place:
        return None
    return (
        f"A shard is damaged: {place}. Restore it. {RESUME} Or begin a new run "
        "with --bad_records=skip:n, which leaves such records out."
    )


def describe(error):
    """Describes a fault and what to do about it.

    Args:
        error: `OSError`, `tf.errors.OpError` or `FloatingPointError`.

    Returns:
        String of one or more sentences; `None` if `error` is not such a fault.
    """
    if isinstance(error, FloatingPointError):
        return str(error)
    message = str(error).splitlines()[0] if str(error) else repr(error)
    message = re.sub(r"^\{\{.*?\}\} ", "", message)  # the node of a graph
    full = "No space left on device"
    if getattr(error, "errno", None) == errno.ENOSPC or full in str(error):
        return f"The disk is full ({message}). Free some space. {RESUME}"
    if isinstance(error, LOST) and flags.STRATEGY.value == "multi_worker":
        return (
            f"Another worker is gone ({message}). Its own output says why. "
            "Start all workers again, each with the same command and --resume. "
            "What was saved is whole."
        )
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return (
            f"Out of memory at --scale={data_flags.SCALE.value} "
            f"--batch_size={data_flags.BATCH_SIZE.value} ({message}). Choose a "
            "smaller --batch_size, with --accumulate_steps to make up for it, "
            "and a new --run_dir."
        )
    if isinstance(error, tf.errors.DataLossError):
        return (
            f"A shard was damaged since the run began ({message}). `python -m "
            "tfrecords_tools.verify DIR` names the record; build it again. "
            + RESUME
        )
    if isinstance(error, tf.errors.NotFoundError):
        return f"A file is gone ({message}). Restore it. {RESUME}"
    if isinstance(error, OSError):
        return f"{message}."
    return None
