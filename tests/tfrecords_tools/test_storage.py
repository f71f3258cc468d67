"""Shards in an object store: a server on this machine that speaks S3."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from made_videos import sbu_folder

from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import storage
from tfrecords_tools import write

needs_s3 = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("tensorflow_io", "moto"))),
    reason="s3:// needs another TensorFlow: `make test-io` tests it",
)


@pytest.fixture(scope="module")
def bucket():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3_ENDPOINT": f"http://{address}",
            "S3_USE_HTTPS": "0",
            "S3_VERIFY_SSL": "0",
        }.items():
            patch.setenv(name, value)
        # It has its own process, since TensorFlow's writers hold Python's lock.
        server = subprocess.Popen(
            [sys.executable, "-c", "from moto.server import main; main()"]
            + ["-H", "127.0.0.1", "-p", str(port)],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _bucket(address)
        finally:
            server.kill()
            server.wait()


def _bucket(address):
    request = urllib.request.Request(f"http://{address}/shards", method="PUT")
    for _ in range(200):
        try:
            urllib.request.urlopen(request)
        except OSError:
            time.sleep(0.1)
        else:
            return "s3://shards"
    raise TimeoutError("The server does not answer.")


def records(folder):
    return {
        shard["file"]: shard["sha256"]
        for split in manifest.load(folder)["splits"].values()
        for shard in split["shards"]
    }


@needs_s3
def test_shards_are_written_to_s3_checked_and_read(bucket, tmp_path):
    raw, out = sbu_folder(tmp_path / "raw", takes=2), f"{bucket}/one"
    write.build("sbu", raw, tmp_path)
    content = write.build("sbu", raw, out)
    assert records(f"{out}/sbu") == records(tmp_path / "sbu")
    assert write.build("sbu", raw, out) == content
    with pytest.raises(ValueError, match="shards that differ in encoding"):
        write.build("sbu", raw, out, encoding="raw")
    assert sum(integrity.check_folder(f"{out}/sbu").values()) == 12
    names = {path.name for path in storage.path(f"{out}/sbu").iterdir()}
    assert names == {manifest.NAME, *records(tmp_path / "sbu")}
    local, remote = (
        list(read.clips(f"{folder}/sbu/test-*", labels=("action",)))
        for folder in (tmp_path, out)
    )
    assert len(local) == len(remote) > 0
    for ours, theirs in zip(local, remote, strict=True):
        assert ours["video"] == theirs["video"]
        assert (ours["clips"].numpy() == theirs["clips"].numpy()).all()


@needs_s3
def test_a_failed_build_leaves_nothing_in_s3(bucket, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    raw, out = sbu_folder(tmp_path / "raw", takes=1), f"{bucket}/two"
    monkeypatch.setattr(manifest, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        write.build("sbu", raw, out)
    assert not storage.path(f"{out}/sbu").exists()
    with pytest.raises(FileNotFoundError, match="No shards in s3://shards/two"):
        manifest.load(f"{out}/sbu")


@needs_s3
def test_the_programs_take_s3(bucket, tmp_path):
    raw = sbu_folder(tmp_path / "raw", takes=1)
    for args in (
        ("build", "--dataset=sbu", f"--raw_dir={raw}", f"--out_dir={bucket}/3"),
        ("verify", f"{bucket}/3/sbu"),
        ("show", f"{bucket}/3/sbu"),
    ):
        command = [sys.executable, "-m", f"tfrecords_tools.{args[0]}"]
        run = subprocess.run(
            [*command, *args[1:]],
            capture_output=True,
            text=True,
            env=os.environ,
        )
        assert run.returncode == 0, run.stderr


def test_s3_without_tensorflow_io_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(ValueError, match=r"pip install 'priv-keras\[io\]'"):
        write.build("sbu", tmp_path, "s3://bucket/shards")
    with pytest.raises(ValueError, match="s3://b/x: s3:// needs tensorflow-io"):
        manifest.load("s3://b/x")


def test_where_is_what():
    assert storage.is_remote("gs://bucket/a")
    assert not storage.is_remote("/tmp/a")
    assert str(storage.path("gs://bucket/a") / "b") == "gs://bucket/a/b"
