"""The format of a record, which is all that writer and reader share.

A record is one video: its id, its labels and its frames, each encoded by itself
so that a reader decodes only those it takes.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfrecords_tools.picture import MAX_PIXELS
from tfrecords_tools.sources.listing import UNKNOWN

ENCODINGS = ("jpeg", "raw")
JPEG_QUALITY = 95

VIDEO = "video"
LABEL_PREFIX = "label/"


class Encoded(NamedTuple):
    """Frames of a video, not yet decoded; the fields name the features."""

    frames: tf.Tensor  # strings (n,)
    encoding: tf.Tensor  # string, one of ENCODINGS
    height: tf.Tensor  # int64, pixels
    width: tf.Tensor


def encode(frames, *, video, labels, encoding="jpeg"):
    """Serializes one video.

    Args:
        frames: uint8 array `(n, height, width, 3)`, RGB, or an iterable of
            such frames, which is consumed one frame at a time.
        video: String, the video's id.
        labels: Dict of label name to an int, the class; for a multi-label
            one, to a sequence of 0 and 1, one for each class; for one that
            each frame has for itself, to an array `(rows, classes)` of 0, 1
            and `UNKNOWN`. Rows beyond the last frame are dropped, and frames
            beyond the last row are unknown.
        encoding: `"jpeg"`, or `"raw"` for the exact pixels at about ten times
            the size.

    Returns:
        Bytes, a `tf.train.Example`.

    Raises:
        ValueError: If `encoding` is unknown, or `frames` or a label has
            another form.
    """
    if encoding not in ENCODINGS:
        raise ValueError(
            f"`encoding` must be one of {ENCODINGS}. Received: {encoding!r}."
        )
    encode_frame = _jpeg if encoding == "jpeg" else bytes
    encoded, shape = [], None
    for frame in frames:
        _check_frame(frame, shape)
        shape = frame.shape
        encoded.append(encode_frame(frame))
    if not encoded:
        raise ValueError("`frames` must not be empty.")
    stored = Encoded(
        frames=_bytes(*encoded),
        encoding=_bytes(encoding.encode()),
        height=_ints(shape[0]),
        width=_ints(shape[1]),
    )
    feature = {
        **stored._asdict(),
        VIDEO: _bytes(video.encode()),
        **{
            LABEL_PREFIX + name: _label(name, label, len(encoded))
            for name, label in labels.items()
        },
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def _check_frame(frame, shape):
    form = frame.dtype == "uint8" and frame.ndim == 3 and frame.shape[2] == 3
    if not form or shape not in (None, frame.shape):
        raise ValueError(
            "`frames` must be uint8 (n, height, width, 3). Received a frame: "
            f"{frame.dtype} {frame.shape}."
        )


def _bytes(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _label(name, label, frames):
    if np.ndim(label) == 0:
        return _ints(label)
    allowed = (0, 1) if np.ndim(label) == 1 else (0, 1, UNKNOWN)
    if np.ndim(label) > 2 or not np.isin(label, allowed).all():
        raise ValueError(
            f"Label {name!r} must be an int, or a sequence of 0 and 1, or "
            f"one for each frame, with {UNKNOWN} for unknown. Received: "
            f"{label!r}."
        )
    if np.ndim(label) == 1:
        return _ints(*label)
    missing = max(0, frames - len(label))
    rows = np.pad(label, ((0, missing), (0, 0)), constant_values=UNKNOWN)[
        :frames
    ]
    return _ints(*rows.ravel().tolist())


def _jpeg(frame):
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, quality)[1].tobytes()


def parse(record, labels, shapes=None):
    """Parses a record in a graph; frames stay encoded.

    Args:
        record: Scalar string tensor.
        labels: Names of the labels to read.
        shapes: Dict of label name to shape, for labels that are not scalars,
            as `manifest.label_shapes` returns it.

    Returns:
        `Encoded`, and a dict of `video`, a string, and an int64 tensor for each
        of `labels`: a scalar, `(classes,)` for a multi-label one, or
        `(frames, classes)` for one that each frame has for itself.
    """
    shapes = shapes or {}
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
        LABEL_PREFIX + name: _label_feature(shapes.get(name, ()))
        for name in labels
    }
    parsed = tf.io.parse_single_example(record, spec)
    return Encoded(*(parsed[name] for name in Encoded._fields)), {
        VIDEO: parsed[VIDEO],
        **{name: parsed[LABEL_PREFIX + name] for name in labels},
    }


def _label_feature(shape):
    if shape[:1] == (None,):
        return tf.io.FixedLenSequenceFeature(shape[1:], tf.int64, True)
    return tf.io.FixedLenFeature(shape, tf.int64)


def count_frames(record):
    """Returns the number of frames of a serialized video.

    Args:
        record: Bytes, as `encode` returns them.
    """
    features = tf.train.Example.FromString(record).features.feature
    return len(features["frames"].bytes_list.value)


def decode_frames(encoded, window=None):
    """Decodes frames of either encoding.

    Args:
        encoded: `Encoded`, with at least one frame.
        window: int32 tensor `(top, left, height, width)`, the part of each
            frame to decode, in pixels; `None` for all of it.

    Returns:
        uint8 tensor `(n, height, width, 3)`, RGB. Evaluating it raises
        `tf.errors.InvalidArgumentError` if a frame is not a JPEG, or has more
        than `picture.MAX_PIXELS` pixels.
    """

    def decode_jpeg(frame):
        with tf.control_dependencies([_check_pixels(frame)]):
            if window is None:
                return tf.io.decode_jpeg(frame, channels=3)
            return tf.io.decode_and_crop_jpeg(frame, window, channels=3)

    def decode_jpegs():
        if encoded.frames.shape[0]:  # in parallel, without a loop
            return tf.stack(
                [decode_jpeg(f) for f in tf.unstack(encoded.frames)]
            )
        pixels = tf.TensorSpec((None, None, 3), tf.uint8)
        return tf.map_fn(
            decode_jpeg, encoded.frames, fn_output_signature=pixels
        )

    def decode_raw():
        frames = tf.io.decode_raw(encoded.frames, tf.uint8)
        shape = (-1, encoded.height, encoded.width, 3)
        return crop(tf.reshape(frames, shape), window)

    return tf.cond(encoded.encoding == "raw", decode_raw, decode_jpegs)


def _check_pixels(frame):
    """Asserts, from its header, that a JPEG will not fill the memory."""
    height, width, _ = tf.unstack(
        tf.cast(tf.io.extract_jpeg_shape(frame), tf.int64)
    )
    return tf.debugging.Assert(
        height * width <= MAX_PIXELS,
        ["A frame has too many pixels:", width, "x", height],
    )


def crop(frames, window):
    """Cuts a window out of frames.

    Args:
        frames: Tensor `(n, height, width, 3)`.
        window: int32 tensor `(top, left, height, width)`, or `None`.

    Returns:
        Tensor of the window's size.
    """
    if window is None:
        return frames
    start = tf.concat([[0], window[:2], [0]], 0)
    return tf.slice(frames, start, tf.concat([[-1], window[2:], [3]], 0))
