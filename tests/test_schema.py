import numpy as np
import pytest
import tensorflow as tf
from made_videos import gray

from tfrecords_tools import schema

FRAMES = np.stack([gray(i) for i in range(3)])


def round_trip(encoding):
    record = schema.encode(
        FRAMES,
        video="a/ü.avi",
        labels={"action": 3, "actors": 7},
        encoding=encoding,
    )
    parsed = schema.parse(record, ("actors", "action"))
    return parsed, schema.decode_frames(parsed["frames"], parsed["shape"])


def test_raw_frames_come_back_exactly():
    parsed, frames = round_trip("raw")
    np.testing.assert_array_equal(frames, FRAMES)
    assert parsed["video"].numpy().decode() == "a/ü.avi"
    assert (parsed["action"], parsed["actors"]) == (3, 7)


def test_jpeg_frames_come_back_nearly_and_red_stays_red():
    _, frames = round_trip("jpeg")
    difference = np.abs(frames.numpy().astype(int) - FRAMES)
    assert difference.max() < 12
    assert frames[..., 0].numpy().mean() > frames[..., 2].numpy().mean() + 30


def test_a_missing_label_is_an_error():
    record = schema.encode(FRAMES, video="v", labels={"action": 1})
    with pytest.raises(tf.errors.InvalidArgumentError, match="label/actors"):
        schema.parse(record, ("actors",))
