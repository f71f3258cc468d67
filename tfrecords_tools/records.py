"""Records of shards, from any byte on."""

import tensorflow as tf

from tfrecords_tools import manifest
from tfrecords_tools import storage

BUFFER = 256 * 1024  # bytes that are read of a file at once, as by default


def read_records(pattern, seed=None, runs=None):
    """Records in file order, or where there is a seed, of shards in random
    order, four at a time.

    Args:
        pattern: As of `clips`.
        seed: Int, or `None`.
        runs: Dict of the names of shards that are broken to the runs of whole
            records in them, as `damage.scan` finds them; of other shards every
            record is read.

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
    files, opened = shards, tf.data.TFRecordDataset
    if runs:
        every = [(0, -1)]
        of_shards = [
            runs.get(path.rsplit("/", 1)[-1], every) for path in shards
        ]
        files = (shards, tf.ragged.constant(of_shards, tf.int64, 1, (2,)))
        opened = _runs_of
    files = tf.data.Dataset.from_tensor_slices(files)
    if seed is None:
        return files.flat_map(opened).with_options(_untuned())
    return (
        files.shuffle(len(shards), seed=seed)
        .interleave(opened, cycle_length=4)
        .with_options(_untuned())
    )


def _untuned():
    """Options that what is made of a dataset inherits; `AUTOTUNE` stays at
    TensorFlow's default."""
    options = tf.data.Options()
    # TensorFlow 2.21 may take ten seconds and more to drop an iterator: its
    # tuner misses that it was cancelled, and sleeps on to its next round.
    options.autotune.enabled = False
    return options


def _runs_of(path, runs):
    return tf.data.Dataset.from_tensor_slices(runs).flat_map(
        lambda run: _from_byte(path, run[0]).take(run[1])
    )


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


def from_byte(path, offset):
    """Records of a shard from one that begins at a byte.

    Args:
        path: String.
        offset: Int.

    Returns:
        Dataset of strings.
    """
    # TensorFlow 2.21 cannot serialize `TFRecordDatasetV2` itself, but in a
    # function of another dataset it has not to.
    start = tf.data.Dataset.from_tensors(tf.constant(offset, tf.int64))
    return start.flat_map(lambda byte: _from_byte(path, byte))
