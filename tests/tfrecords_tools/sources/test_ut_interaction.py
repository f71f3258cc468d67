import collections

import pytest
from shared_data import SHARED
from shared_data import needs

from tfrecords_tools.sources import ut_interaction

needs_ut = needs("ut_interaction")


@needs_ut
def test_each_clip_of_ut_interaction_tests_in_one_fold():
    tested = collections.Counter(
        video.id
        for fold in range(6)
        for video in ut_interaction.list_videos(
            SHARED / "ut_interaction", fold=fold
        ).videos
        if video.split == "test"
    )
    assert len(tested) == 120
    assert set(tested.values()) == {1}


@needs_ut
@pytest.mark.parametrize("fold", range(6))
def test_folds_of_ut_interaction(fold):
    listing = ut_interaction.list_videos(SHARED / "ut_interaction", fold=fold)
    assert len(listing.videos) == 120
    split_of = collections.defaultdict(set)
    classes = collections.defaultdict(set)
    for video in listing.videos:
        action, actors = video.labels["action"], video.labels["actors"]
        split_of[action, actors].add(video.split)
        classes[video.split, "action"].add(action)
        classes[video.split, "actors"].add(actors)
    assert {len(splits) for splits in split_of.values()} == {1}
    counts = collections.Counter(video.split for video in listing.videos)
    assert min(counts["validation"], counts["test"]) >= 19
    assert len(listing.labels["actors"]) == 20
    assert classes["train", "action"] == set(range(6))
    assert classes["train", "actors"] == set(range(20))


def test_ut_interaction_refuses_other_folds_and_names(tmp_path):
    with pytest.raises(ValueError, match="Received: 6"):
        ut_interaction.list_videos(tmp_path, fold=6)
    (tmp_path / "0_21_3.avi").touch()
    with pytest.raises(ValueError, match="0_21_3.avi is not named"):
        ut_interaction.list_videos(tmp_path)
