import errno

import pytest
import tensorflow as tf
from absl import flags as absl_flags

from priv_keras import faults

if not absl_flags.FLAGS.is_parsed():
    absl_flags.FLAGS.mark_as_parsed()


@pytest.mark.parametrize(
    "error, says",
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (
            OSError("Can't write data (errno = 28, No space left on device)"),
            "The disk is full",
        ),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "/run/x.tmp; No space left on device"
            ),
            "The disk is full",
        ),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "OOM when allocating tensor"
            ),
            "--batch_size=8",
        ),
        (
            tf.errors.DataLossError(None, None, "corrupted record at 99"),
            "A shard was damaged since the run began (corrupted record at 99)",
        ),
        (
            tf.errors.NotFoundError(None, None, "train-00000.tfrecord; gone"),
            "A file is gone (train-00000.tfrecord; gone)",
        ),
        (NotADirectoryError(20, "Not a directory", "/a/b"), "Not a directory"),
    ],
)
def test_a_fault_from_outside_is_one_line(error, says, capsys):
    with pytest.raises(SystemExit) as left, faults.told():
        raise error
    assert left.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert says in line


@pytest.mark.parametrize(
    "error", [ValueError("ours"), tf.errors.InternalError(None, None, "bug")]
)
def test_what_is_no_fault_from_outside_keeps_its_traceback(error):
    with pytest.raises(type(error)), faults.told():
        raise error
