"""What one record holds. Writer and reader meet here and nowhere else.

A record is one video: its frames, each encoded by itself so that a reader
decodes only those it takes, its id and its labels.
"""

import tensorflow as tf

ENCODINGS = ("jpeg", "raw")
JPEG_QUALITY = 95

FRAMES = "frames"
SHAPE = "shape"  # (height, width, channels) of a frame
VIDEO = "video"
LABEL_PREFIX = "label/"


def encode(frames, *, video, labels, encoding="jpeg"):
    """Serializes one video.

    Args:
        frames: uint8 array `(n, height, width, 3)`, RGB.
        video: String, the video's id.
        labels: Dict of label name to int.
        encoding: `"jpeg"`, or `"raw"` for the exact pixels at some ten times
            the size.

    Returns:
        Bytes, a `tf.train.Example`.
    """
    encode_frame = _jpeg if encoding == "jpeg" else bytes
    feature = {
        FRAMES: _bytes([encode_frame(frame) for frame in frames]),
        SHAPE: _ints(frames.shape[1:]),
        VIDEO: _bytes([video.encode()]),
        **{LABEL_PREFIX + name: _ints([y]) for name, y in labels.items()},
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def _bytes(values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _ints(values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _jpeg(frame):
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, quality)[1].tobytes()


def parse(record, labels):
    """Reads a record, in a graph; frames stay encoded.

    Args:
        record: Scalar string tensor.
        labels: Names of the labels to read.

    Returns:
        Dict: `frames` strings `(n,)`, `shape` int64 `(3,)`, `video` string,
        and an int64 scalar for each of `labels`.
    """
    spec = {
        FRAMES: tf.io.FixedLenSequenceFeature((), tf.string, True),
        SHAPE: tf.io.FixedLenFeature((3,), tf.int64),
        VIDEO: tf.io.FixedLenFeature((), tf.string),
        **{
            LABEL_PREFIX + name: tf.io.FixedLenFeature((), tf.int64)
            for name in labels
        },
    }
    parsed = tf.io.parse_single_example(record, spec)
    return {name.removeprefix(LABEL_PREFIX): parsed[name] for name in spec}


def decode_frames(frames, shape):
    """Decodes frames of either encoding.

    Args:
        frames: String tensor `(n,)`.
        shape: int64 `(3,)`, of a frame.

    Returns:
        uint8 tensor `(n, height, width, 3)`.
    """

    # No JPEG is as long as its pixels are.
    is_raw = tf.cast(tf.strings.length(frames[0]), tf.int64) == tf.reduce_prod(
        shape
    )

    def decode(frame):
        return tf.cond(
            is_raw,
            lambda: tf.reshape(tf.io.decode_raw(frame, tf.uint8), shape),
            lambda: tf.io.decode_jpeg(frame, channels=3),
        )

    pixels = tf.TensorSpec((None, None, 3), tf.uint8)
    return tf.map_fn(decode, frames, fn_output_signature=pixels)
