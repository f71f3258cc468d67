import numpy as np
import pytest
import tensorflow as tf
from made_videos import gray

from tfrecords_tools import schema

FRAMES = np.stack([gray(i) for i in range(3)])


def round_trip(frames, encoding):
    record = schema.encode(
        frames,
        video="a/ü.avi",
        labels={"action": 3, "actors": 7},
        encoding=encoding,
    )
    encoded, about = schema.parse(record, ("actors", "action"))
    return about, schema.decode_frames(encoded)


def test_raw_frames_come_back_exactly():
    about, frames = round_trip(FRAMES, "raw")
    np.testing.assert_array_equal(frames, FRAMES)
    assert about["video"].numpy().decode() == "a/ü.avi"
    assert (about["action"], about["actors"]) == (3, 7)


def test_jpeg_frames_come_back_nearly_and_red_stays_red():
    _, frames = round_trip(FRAMES, "jpeg")
    difference = np.abs(frames.numpy().astype(int) - FRAMES)
    assert difference.max() < 12
    assert frames[..., 0].numpy().mean() > frames[..., 2].numpy().mean() + 30


@pytest.mark.parametrize("encoding", schema.ENCODINGS)
def test_a_record_says_how_it_is_encoded(encoding):
    # A JPEG of 2x2 pixels is longer than raw bytes: lengths say nothing.
    _, frames = round_trip(np.full((5, 2, 2, 3), 99, "uint8"), encoding)
    assert frames.shape == (5, 2, 2, 3)
    np.testing.assert_allclose(frames, 99, atol=1)


@pytest.mark.parametrize("encoding", schema.ENCODINGS)
def test_frames_decode_in_a_graph(encoding):
    record = schema.encode(FRAMES, video="v", labels={}, encoding=encoding)
    (frames,) = tf.data.Dataset.from_tensors(record).map(
        lambda record: schema.decode_frames(schema.parse(record, ())[0])
    )
    np.testing.assert_allclose(frames, FRAMES, atol=12)


def test_the_same_video_gives_the_same_bytes():
    labels = {"b": 1, "a": 2}
    first, second = (
        schema.encode(FRAMES, video="v", labels=dict(order))
        for order in (labels.items(), reversed(labels.items()))
    )
    assert first == second


def test_a_multi_label_one_is_a_vector():
    labels = {"action": 3, "attributes": (0, 1, 1)}
    record = schema.encode(FRAMES, video="v", labels=labels)
    _, about = schema.parse(record, tuple(labels), {"attributes": (3,)})
    assert about["attributes"].numpy().tolist() == [0, 1, 1]
    assert about["action"].shape == ()
    for shapes in ({}, {"attributes": (2,)}):
        with pytest.raises(tf.errors.InvalidArgumentError, match="label/attr"):
            schema.parse(record, tuple(labels), shapes)


@pytest.mark.parametrize("rows", [2, 3, 5])
def test_a_label_of_each_frame_is_cut_or_filled_with_unknown(rows):
    label = np.arange(2 * rows).reshape(rows, 2) % 3 - 1
    record = schema.encode(FRAMES, video="v", labels={"a": label})
    _, about = schema.parse(record, ("a",), {"a": (None, 2)})
    expected = np.concatenate([label, [[-1, -1]]])[:3]
    np.testing.assert_array_equal(about["a"], expected)


@pytest.mark.parametrize("label", [(0, 2), (0, -1), [[0, 2]], [[[0]]]])
def test_a_multi_label_one_is_of_0_and_1(label):
    with pytest.raises(ValueError, match="'a' must be an int, or a sequence"):
        schema.encode(FRAMES, video="v", labels={"a": label})


def test_a_missing_label_is_an_error():
    record = schema.encode(FRAMES, video="v", labels={"action": 1})
    with pytest.raises(tf.errors.InvalidArgumentError, match="label/actors"):
        schema.parse(record, ("actors",))


def test_another_encoding_or_form_is_refused():
    with pytest.raises(ValueError, match="Received: 'webp'"):
        schema.encode(FRAMES, video="v", labels={}, encoding="webp")
    with pytest.raises(ValueError, match=r"a frame: float32 \(24, 32, 3"):
        schema.encode(FRAMES.astype("float32"), video="v", labels={})
    with pytest.raises(ValueError, match=r"a frame: uint8 \(32, 3\)"):
        schema.encode(FRAMES[0], video="v", labels={})


def test_frames_may_come_one_by_one_but_must_come_and_be_alike():
    labels = {"action": 1}
    streamed = schema.encode(iter(FRAMES), video="v", labels=labels)
    assert streamed == schema.encode(FRAMES, video="v", labels=labels)
    with pytest.raises(ValueError, match="`frames` must not be empty"):
        schema.encode(iter([]), video="v", labels=labels)
    with pytest.raises(ValueError, match=r"a frame: uint8 \(2, 32, 3\)"):
        schema.encode([FRAMES[0], FRAMES[1][:2]], video="v", labels=labels)


@pytest.mark.parametrize("encoding", schema.ENCODINGS)
def test_a_window_is_what_is_cut_from_whole_frames(encoding):
    record = schema.encode(FRAMES, video="v", labels={}, encoding=encoding)
    encoded, _ = schema.parse(record, ())
    whole = schema.decode_frames(encoded).numpy().astype(int)
    for top, left in ((0, 0), (3, 5), (8, 16)):
        cut = schema.decode_frames(encoded, tf.constant([top, left, 16, 16]))
        expected = whole[:, top : top + 16, left : left + 16]
        # Chroma from outside the window does not blend in at its border.
        np.testing.assert_allclose(cut, expected, atol=encoding == "jpeg" and 8)
        np.testing.assert_allclose(
            cut[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1
        )


@pytest.mark.parametrize("window", [None, [0, 0, 8, 8]])
def test_a_frame_of_too_many_pixels_is_not_decoded(window):
    frames = np.stack([gray(0)])
    example = tf.train.Example.FromString(
        schema.encode(frames, video="v", labels={})
    )
    stored = example.features.feature["frames"].bytes_list.value
    bomb = bytearray(stored[0])
    start = bomb.index(b"\xff\xc0") + 5
    bomb[start : start + 4] = (20_000).to_bytes(2, "big") * 2
    stored[0] = bytes(bomb)
    encoded, _ = schema.parse(example.SerializeToString(), ())
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many pixels"):
        schema.decode_frames(encoded, window)
    decode = tf.function(lambda: schema.decode_frames(encoded, window))
    with pytest.raises(tf.errors.InvalidArgumentError, match="too many pixels"):
        decode()
