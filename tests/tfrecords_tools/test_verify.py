import pathlib
import shutil

import pytest
import tensorflow as tf
from absl import app
from broken_shards import records
from broken_shards import rewrite
from made_videos import sbu_folder

from flags import program
from tfrecords_tools import manifest
from tfrecords_tools import verify
from tfrecords_tools import write


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write.build(
        "sbu", sbu_folder(folder / "raw", takes=3), folder, size=(32, 24)
    )
    return folder / "sbu"


@pytest.fixture
def shards(built, tmp_path):
    return pathlib.Path(shutil.copytree(built, tmp_path / "sbu"))


def only(shards, split):
    """Returns the path of the one shard of a split."""
    (path,) = shards.glob(f"{split}-*")
    return path


def damaged(shards, capsys):
    """Returns what `verify` says is wrong."""
    assert verify.main(["verify", str(shards)]) == 1
    return capsys.readouterr().err


def edited(record, feature, edit):
    example = tf.train.Example.FromString(record)
    edit(example.features.feature[feature])
    return example.SerializeToString()


def test_whole_shards_get_a_line_each(shards, capsys):
    assert verify.main(["verify", str(shards)]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        f"{split}-00000-of-00001.tfrecord"
        for split in ("train", "validation", "test")
    ]
    assert last == "OK"


def test_every_damaged_shard_is_named_with_its_record(shards, capsys):
    train, test = only(shards, "train"), only(shards, "test")
    content = bytearray(train.read_bytes())
    start = 16 + len(records(train)[0])  # of the second record
    content[start + 40] ^= 1
    train.write_bytes(content)
    test.write_bytes(test.read_bytes()[:-30])
    count = len(records(only(shards, "validation")))
    assert verify.main(["verify", str(shards)]) == 1
    said = capsys.readouterr()
    assert f"{train.name} is damaged, record 1 first" in said.err
    assert f"{test.name} is damaged, record " in said.err
    assert "validation-00000-of-00001" not in said.err
    assert f"00001.tfrecord: {count} records, as they" in said.out


def test_a_frame_that_does_not_decode_is_named(shards, capsys):
    first, second, *rest = records(only(shards, "train"))

    def spoil(feature):
        feature.bytes_list.value[5] = b"x"

    rewrite(
        only(shards, "train"), [first, edited(second, "frames", spoil), *rest]
    )
    assert "record 1: it cannot be decoded" in damaged(shards, capsys)


def test_a_label_out_of_range_is_named(shards, capsys):
    first, *rest = records(only(shards, "train"))

    def spoil(feature):
        feature.int64_list.value[0] = 13

    rewrite(
        only(shards, "train"), [edited(first, "label/actors", spoil), *rest]
    )
    assert "record 0: actors is 13, beyond its 13" in damaged(shards, capsys)


@pytest.mark.parametrize(
    ("values", "multi_label", "says"),
    [
        ([0, 1], [], "[0, 1], not one class"),
        ([], [], "[], not one class"),
        ([0, 1], ["actors"], "[0, 1], not a 0 or 1 for each of its 13"),
        ([2] * 13, ["actors"], f"{[2] * 13}, not a 0 or 1 for each of its"),
        ([0] * 12 + [1], ["actors"], None),
    ],
)
def test_a_label_of_another_form_is_named(
    shards, capsys, values, multi_label, says
):
    def spoil(feature):
        feature.int64_list.value[:] = values

    for split in ("train", "validation", "test"):
        found = records(only(shards, split))
        found = [edited(record, "label/actors", spoil) for record in found]
        rewrite(only(shards, split), found)
    content = manifest.load(shards)
    content["multi_label"] = multi_label
    manifest.save(content, shards)
    if says:
        assert f"record 0: actors is {says}" in damaged(shards, capsys)
    else:
        assert verify.main(["verify", str(shards)]) == 0


def test_a_video_in_two_splits_is_named(shards, capsys):
    train = records(only(shards, "train"))
    _, *tests = records(only(shards, "test"))
    rewrite(only(shards, "test"), [*tests, train[0]])
    said = damaged(shards, capsys)
    assert f"record {len(tests)}: the manifest has no video s0" in said
    content = manifest.load(shards)
    splits = content["splits"]
    splits["test"]["videos"][0] = splits["train"]["videos"][0]
    manifest.save(content, shards)
    rewrite(only(shards, "test"), [train[0], *tests])
    said = damaged(shards, capsys)
    assert "record 0: video s0" in said
    assert "is in train already" in said


def test_a_video_of_another_length_or_name_is_named(shards, capsys):
    first, *rest = records(only(shards, "train"))

    def cut(feature):
        del feature.bytes_list.value[3:]

    rewrite(only(shards, "train"), [edited(first, "frames", cut), *rest])
    said = damaged(shards, capsys)
    assert "record 0: its video s0" in said
    assert "has 3 frames; the manifest says 20" in said

    def rename(feature):
        feature.bytes_list.value[0] = b"other"

    rewrite(only(shards, "train"), [edited(first, "video", rename), *rest])
    said = damaged(shards, capsys)
    assert "record 0: the manifest has no video other in its split" in said


def test_a_wrong_count_is_named(shards, capsys):
    kept = records(only(shards, "train"))[1:]
    rewrite(only(shards, "train"), kept)
    said = damaged(shards, capsys)
    assert f"record {len(kept)}: the shard cannot be read that far" in said
    rewrite(only(shards, "train"), [*kept, kept[0]])
    said = damaged(shards, capsys)
    assert f"record {len(kept)}: video s0" in said


def test_a_missing_shard_is_named(shards, capsys):
    only(shards, "test").unlink()
    assert "test-00000-of-00001.tfrecord is missing" in damaged(shards, capsys)


def test_an_error_is_one_line_and_status_1(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["verify", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        program.run(verify.main)
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith("error: No shards in ")


@pytest.mark.parametrize("argv", [["verify"], ["verify", "a", "b"]])
def test_one_folder_is_wanted(argv):
    with pytest.raises(app.UsageError, match="Give one folder"):
        verify.main(argv)
