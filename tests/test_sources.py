import collections
import pathlib

import pytest
from made_videos import sbu_folder

from tfrecords_tools.sources import puppets
from tfrecords_tools.sources import sbu
from tfrecords_tools.sources import ut_interaction

SHARED = pathlib.Path(__file__).parents[2] / "shared" / "data"
needs_sbu = pytest.mark.skipif(
    not (SHARED / "sbu").is_dir(), reason="SBU's split lists are not here"
)
needs_ut = pytest.mark.skipif(
    not (SHARED / "ut_interaction").is_dir(), reason="no UT-Interaction here"
)


def test_sbu_has_21_sets_of_13_pairs_whose_order_counts_for_nothing():
    assert len(sbu.PAIR_OF) == 21
    assert set(sbu.PAIR_OF.values()) == set(range(13))
    assert sbu.PAIR_OF["s06s02"] == sbu.PAIR_OF["s02s06"] == 4
    assert sbu.PAIR_OF["s02s07"] == 5
    assert set(puppets.SETS) == set(sbu.PAIR_OF)


@pytest.mark.parametrize("nested", [False, True])
def test_sbu_labels_come_from_the_path(tmp_path, nested):
    root = tmp_path / "s01s02" if nested else tmp_path
    sbu_folder(root, sets=("s01s02",), takes=1)
    listing = sbu.list_videos(tmp_path)
    assert [v.labels for v in listing.videos] == [
        {"action": 0, "actors": 0},
        {"action": 2, "actors": 0},
    ]


def test_dealt_splits_are_seeded_and_about_60_15_25(tmp_path):
    for pair in sbu.PAIR_OF:
        for take in range(6):
            (tmp_path / pair / "01" / f"{take:03d}").mkdir(parents=True)
    splits = [
        [v.split for v in sbu.list_videos(tmp_path, seed=seed).videos]
        for seed in (0, 0, 1)
    ]
    assert splits[0] == splits[1] != splits[2]
    counts = collections.Counter(splits[0])
    shares = [counts[s] / 126 for s in ("train", "validation", "test")]
    assert shares == pytest.approx([0.6, 0.15, 0.25], abs=0.03)


def test_a_set_that_sbu_has_not_is_named(tmp_path):
    sbu_folder(tmp_path, sets=("s01s04",), takes=1)
    with pytest.raises(ValueError, match="s01s04, which SBU has not"):
        sbu.list_videos(tmp_path)


@needs_sbu
def test_the_lists_of_sbu_split_188_and_94_and_agree_with_their_paths():
    train = sbu.read_list(SHARED / "sbu" / "bdq_train.txt")
    test = sbu.read_list(SHARED / "sbu" / "bdq_val.txt")
    assert (len(train), len(test)) == (188, 94)
    assert not train.keys() & test.keys()


@needs_sbu
def test_the_test_list_tests_and_a_fifth_of_the_rest_validates(tmp_path):
    listed = {
        split: sbu.read_list(SHARED / "sbu" / f"bdq_{split}.txt")
        for split in ("train", "val")
    }
    for name in listed["train"] | listed["val"]:
        (tmp_path / name).mkdir(parents=True)
    videos = sbu.list_videos(tmp_path, split_dir=SHARED / "sbu").videos
    split_of = collections.defaultdict(set)
    for video in videos:
        split_of[video.split].add(video.id)
    assert split_of["test"] == set(listed["val"])
    assert split_of["train"] | split_of["validation"] == set(listed["train"])
    assert len(split_of["validation"]) == pytest.approx(188 / 5, abs=1)


def test_a_contradicting_list_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("SBU/s01s02/s01s02/01/001,1,20,1,0\n")
    with pytest.raises(ValueError, match="are not its path's"):
        sbu.read_list(tmp_path / "list.txt")


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
    assert classes["train", "action"] == set(range(6))
    assert classes["train", "actors"] == set(range(20))


def test_ut_interaction_refuses_other_folds_and_names(tmp_path):
    with pytest.raises(ValueError, match="Received: 6"):
        ut_interaction.list_videos(tmp_path, fold=6)
    (tmp_path / "0_21_3.avi").touch()
    with pytest.raises(ValueError, match="0_21_3.avi is not named"):
        ut_interaction.list_videos(tmp_path)
