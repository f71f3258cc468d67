"""Records of the paper's authors are read as ours are."""

import numpy as np
import pytest
import tensorflow as tf
from made_videos import gray

from tfrecords_tools import read
from tfrecords_tools import read_authors
from tfrecords_tools import schema

VIDEO = np.stack([gray(t, 120, 160) for t in range(16)])
IMAGE = np.random.default_rng(0).uniform(0, 255, (112, 112, 3))
ATTRIBUTES = [1, 0, 0, 1, 0, 1, 0]


def example(**features):
    def feature(value):
        if isinstance(value, int):
            return tf.train.Feature(int64_list={"value": [value]})
        return tf.train.Feature(bytes_list={"value": [value]})

    features = {name: feature(value) for name, value in features.items()}
    return tf.train.Example(features={"feature": features}).SerializeToString()


RECORDS = {
    "sbu": example(action_label=3, actor_label=7, video_raw=VIDEO.tobytes()),
    "ucf101": example(label=100, video_raw=VIDEO.tobytes()),
    "hmdb51": example(label=50, video_raw=VIDEO.tobytes()),
    "vispr": example(
        height=112,
        width=112,
        nchannel=3,
        image_raw=IMAGE.astype("float32").tobytes(),
        label_raw=np.array(ATTRIBUTES, "float32").tobytes(),
    ),
}


@pytest.fixture
def write(tmp_path):
    def write(*records):
        path = str(tmp_path / "authors.tfrecords")
        with tf.io.TFRecordWriter(path) as writer:
            for record in records:
                writer.write(record)
        return path

    return write


@pytest.mark.parametrize(
    ("dataset", "labels"),
    [
        ("sbu", {"action": 3, "actors": 7}),
        ("ucf101", {"action": 100}),
        ("hmdb51", {"action": 50}),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_videos_give_the_clips_that_ours_give(write, dataset, labels, training):
    options = {"training": training, "flip": training, "size": 112, "seed": 3}
    path = write(RECORDS[dataset])
    (theirs,) = read_authors.clips(path, dataset=dataset, **options)
    path = write(schema.encode(VIDEO, video="v", labels=labels, encoding="raw"))
    (ours,) = read.clips(path, labels=tuple(labels), **options)
    assert theirs.keys() == ours.keys()
    np.testing.assert_array_equal(theirs["clips"], ours["clips"])
    for name, label in labels.items():
        assert theirs[name].dtype == ours[name].dtype == tf.int64
        assert int(theirs[name]) == int(ours[name]) == label
    assert theirs["clips"].shape == (16, 112, 112, 3)


def test_images_are_clips_of_one_frame(write):
    path = write(RECORDS["vispr"])
    (found,) = read_authors.clips(path, dataset="vispr", frames=1)
    assert found["clips"].shape == (1, 112, 112, 3)
    np.testing.assert_allclose(found["clips"][0], IMAGE / 255, atol=1e-6)
    np.testing.assert_array_equal(found["attributes"], ATTRIBUTES)


def test_a_record_is_named_by_its_bytes(write):
    other = example(label=2, video_raw=VIDEO.tobytes())
    path = write(RECORDS["ucf101"], other, RECORDS["ucf101"])
    names = [
        clip["video"].numpy()
        for clip in read_authors.clips(path, dataset="ucf101")
    ]
    assert names[0] == names[2] != names[1]
    assert all(len(name) == 24 and name.isdigit() for name in names)


def test_labels_can_be_left_out(write):
    path = write(RECORDS["sbu"])
    (found,) = read_authors.clips(path, dataset="sbu", labels=("actors",))
    assert found.keys() == {"clips", "video", "actors"}


def test_another_layout_is_refused_before_the_first_clip(write):
    with pytest.raises(ValueError, match="Choose one of sbu, ucf101, hmdb51"):
        read_authors.clips("x", dataset="kinetics")
    with pytest.raises(FileNotFoundError, match="No shard matches x-"):
        read_authors.clips("x-*", dataset="sbu")
    path = write(RECORDS["ucf101"])
    with pytest.raises(
        ValueError, match=r"layout of sbu: .* hold \['label', 'video_raw'\]"
    ):
        read_authors.clips(path, dataset="sbu")
    path = write(example(label=1, video_raw=VIDEO.tobytes()[:-1]))
    with pytest.raises(ValueError, match="must be frames of 57600 bytes"):
        read_authors.clips(path, dataset="hmdb51")
    path = write(schema.encode(VIDEO, video="v", labels={}))
    with pytest.raises(ValueError, match="authors' layout of vispr"):
        read_authors.clips(path, dataset="vispr")
