import types

import made_shards  # noqa: F401 (flags count as parsed)
import numpy as np
import pytest
from absl.testing import flagsaver

from priv_keras.experiment import data
from priv_keras.experiment import sides
from priv_keras.experiment.data import check_labels
from priv_keras.experiment.data import check_videos


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_video_in_two_splits_is_refused(split):
    splits = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}
    check_videos(splits)
    splits[split] = ["e", "b"]
    with pytest.raises(ValueError, match=f"in train and in {split}, as b"):
        check_videos(splits)


def test_labels_that_are_all_one_are_refused():
    check_labels("actions", [1, 1, 2])
    check_labels("attributes", np.array([[0, 1], [1, 1]]))
    with pytest.raises(ValueError, match="same actions, 1"):
        check_labels("actions", [1, 1, 1])
    with pytest.raises(ValueError, match=r"same attributes, \[0, 1\]"):
        check_labels("attributes", np.array([[0, 1], [0, 1]]))


def test_labels_are_read_no_further_than_needed():
    labels = iter([1, 2, 3])
    check_labels("actions", labels)
    assert list(labels) == [3]


def side(**splits):
    manifest = {"splits": {k: {"videos": v} for k, v in splits.items()}}
    return types.SimpleNamespace(manifest=manifest, folder="here")


def test_a_test_video_that_trains_from_another_folder_is_refused():
    trained = side(train=["run/a_run_0.avi"], validation=["run/b_run_0.avi"])
    sides._check_untrained([trained], [side(test=["videos/run/c_run_0.avi"])])
    with pytest.raises(ValueError, match="1 test videos of here also train"):
        sides._check_untrained(
            [trained], [side(test=["videos/run/b_run_0.avi"])]
        )


def test_pictures_are_read_whole_and_videos_are_cut():
    with flagsaver.flagsaver(size=32, frame_width=43, frame_height=33):
        assert data._cut("vispr", 1).frame_size == (32, 32)
        assert data._cut("hmdb51", 1).frame_size == (43, 33)
