"""Apache Beam writes the same shards as threads do."""

import hashlib
import importlib.util
import sys

import pytest
import tensorflow as tf
from made_videos import sbu_folder
from made_videos import write_pngs

import tfrecords_tools
from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import shards
from tfrecords_tools import write

OPTIONS = ["--runner=DirectRunner", "--direct_num_workers=1"]
needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="apache-beam is not installed: pip install 'priv-keras[beam]'",
)


def hashes(folder):
    paths = [str(path) for path in sorted(folder.glob("*.tfrecord"))]
    return sorted(
        hashlib.sha256(record.numpy()).hexdigest()
        for record in tf.data.TFRecordDataset(paths)
    )


@needs_beam
def test_beam_writes_the_records_that_threads_write(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "VIDEOS_PER_SHARD", 5)
    raw = sbu_folder(tmp_path / "raw", frames=9)
    write_pngs(raw / "s02s03" / "01" / "001", 7)  # too short
    write.build("sbu", raw, tmp_path / "threads")
    write.build("sbu", raw, tmp_path / "beam", beam_options=OPTIONS)
    folders = [tmp_path / name / "sbu" for name in ("threads", "beam")]
    expected, found = map(hashes, folders)
    assert len(found) == len(set(found)) == 24
    assert found == expected
    assert manifest.load(folders[0]) == manifest.load(folders[1])
    integrity.check_folder(folders[1])
    names = [sorted(p.name for p in folder.iterdir()) for folder in folders]
    assert names[0] == names[1]


@needs_beam
def test_a_pipeline_that_fails_leaves_nothing(tmp_path):
    write_pngs(tmp_path / "raw" / "s01s02" / "01" / "001", 3)
    with pytest.raises(ValueError, match="None of the 1 videos"):
        write.build(
            "sbu", tmp_path / "raw", tmp_path / "out", beam_options=OPTIONS
        )
    assert not list((tmp_path / "out").iterdir())


def test_without_beam_the_command_that_installs_it_is_said(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "tfrecords_tools.beam", raising=False)
    monkeypatch.delattr(tfrecords_tools, "beam", raising=False)
    with pytest.raises(ValueError, match=r"pip install 'priv-keras\[beam\]'"):
        write.build("sbu", tmp_path, tmp_path / "out", beam_options=OPTIONS)
    assert not (tmp_path / "out").exists()
