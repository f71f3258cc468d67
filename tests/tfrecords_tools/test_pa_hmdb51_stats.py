import json
import subprocess
import sys

import numpy as np
import pytest

from tfrecords_tools import pa_hmdb51_stats
from tfrecords_tools.sources import pa_hmdb51


def video(**changed):
    return {
        **{name: [[0, 3, 0]] for name in pa_hmdb51.ATTRIBUTES},
        "review": True,
        "note": "",
        **changed,
    }


@pytest.fixture
def folder(tmp_path):
    jump = {"a.avi": video(face=[[0, 0, 2], [1, 3, 1]])}
    jump["b.avi"] = video(gender=[[0, 3, [1, 2]]], nudity=[[2, 3, 1]])
    (tmp_path / "jump.json").write_text(json.dumps(jump))
    (tmp_path / "run.json").write_text(json.dumps({"c.avi": video()}))
    return tmp_path


def test_shares_are_of_known_frames(folder):
    found = pa_hmdb51.load(folder)
    # The first two frames of b are not annotated for nudity.
    frames = pa_hmdb51_stats.frames_of(found)
    assert frames == {"jump": 6, "run": 4}
    shares = pa_hmdb51_stats.shares_of(found)
    np.testing.assert_allclose(shares["face"][0], [2 / 6, 3 / 6, 1 / 6])
    np.testing.assert_allclose(shares["gender"][0], [4 / 6, 2 / 6, 2 / 6])
    np.testing.assert_allclose(
        pa_hmdb51_stats.overall(frames, shares)["face"], [0.6, 0.3, 0.1]
    )


def run(*args):
    return subprocess.run(
        [sys.executable, "-m", "tfrecords_tools.pa_hmdb51_stats", *args],
        capture_output=True,
        text=True,
    )


def test_the_program_prints_draws_and_lists(folder, tmp_path):
    out = tmp_path / "stats.png"
    done = run(f"--annotations={folder}", f"--out={out}")
    assert done.returncode == 0, done.stderr
    assert "jump                       2       6" in done.stdout
    assert "jump.json: b.avi nudity frames (0, 1): in no range" in done.stderr
    assert out.read_bytes().startswith(b"\x89PNG")


def test_refusals(folder, tmp_path):
    refused = run(f"--annotations={folder}", "--irregular=refuse")
    assert refused.returncode == 1
    assert "1 irregularities" in refused.stderr
    assert run(f"--annotations={tmp_path / 'none'}").returncode == 1
    wrong = run(f"--annotations={folder}", "--out=a.gif")
    assert wrong.returncode == 1
    assert "must name a .png" in wrong.stderr
