import pathlib
import shutil

import pytest
import tensorflow as tf
from absl import flags as absl_flags
from absl.testing import flagsaver
from broken_shards import flip
from broken_shards import records
from broken_shards import rewrite
from broken_shards import spoil_frames
from made_shards import build_sbu
from made_shards import reading_sbu

from priv_keras.experiment import bad_records
from priv_keras.experiment import faults
from priv_keras.experiment import reproducibility
from priv_keras.experiment.data import open_data
from tfrecords_tools import manifest


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    build_sbu(folder)
    return folder / "sbu"


@pytest.fixture
def folder(built, tmp_path):
    copy = pathlib.Path(shutil.copytree(built, tmp_path / "sbu"))
    with reading_sbu(tmp_path):
        yield copy


@pytest.fixture
def train(folder):
    return next(folder.glob("train-*"))


def opened(value):
    with flagsaver.flagsaver(bad_records=value):
        return open_data()


def videos(data):
    """Returns the ids of the training videos in the order of one pass."""
    clips = data.target.cuts("train", "game")
    return [clip["video"].numpy().decode() for clip in clips]


@pytest.mark.parametrize("value", ["", "skip", "skip:", "skip:0", "skip:-1"])
def test_what_cannot_be_counted_is_no_value(value):
    with pytest.raises(absl_flags.IllegalFlagValueError, match="skip:10"):
        absl_flags.FLAGS.bad_records = value


def test_broken_records_are_refused_unless_told_otherwise(train):
    flip(train, 2, 60)
    with pytest.raises(ValueError, match=f"{train.name} is damaged, record 2"):
        opened("fail")


def test_broken_records_are_left_out_counted_and_named(train):
    every = videos(opened("fail"))
    stored = manifest.load(train.parent)["splits"]["train"]["videos"]
    flip(train, 2, 60)
    data = opened("skip:1")
    left = videos(data)
    assert len(left) == len(every) - 1
    assert set(left) < set(every)
    assert data.target.manifest["splits"]["train"]["videos"] == [
        video for video in stored if video in left
    ]
    said = []
    bad_records.tell(data, said.append)
    (line,) = said
    assert f"1 broken of the records of sbu/{train.name}: number 2." in line
    assert "checksum is wrong" in line


def test_each_pass_and_each_start_leaves_out_the_same(train):
    flip(train, 1, 60)
    one, other = opened("skip:1"), opened("skip:1")
    assert videos(one) == videos(other)
    assert bad_records.left_out(one) == bad_records.left_out(other)
    passes = [
        [clip["video"].numpy() for clip in clips]
        for clips in [one.target.cuts("train", "game")] * 2
    ]
    assert sorted(passes[0]) == sorted(passes[1])


def test_more_than_allowed_are_refused_over_all_shards(train):
    flip(train, 1, 60)
    flip(next(train.parent.glob("test-*")), 0, 60)
    with pytest.raises(ValueError, match="skip:1: 2 records are broken") as e:
        opened("skip:1")
    assert f"sbu/{train.name}: number 1." in str(e.value)
    assert sum(map(len, bad_records.left_out(opened("skip:2")).values())) == 2


def test_a_damaged_length_counts_all_that_it_takes_along(train):
    count = len(records(train))
    flip(train, count - 3, 0)
    with pytest.raises(ValueError, match="3 records are broken"):
        opened("skip:2")
    assert len(videos(opened("skip:3"))) == count - 3


def test_a_shard_that_is_another_is_refused_whatever_is_allowed(train):
    content = manifest.load(train.parent)
    rewrite(train, records(train)[::-1])
    manifest.save(content, train.parent)  # with the old checksum
    with pytest.raises(ValueError, match="is not what the manifest says"):
        opened("skip:9")


def test_a_missing_shard_is_refused_whatever_is_allowed(train):
    train.unlink()
    with pytest.raises(FileNotFoundError, match=f"{train.name} is missing"):
        opened("skip:9")


def test_a_resumed_run_must_leave_out_the_same(train, tmp_path):
    whole = train.read_bytes()
    flip(train, 1, 60)
    data = opened("skip:2")
    with flagsaver.flagsaver(bad_records="skip:2"):
        bad_records.write(data, tmp_path)
    bad_records.check_resumed(data, tmp_path)
    flip(train, 3, 60)
    with pytest.raises(ValueError, match=f"{train.name} 1; now .* 1 3"):
        bad_records.check_resumed(opened("skip:2"), tmp_path)
    train.write_bytes(whole)
    with pytest.raises(ValueError, match="1; now none"):
        bad_records.check_resumed(opened("skip:2"), tmp_path)


def test_figures_of_what_is_left_out_are_not_those_of_all(train):
    before = reproducibility.fingerprint(opened("fail"))
    assert reproducibility.fingerprint(opened("skip:1")) == before
    flip(train, 1, 60)
    assert reproducibility.fingerprint(opened("skip:1")) != before


@pytest.mark.parametrize("fault", ["frames", "checksum", "length"])
def test_a_record_that_stops_a_run_is_named(train, capsys, fault):
    data = opened("fail")
    if fault == "frames":
        spoil_frames(train, 4)
    else:
        flip(train, 4, 60 if fault == "checksum" else 0)
    with pytest.raises(SystemExit), faults.report_faults(data):
        videos(data)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: A shard is damaged: {train}, record 4: ")
    assert "--resume" in line and "--bad_records=skip:n" in line


def test_a_fault_of_the_input_that_is_of_no_record_passes(folder):
    message = "Error in a ParallelMapV2 transformation with iterator: x"
    error = tf.errors.InvalidArgumentError(None, None, message)
    with (
        pytest.raises(tf.errors.InvalidArgumentError),
        faults.report_faults(opened("fail")),
    ):
        raise error
