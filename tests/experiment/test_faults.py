import errno
import pathlib
import re

import pytest
import tensorflow as tf
from absl import flags as absl_flags

from priv_keras.experiment import faults

ROOT = pathlib.Path(__file__).parents[2]

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
        (
            FloatingPointError("target_loss became NaN in turn 3."),
            "target_loss became NaN in turn 3.",
        ),
        (NotADirectoryError(20, "Not a directory", "/a/b"), "Not a directory"),
    ],
)
def test_a_fault_from_outside_is_one_line(error, says, capsys):
    with pytest.raises(SystemExit) as left, faults.report_faults():
        raise error
    assert left.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert says in line


@pytest.mark.parametrize(
    "error", [ValueError("ours"), tf.errors.InternalError(None, None, "bug")]
)
def test_what_is_no_fault_from_outside_keeps_its_traceback(error):
    with pytest.raises(type(error)), faults.report_faults():
        raise error


def test_too_little_memory_names_what_to_make_smaller(capsys):
    with pytest.raises(SystemExit), faults.report_faults():
        tf.zeros([2**44])
    (line,) = re.findall("^error: .*", capsys.readouterr().err, re.M)
    assert "Out of memory at --scale=paper --batch_size=8" in line
    assert "--accumulate_steps" in line


def test_each_fault_of_the_table_names_a_test_of_it():
    """The table is in docs/faults.md: fault, outcome, test."""
    page = (ROOT / "docs" / "faults.md").read_text()
    rows = [row.split("|") for row in page.splitlines() if "`tests/" in row]
    assert len(rows) > 10
    for row in rows:
        file, name = re.search(r"`(\S+\.py)::(test_\w+)`", row[-2]).groups()
        assert f"\ndef {name}(" in (ROOT / file).read_text(), name
