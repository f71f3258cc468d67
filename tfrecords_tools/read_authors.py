"""Reads TFRecords of the paper's authors as clips, without rebuilding them.

Their videos are already cut into clips of 16 whole frames of 160x120 pixels,
uint8, one after the other in one string; their VISPR images are float32.
"""

from typing import NamedTuple

import tensorflow as tf

from tfrecords_tools import read
from tfrecords_tools import schema

WIDTH, HEIGHT = 160, 120
FRAME_BYTES = WIDTH * HEIGHT * 3

INT = tf.io.FixedLenFeature((), tf.int64)
TEXT = tf.io.FixedLenFeature((), tf.string)


def clips(pattern, *, dataset, labels=None, **options):
    """Yields clips as `read.clips` does.

    Args:
        pattern: Glob of the authors' files.
        dataset: One of `LAYOUTS`, the dataset that the records are of.
        labels: Names of the labels to yield; `None` for all of them.
        **options: As `read.clips` takes them. An image is a video of one frame.

    Returns:
        Unbatched `tf.data.Dataset` of dicts: `clips` float32
        `(frames, size, size, 3)` in [0, 1]; int64 `action`, with `actors` for
        SBU, or for VISPR float32 `attributes` `(n,)`, 0 or 1; `video` string,
        a fingerprint of the record: these records do not say which video a
        clip is from, so figures per video cannot be given.

    Raises:
        FileNotFoundError: If no file matches `pattern`.
        ValueError: If `dataset` is unknown, or the first record has another
            layout; says what it holds.
    """
    if dataset not in LAYOUTS:
        raise ValueError(
            f"The authors' records of {dataset!r} are not known. Choose one of "
            f"{', '.join(LAYOUTS)}."
        )
    layout = LAYOUTS[dataset]
    found = read.clips(
        pattern,
        labels=tuple(layout.labels) if labels is None else labels,
        layout=layout,
        **options,
    )
    _check(pattern, dataset, layout)
    return found


def _check(pattern, dataset, layout):
    path = sorted(tf.io.gfile.glob(pattern))[0]
    for record in tf.data.TFRecordDataset(path).take(1):
        try:
            layout.decode_frames(layout.parse(record, tuple(layout.labels))[0])
        except tf.errors.InvalidArgumentError as error:
            held = tf.train.Example.FromString(record.numpy()).features.feature
            raise ValueError(
                f"{path} is not of the authors' layout of {dataset}: "
                f"{error.message}. Its records hold {sorted(held)}."
            ) from error


class Videos(NamedTuple):
    """The layout of records of `video_raw` and int64 labels.

    Attributes:
        labels: Dict of our name for a label to the authors'.
    """

    labels: dict

    def parse(self, record, labels, shapes=None):
        """Parses a record in a graph, as `schema.parse` does."""
        spec = {self.labels[name]: INT for name in labels}
        parsed = tf.io.parse_single_example(record, {"video_raw": TEXT, **spec})
        size = tf.strings.length(parsed["video_raw"])
        whole = tf.debugging.Assert(
            (size > 0) & (size % FRAME_BYTES == 0),
            [f"video_raw must be frames of {FRAME_BYTES} bytes, is", size],
        )
        with tf.control_dependencies([whole] if whole is not None else []):
            starts = tf.range(0, size, FRAME_BYTES)
        lengths = tf.fill(tf.shape(starts), FRAME_BYTES)
        encoded = schema.Encoded(
            tf.strings.substr(parsed["video_raw"], starts, lengths),
            tf.constant("raw"),
            tf.constant(HEIGHT, tf.int64),
            tf.constant(WIDTH, tf.int64),
        )
        about = {name: parsed[self.labels[name]] for name in labels}
        return encoded, {schema.VIDEO: _fingerprint(record), **about}

    def decode_frames(self, encoded, window=None):
        """Returns uint8 `(n, height, width, 3)`, as `schema.decode_frames`."""
        return schema.decode_frames(encoded, window)


class Images(NamedTuple):
    """The layout of records of `image_raw`, in [0, 255], and a float32 vector.

    Attributes:
        labels: Dict of our name for the vector to the authors'.
    """

    labels: dict

    def parse(self, record, labels, shapes=None):
        """Parses a record in a graph, as `schema.parse` does."""
        spec = {name: INT for name in ("height", "width", "nchannel")}
        spec |= {self.labels[name]: TEXT for name in labels}
        parsed = tf.io.parse_single_example(record, {"image_raw": TEXT, **spec})
        encoded = schema.Encoded(
            parsed["image_raw"][None],
            tf.constant("raw"),
            parsed["height"],
            parsed["width"],
        )
        about = {
            name: tf.io.decode_raw(parsed[self.labels[name]], tf.float32)
            for name in labels
        }
        return encoded, {schema.VIDEO: _fingerprint(record), **about}

    def decode_frames(self, encoded, window=None):
        """Returns float32 `(n, height, width, 3)` in [0, 1]."""
        pixels = tf.io.decode_raw(encoded.frames, tf.float32) / 255
        shape = (-1, encoded.height, encoded.width, 3)
        frames = tf.clip_by_value(tf.reshape(pixels, shape), 0, 1)
        return schema.crop(frames, window)


def _fingerprint(record):
    numbers = tf.cast(tf.fingerprint(record[None])[0], tf.int32)
    return tf.strings.reduce_join(
        tf.strings.as_string(numbers, width=3, fill="0")
    )


LAYOUTS = {
    "sbu": Videos({"action": "action_label", "actors": "actor_label"}),
    "ucf101": Videos({"action": "label"}),
    "hmdb51": Videos({"action": "label"}),
    "vispr": Images({"attributes": "label_raw"}),
}
