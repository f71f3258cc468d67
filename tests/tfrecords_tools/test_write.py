import pytest
from made_videos import sbu_folder
from made_videos import write_pngs

from tfrecords_tools import manifest
from tfrecords_tools import schema
from tfrecords_tools import shards
from tfrecords_tools import storage
from tfrecords_tools import write


@pytest.fixture
def raw(tmp_path):
    return sbu_folder(tmp_path / "raw")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.tfrecord")}


def test_shards_and_manifest_hold_every_video_once(raw, tmp_path):
    content = write.build("sbu", raw, tmp_path / "out")
    videos = [v for s in content["splits"].values() for v in s["videos"]]
    assert len(videos) == len(set(videos)) == 24
    assert content["splits"]["train"]["shards"][0]["records"] == len(
        content["splits"]["train"]["videos"]
    )
    for split in content["splits"].values():
        for shard in split["shards"]:
            path = tmp_path / "out" / "sbu" / shard["file"]
            assert storage.sha256(path) == shard["sha256"]
    assert content["labels"]["action"][2] == "3 kicking"


def test_bytes_do_not_depend_on_workers(raw, tmp_path):
    for workers in (1, 3):
        write.build("sbu", raw, tmp_path / str(workers), workers=workers)
    assert contents(tmp_path / "1" / "sbu") == contents(tmp_path / "3" / "sbu")


def test_a_second_run_does_nothing(raw, tmp_path):
    first = write.build("sbu", raw, tmp_path / "out")
    paths = list((tmp_path / "out" / "sbu").iterdir())
    times = [path.stat().st_mtime_ns for path in paths]
    assert write.build("sbu", raw, tmp_path / "out") == first
    assert [path.stat().st_mtime_ns for path in paths] == times


def test_other_options_and_other_videos_are_refused(raw, tmp_path):
    write.build("sbu", raw, tmp_path / "out")
    with pytest.raises(
        ValueError, match="shards that differ in encoding. Choose"
    ):
        write.build("sbu", raw, tmp_path / "out", encoding="raw")
    write_pngs(raw / "s02s03" / "01" / "001", 10)
    with pytest.raises(ValueError, match="shards that differ in videos"):
        write.build("sbu", raw, tmp_path / "out")


def test_bad_videos_are_skipped_and_listed(raw, tmp_path):
    write_pngs(raw / "s02s03" / "01" / "001", 7)
    (raw / "s01s02" / "01" / "001" / "rgb_000003.png").write_bytes(b"x")
    content = write.build("sbu", raw, tmp_path / "out")
    reasons = {bad["video"]: bad["reason"] for bad in content["skipped"]}
    assert reasons["s02s03/01/001"] == "7 frames, less than 8."
    assert "is not a picture" in reasons["s01s02/01/001"]
    videos = [v for s in content["splits"].values() for v in s["videos"]]
    assert len(videos) == 23


def test_a_video_too_long_for_a_record_is_skipped(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "MAX_FRAMES", 20)
    write_pngs(raw / "s02s03" / "01" / "001", 21)
    content = write.build("sbu", raw, tmp_path / "out")
    (bad,) = content["skipped"]
    assert bad["video"] == "s02s03/01/001"
    assert bad["reason"].startswith("More than 20 frames: cut it")


def test_no_video_is_an_error_that_leaves_nothing(tmp_path):
    (tmp_path / "raw").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no video"):
        write.build("sbu", tmp_path / "raw", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_build_leaves_no_manifest(raw, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "encode", stop)
    with pytest.raises(KeyboardInterrupt):
        write.build("sbu", raw, tmp_path / "out")
    assert not list(tmp_path.glob("out/sbu/*.tfrecord"))
    assert not (tmp_path / "out" / "sbu" / manifest.NAME).exists()
    monkeypatch.undo()
    write.build("sbu", raw, tmp_path / "out")


def test_no_manifest_says_which_command_makes_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="build --dataset=sbu --raw"):
        manifest.load(tmp_path / "sbu")
