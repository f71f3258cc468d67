"""What one record holds. Writer and reader meet here and nowhere else.

A record is one video: its frames, each encoded by itself so that a reader
decodes only those it takes, its id and its labels.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

ENCODINGS = ("jpeg", "raw")
JPEG_QUALITY = 95

VIDEO = "video"
LABEL_PREFIX = "label/"


class Encoded(NamedTuple):
    """Frames of a video, not yet decoded. Also the names of the features."""

    frames: tf.Tensor  # strings (n,)
    encoding: tf.Tensor  # string, one of ENCODINGS
    height: tf.Tensor  # int64, pixels
    width: tf.Tensor


def encode(frames, *, video, labels, encoding="jpeg"):
    """Serializes one video.

    Args:
        frames: uint8 array `(n, height, width, 3)`, RGB.
        video: String, the video's id.
        labels: Dict of label name to int, the class; or, of a multi-label
            one, to a sequence of 0 and 1, one for each class.
        encoding: `"jpeg"`, or `"raw"` for the exact pixels at some ten times
            the size.

    Returns:
        Bytes, a `tf.train.Example`.

    Raises:
        ValueError: If `encoding`, the form of `frames` or of a label is
            another.
    """
    if encoding not in ENCODINGS:
        raise ValueError(
            f"`encoding` must be one of {ENCODINGS}. Received: {encoding!r}."
        )
    if frames.dtype != "uint8" or frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(
            "`frames` must be uint8 (n, height, width, 3). Received: "
            f"{frames.dtype} {frames.shape}."
        )
    encode_frame = _jpeg if encoding == "jpeg" else bytes
    _, height, width, _ = frames.shape
    stored = Encoded(
        frames=_bytes(*map(encode_frame, frames)),
        encoding=_bytes(encoding.encode()),
        height=_ints(height),
        width=_ints(width),
    )
    feature = {
        **stored._asdict(),
        VIDEO: _bytes(video.encode()),
        **{LABEL_PREFIX + name: _label(name, y) for name, y in labels.items()},
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def _bytes(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _label(name, label):
    if np.ndim(label) == 0:
        return _ints(label)
    if np.ndim(label) > 1 or not set(label) <= {0, 1}:
        raise ValueError(
            f"Label {name!r} must be an int, or a sequence of 0 and 1. "
            f"Received: {label!r}."
        )
    return _ints(*label)


def _jpeg(frame):
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, quality)[1].tobytes()


def parse(record, labels, multi_label=None):
    """Reads a record, in a graph; frames stay encoded.

    Args:
        record: Scalar string tensor.
        labels: Names of the labels to read.
        multi_label: Dict of the names of multi-label ones to the number of
            their classes, as `manifest.multi_label` returns it.

    Returns:
        `Encoded`, and a dict of `video`, a string, and for each of `labels` an
        int64 scalar, or, of a multi-label one, an int64 vector of 0 and 1.
    """
    length = multi_label or {}
    number = tf.io.FixedLenFeature((), tf.int64)
    text = tf.io.FixedLenFeature((), tf.string)
    stored = Encoded(
        frames=tf.io.FixedLenSequenceFeature((), tf.string, True),
        encoding=text,
        height=number,
        width=number,
    )
    spec = {**stored._asdict(), VIDEO: text}
    spec |= {
        LABEL_PREFIX + name: tf.io.FixedLenFeature(
            (length[name],) if name in length else (), tf.int64
        )
        for name in labels
    }
    parsed = tf.io.parse_single_example(record, spec)
    return Encoded(*(parsed[name] for name in Encoded._fields)), {
        VIDEO: parsed[VIDEO],
        **{name: parsed[LABEL_PREFIX + name] for name in labels},
    }


def decode_frames(encoded):
    """Decodes frames of either encoding.

    Args:
        encoded: `Encoded`, of at least one frame.

    Returns:
        uint8 tensor `(n, height, width, 3)`, RGB.
    """

    def decode_jpegs():
        pixels = tf.TensorSpec((None, None, 3), tf.uint8)
        return tf.map_fn(
            lambda frame: tf.io.decode_jpeg(frame, channels=3),
            encoded.frames,
            fn_output_signature=pixels,
        )

    frames = tf.cond(
        encoded.encoding == "raw",
        lambda: tf.io.decode_raw(encoded.frames, tf.uint8),
        decode_jpegs,
    )
    return tf.reshape(frames, (-1, encoded.height, encoded.width, 3))
