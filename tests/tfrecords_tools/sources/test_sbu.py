import collections

import pytest
from made_videos import sbu_folder
from shared_data import SHARED
from shared_data import needs

from tfrecords_tools.puppets import cast
from tfrecords_tools.sources import sbu

needs_sbu = needs("sbu")


def test_sbu_has_21_sets_of_13_pairs_whose_order_counts_for_nothing():
    assert len(sbu.PAIR_OF) == 21
    assert set(sbu.PAIR_OF.values()) == set(range(13))
    assert sbu.PAIR_OF["s06s02"] == sbu.PAIR_OF["s02s06"] == 4
    assert sbu.PAIR_OF["s02s07"] == 5
    assert set(cast.SETS) == set(sbu.PAIR_OF)


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
    with pytest.raises(ValueError, match="s01s04, which SBU does not have"):
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


def lists(folder, train, test):
    for file, names in (("bdq_train.txt", train), ("bdq_val.txt", test)):
        lines = [f"SBU/s01s02/{name},1,20,0,0\n" for name in names]
        (folder / file).write_text("".join(lines))


def test_lists_split_nested_folders_and_keep_what_is_missing(tmp_path):
    names = [f"s01s02/01/00{take}" for take in range(1, 5)]
    for name in names[1:]:
        (tmp_path / "s01s02" / name).mkdir(parents=True)
    lists(tmp_path, names[:3], names[3:])
    videos = sbu.list_videos(tmp_path, split_dir=tmp_path).videos
    nested = [f"s01s02/{name}" for name in names]
    assert [video.id for video in videos] == [names[0], *nested[1:]]
    assert [video.split for video in videos].count("validation") == 1
    assert videos[3].split == "test"


def test_lists_that_leave_out_or_repeat_a_video_are_refused(tmp_path):
    names = [f"s01s02/01/00{take}" for take in range(1, 4)]
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    lists(tmp_path, names[:1], names[1:2])
    with pytest.raises(ValueError, match="1 videos are in no .*s01s02/01/003"):
        sbu.list_videos(tmp_path, split_dir=tmp_path)
    lists(tmp_path, names, names[:1])
    with pytest.raises(ValueError, match="train and test on the same 1 vid"):
        sbu.list_videos(tmp_path, split_dir=tmp_path)


def test_a_contradicting_list_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("s01s02/01/001\n")
    with pytest.raises(ValueError, match="'s01s02/01/001' is not SBU/"):
        sbu.read_list(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text("SBU/s01s02/s01s02/01/001,1,20,1,0\n")
    with pytest.raises(ValueError, match="are not those of its path"):
        sbu.read_list(tmp_path / "list.txt")


def empty_videos(root, sets):
    for pair in sets:
        for action in (1, 3):
            (root / pair / f"{action:02d}" / "001").mkdir(parents=True)
    return root


def sets_of(videos):
    """Returns a dict of split to the sets that it has videos of."""
    found = collections.defaultdict(set)
    for video in videos:
        found[video.split].add(video.id.split("/")[0])
    return found


def test_the_actors_split_holds_out_whole_sets_of_known_pairs(tmp_path):
    root = empty_videos(tmp_path, sbu.PAIR_OF)
    by_seed = [
        sets_of(sbu.list_videos(root, split="actors", seed=seed).videos)
        for seed in (0, 0, 1)
    ]
    assert by_seed[0] == by_seed[1] != by_seed[2]
    for found in by_seed:
        assert [len(found[s]) for s in ("train", "validation", "test")] == [
            13,
            3,
            5,
        ]
        assert set.union(*found.values()) == set(sbu.PAIR_OF)
        trained = {sbu.PAIR_OF[name] for name in found["train"]}
        assert trained == set(range(13))


def test_the_actors_split_wants_pairs_of_two_sets_and_no_lists(tmp_path):
    empty_videos(tmp_path, ("s01s02", "s02s01", "s01s03", "s02s07"))
    with pytest.raises(ValueError, match="have two, .*: 1 of the pairs"):
        sbu.list_videos(tmp_path, split="actors")
    empty_videos(tmp_path, ("s02s06", "s06s02"))
    found = sets_of(sbu.list_videos(tmp_path, split="actors").videos)
    assert {split: len(sets) for split, sets in found.items()} == {
        "train": 4,
        "test": 1,
        "validation": 1,
    }
    with pytest.raises(ValueError, match="actors without --split_dir"):
        sbu.list_videos(tmp_path, split="actors", split_dir=tmp_path)
    with pytest.raises(ValueError, match="Received: '1'"):
        sbu.list_videos(tmp_path, split="1")
