"""Reads the records of shards, also from the middle of one."""

import tensorflow as tf

from tfrecords_tools import manifest
from tfrecords_tools import storage

BUFFER = 256 * 1024  # bytes read from a file at once, TensorFlow's default


def read_records(pattern, seed=None, runs=None):
    """Reads the records of shards.

    They come in file order. With a seed, shards come in random order instead,
    and the records of four of them are interleaved.

    Args:
        pattern: Glob of shard files, as `read.clips` takes it.
        seed: Int, or `None` for file order.
        runs: Dict of the name of a broken shard to the runs of whole records
            in it, as `integrity.scan` finds them. Every record of the other
            shards is read.

    Returns:
        Dataset of strings.

    Raises:
        FileNotFoundError: If no file matches `pattern`.
    """
    folder = storage.path(pattern).parent
    shards = sorted(tf.io.gfile.glob(str(pattern)))
    if not shards:
        raise FileNotFoundError(
            f"No shard matches {pattern}. {manifest.remedy(folder)}"
        )
    files, read_file = shards, tf.data.TFRecordDataset
    if runs:
        whole = [(0, -1)]
        each = [runs.get(path.rsplit("/", 1)[-1], whole) for path in shards]
        files = (shards, tf.ragged.constant(each, tf.int64, 1, (2,)))
        read_file = _read_runs
    files = tf.data.Dataset.from_tensor_slices(files)
    if seed is None:
        return files.flat_map(read_file).with_options(_untuned())
    return (
        files.shuffle(len(shards), seed=seed)
        .interleave(read_file, cycle_length=4)
        .with_options(_untuned())
    )


def _untuned():
    """Returns options, for a dataset and what is made of it, that keep
    `AUTOTUNE` at TensorFlow's default."""
    options = tf.data.Options()
    # TensorFlow 2.21 may take ten seconds or more to drop an iterator: its
    # tuner misses the cancellation, and sleeps on until its next round.
    options.autotune.enabled = False
    return options


def _read_runs(path, runs):
    return tf.data.Dataset.from_tensor_slices(runs).flat_map(
        lambda run: _from_byte(path, run[0]).take(run[1])
    )


def from_byte(path, offset):
    """Reads the records of a shard from a given byte on.

    Args:
        path: String.
        offset: Int, the first byte of a record.

    Returns:
        Dataset of strings.
    """
    # TensorFlow 2.21 cannot serialize `TFRecordDatasetV2` itself, but does not
    # have to if it is inside a function of another dataset.
    start = tf.data.Dataset.from_tensors(tf.constant(offset, tf.int64))
    return start.flat_map(lambda byte: _from_byte(path, byte))


def _from_byte(path, offset):
    return tf.data.experimental.from_variant(
        tf.raw_ops.TFRecordDatasetV2(
            filenames=[path],
            compression_type="",
            buffer_size=BUFFER,
            byte_offsets=[offset],
        ),
        tf.TensorSpec((), tf.string),
    )
