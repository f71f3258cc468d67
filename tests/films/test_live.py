"""Streams and cameras, which end at any time."""

import http.server
import io
import json
import os
import re
import signal
import subprocess
import time

import numpy as np
import pytest
from http_server import served
from made_films import SIZE
from made_films import read_film
from made_films import scene
from PIL import Image
from quick_anonymize import command
from quick_anonymize import environment
from quick_anonymize import run

from priv_keras.films import live
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame


class Broken:
    """A stream of some frames, and then an error or its end."""

    live, audio, packets, dropped = True, (), (), ["audio (aac)"]

    def __init__(self, count, error=None, size=SIZE):
        self.format, self.warnings = Format(size), []
        self.count, self.error, self.closed = count, error, False

    def frames(self, size):
        for i in range(self.count):
            yield Frame(scene(i), i, 1)
        if self.error:
            raise self.error

    def __exit__(self, *_):
        self.closed = True


def broken(*streams):
    """Returns a function that returns one stream after the other, and then
    fails."""
    left = iter(streams)

    def connect():
        for stream in left:
            if isinstance(stream, Exception):
                raise stream
            return stream
        raise OSError("gone")

    return connect


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output error"), "Input/output error"),
        (IndexError("Anna"), "a library failed with IndexError"),
    ],
)
def test_what_arrived_before_a_fault_is_kept(error, said):
    source = live.Live(broken(Broken(5, error)))
    assert len(list(source.frames(SIZE))) == 5
    assert source.fault == said
    assert source.warnings == [f"it broke off: {said}"]
    assert source.dropped == ["audio (aac)"]


def test_a_stream_without_a_frame_is_an_error():
    source = live.Live(broken(Broken(0, ValueError("no frame"))))
    with pytest.raises(ValueError, match="no frame"):
        list(source.frames(SIZE))


def test_a_stream_is_taken_up_again_and_its_times_go_on(monkeypatch):
    monkeypatch.setattr(live, "PAUSE", 0.4)
    first, second = Broken(5, ValueError("it broke")), Broken(3)
    source = live.Live(broken(first, OSError("not yet"), second), reconnect=0.5)
    times = [frame.time for frame in source.frames(SIZE)]
    assert len(times) == 8
    assert np.diff(times).min() >= 1
    assert times[5] >= 9  # 0.4 s are ten ticks
    assert source.fault is None
    assert "it was taken up again" in source.warnings
    assert first.closed
    assert not second.closed


def test_a_stream_of_another_size_is_not_taken_up():
    other = Broken(3, size=(32, 24))
    source = live.Live(broken(Broken(5), other), reconnect=5)
    assert len(list(source.frames(SIZE))) == 5
    assert "another size" in source.fault
    assert other.closed


def test_it_ends_after_its_seconds_however_often_it_broke(monkeypatch):
    source = live.Live(
        broken(*(Broken(10) for _ in range(9))), seconds=2, reconnect=5
    )
    times = [frame.time / 25 for frame in source.frames(SIZE)]
    assert 40 < len(times) <= 50
    assert times[-1] < 2


class Camera(http.server.BaseHTTPRequestHandler):
    """Sends JPEGs, one after the other: 20, or for `/forever` many."""

    def do_GET(self):
        self.send_response(200)
        kind = "multipart/x-mixed-replace; boundary=--frame"
        self.send_header("Content-Type", kind)
        self.end_headers()
        forever = self.path == "/forever"
        for i in range(9999 if forever else 20):
            jpeg = io.BytesIO()
            Image.fromarray(scene(i % 20)).save(jpeg, "JPEG")
            head = (
                "--frame\r\nContent-Type: image/jpeg\r\n"
                f"Content-Length: {len(jpeg.getvalue())}\r\n\r\n"
            )
            try:
                self.wfile.write(head.encode() + jpeg.getvalue() + b"\r\n")
            except OSError:
                return
            time.sleep(0.02)
        if self.path == "/stalls":
            time.sleep(60)

    def log_message(self, *_):
        pass


FAST = '--ffmpeg_config={"preset": "ultrafast", "tune": "zerolatency"}'


@pytest.mark.parametrize(
    "name", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.slow)]
)
def test_a_signal_keeps_what_a_camera_recorded(tmp_path, name):
    out = tmp_path / "out.mp4"
    number = getattr(signal, name)
    with served(Camera) as url:
        process = subprocess.Popen(
            command(f"{url}forever", "-o", out, FAST),
            stderr=subprocess.PIPE,
            env=environment(),
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.default_int_handler
            ),
        )
        end = time.monotonic() + 30
        while not any(p.stat().st_size for p in tmp_path.glob("*.1.partial")):
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        assert process.wait(30) == 128 + number
        assert b"what was recorded is kept" in process.stderr.read()
        process.stderr.close()
    found, _ = read_film(out)
    assert len(found) > 3
    for picture in found:
        wrong = [
            np.abs(255 - scene(i).astype(int) - picture) for i in range(20)
        ]
        assert min(each.mean() for each in wrong) < 14
    with open(f"{out}.json") as file:
        assert json.load(file)["frames"] == len(found)
    assert sorted(os.listdir(tmp_path)) == ["out.mp4", "out.mp4.json"]


@pytest.mark.slow
def test_segments_of_a_camera(tmp_path):
    with served(Camera) as url:
        done = run(
            f"{url}forever",
            "-o",
            tmp_path / "out.mp4",
            FAST,
            "--seconds=1.5",
            "--segment=0.5",
        )
    assert done.status == 0, done.errors
    names = [f"out_000{i}.mp4" for i in (1, 2, 3)]
    assert sorted(p.name for p in tmp_path.glob("*.mp4")) == names


@pytest.mark.slow
def test_a_camera_that_breaks_off_keeps_what_it_sent(tmp_path, monkeypatch):
    with served(Camera) as url:
        done = run(f"{url}stalls", "-o", tmp_path / "o.mp4", FAST, wait=2)
        assert done.status == 1
        assert re.search(
            r"broke off: .*is kept: .*o.mp4, \d+ frames", done.errors[-1]
        )
        again = run(
            f"{url}stalls",
            "-o",
            tmp_path / "a.mp4",
            FAST,
            "--accept_damaged",
            wait=2,
        )
        assert again.status == 0
    for name in ("o.mp4", "a.mp4"):
        assert 15 <= len(read_film(tmp_path / name)[0]) <= 20
        assert (tmp_path / f"{name}.json").exists()


@pytest.mark.slow
def test_a_camera_is_taken_up_again(tmp_path):
    with served(Camera) as url:
        done = run(
            f"{url}short",
            "-o",
            tmp_path / "o.mp4",
            FAST,
            "--reconnect=5",
            "--seconds=3",
        )
    assert done.status == 0, done.errors
    found, times = read_film(tmp_path / "o.mp4")
    assert len(found) > 25
    assert 2 < times[-1] < 3
    assert any("it was taken up again" in line for line in done.errors)
