import numpy as np
import pytest

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
