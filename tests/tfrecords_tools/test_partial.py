"""Folders that stopped processes left, and those that others are filling."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tfrecords_tools import partial
from tfrecords_tools import progress

ROOT = pathlib.Path(__file__).parents[2]
# Draws slowly, as one or two processes, and says when it has begun.
DRAWS = """
import pathlib, signal, sys
from flags import signals
from tfrecords_tools.puppets import generate
if __name__ == "__main__":
    # A process that a shell starts in the background is told to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = pathlib.Path(sys.argv[1])
    with signals.exit_when_stopped():
        generate.generate(
            root, size=(320, 240), takes=5, workers=int(sys.argv[2])
        )
"""


def drawing(root, workers):
    script = root.parent / "draws.py"
    script.write_text(DRAWS)
    process = subprocess.Popen(
        [sys.executable, str(script), str(root), str(workers)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    wait(lambda: [p for p in left(root) if list(p.rglob("*.png"))])
    return process


def wait(until, seconds=60):
    end = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def left(root):
    return list(root.parent.glob(f".{root.name}.*.partial"))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_drawn_is_cleared_when_a_signal_ends_it(
    tmp_path, number, workers
):
    root = tmp_path / "puppets"
    process = drawing(root, workers)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (128 + number, -number)
    assert "320x240" in said
    assert not root.exists() and not left(root)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_next_clears_what_a_killed_process_left(tmp_path, workers):
    root = tmp_path / "puppets"
    process = drawing(root, workers)
    process.kill()
    process.communicate(timeout=60)
    (abandoned,) = left(root)
    with partial.partial(root) as path:
        assert left(root) == [path] != [abandoned]
        path.rename(root)
    # No process goes on drawing into it.
    time.sleep(1)
    assert not left(root) and root.is_dir()


def test_what_another_process_is_drawing_stays(tmp_path):
    root = tmp_path / "puppets"
    process = drawing(root, 1)
    (live,) = left(root)
    partial.clear(root)
    with partial.partial(root) as path:
        assert sorted(left(root)) == sorted([live, path])
    assert left(root) == [live]
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)


def test_a_folder_of_another_name_is_left_alone(tmp_path):
    for name in (".other.1-ab.partial", "puppets.1-ab.partial", "puppets"):
        (tmp_path / name).mkdir()
    partial.clear(tmp_path / "puppets")
    assert len(list(tmp_path.iterdir())) == 3


def test_without_a_terminal_long_work_says_how_long(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.shown("drawing", 100, "clip") as done:
        for _ in range(100):
            now[0] += 3
            done()
    assert capsys.readouterr().err.splitlines() == [
        "drawing: 100 clips ...",
        "drawing: 4 of 100 clips are done; about 4.8 minutes to go",
    ]
