import functools
import pathlib
import shutil

import pytest
from broken_shards import flip
from broken_shards import records
from broken_shards import spoil_frames
from made_videos import sbu_folder

from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import write
from tfrecords_tools.records import read_records


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write.build("sbu", sbu_folder(folder / "raw"), folder, size=(32, 24))
    return folder / "sbu"


@pytest.fixture
def train(built, tmp_path):
    """Returns the one shard of the training split, in a copy of all."""
    copy = pathlib.Path(shutil.copytree(built, tmp_path / "sbu"))
    return next(copy.glob("train-*"))


def scan(path):
    content = manifest.load(path.parent)
    (shard,) = content["splits"]["train"]["shards"]
    return integrity.scan(path.parent, "train", shard, content)


def test_a_sound_shard_is_one_run(train):
    count = len(records(train))
    videos = manifest.load(train.parent)["splits"]["train"]["videos"]
    found = scan(train)
    assert found.broken == {}
    assert found.runs == [(0, count)]
    assert sorted(found.videos) == sorted(videos)


def test_records_are_read_around_those_that_are_broken(train):
    whole = records(train)
    spoil_frames(train, 3)
    flip(train, 5, 12 + 40)
    flip(train, 6, -3)  # in the checksum of record 5, which is broken already
    flip(train, len(whole) - 1, 12 + 40)
    found = scan(train)
    assert list(found.broken) == [3, 5, len(whole) - 1]
    assert "cannot be decoded" in found.broken[3]
    assert "checksum" in found.broken[5]
    kept = [r for i, r in enumerate(whole) if i not in found.broken]
    find = functools.partial(
        read_records,
        str(train.parent / "train-*"),
        runs={train.name: found.runs},
    )
    assert list(find().as_numpy_iterator()) == kept
    # What is left out does not change the order of what is left.
    assert list(find(seed=3).as_numpy_iterator()) == kept


@pytest.mark.parametrize("byte", [0, 9])
def test_a_damaged_length_ends_what_can_be_read(train, byte):
    whole = records(train)
    flip(train, 4, byte)
    found = scan(train)
    assert list(found.broken) == list(range(4, len(whole)))
    assert "nothing after it is found" in found.broken[4]
    assert found.runs == [(0, 4)]


@pytest.mark.parametrize("left", [5, 12, 200])
def test_a_shard_that_is_cut_off_keeps_what_is_before(train, left):
    whole = records(train)
    starts = [start for start, _ in integrity.framed(train)]
    train.write_bytes(train.read_bytes()[: starts[2] + left])
    assert list(scan(train).broken) == list(range(2, len(whole)))


def test_a_shard_of_nothing_whole(train):
    whole = records(train)
    train.write_bytes(b"")
    found = scan(train)
    assert list(found.broken) == list(range(len(whole)))
    of_train, of_all = (
        str(train.parent / p) for p in ("train-*", "*.tfrecord")
    )
    runs = {train.name: found.runs}
    assert list(read_records(of_train, runs=runs)) == []
    assert len(list(read_records(of_all, runs=runs))) == 24 - len(whole)
    content = manifest.load(train.parent)
    every = dict(integrity.scan_all(train.parent, content))
    with pytest.raises(ValueError, match="No record of the split train is"):
        integrity.without_broken(content, every)


def test_the_manifest_of_what_is_left_agrees_with_the_shards(train):
    flip(train, 1, 12 + 40)
    content = manifest.load(train.parent)
    found = dict(integrity.scan_all(train.parent, content))
    left = integrity.without_broken(content, found)
    before, after = (c["splits"]["train"] for c in (content, left))
    assert len(before["videos"]) - len(after["videos"]) == 1
    assert len(after["videos"]) == len(after["frames"])
    assert after["shards"][0]["records"] == len(after["videos"])
    assert left["splits"]["test"] == content["splits"]["test"]
    assert read.count(left, "train", 4) == read.count(content, "train", 4) - 1
