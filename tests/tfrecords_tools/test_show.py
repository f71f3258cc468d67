import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from made_videos import gray
from made_videos import sbu_folder
from made_videos import write_pngs

from tfrecords_tools import manifest
from tfrecords_tools import write


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write.build(
        "sbu", sbu_folder(folder / "raw"), folder, encoding="raw", size=(32, 24)
    )
    return folder / "sbu"


def show(*args, cwd=None):
    # Runs in a process, since flags of two programs do not fit into one.
    return subprocess.run(
        [sys.executable, "-m", "tfrecords_tools.show", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )


def test_labels_are_counted_and_nothing_is_drawn_unasked(shards, tmp_path):
    shown = show(shards, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert not list(tmp_path.iterdir())
    lines = shown.stdout.splitlines()
    splits = manifest.load(shards)["splits"]
    train = splits["train"]["videos"]
    assert lines[0] == f"train: {len(train)} videos"
    kicks = sum("/03/" in video for video in train)
    assert f"1 approaching {len(train) - kicks}, 2 departing 0, " in lines[1]
    assert f"3 kicking {kicks}," in lines[1]
    alone = sum(video.startswith("s01s03") for video in train)
    assert f"s01s03 {alone}," in lines[2]
    assert (
        lines[3] == f"validation: {len(splits['validation']['videos'])} videos"
    )


def test_a_picture_has_a_row_per_video(shards, tmp_path):
    out = tmp_path / "sheet.png"
    shown = show(shards, "--split=test", "--count=2", f"--out={out}")
    assert shown.returncode == 0, shown.stderr
    sheet = cv2.imread(str(out))[..., ::-1]
    assert sheet.shape == (2 * 24, 8 * 24 + 320, 3)
    assert sheet[:24, 8 * 24 :].min() < 128  # there is text
    first = manifest.load(shards)["splits"]["test"]["videos"][0]
    level = 10 * int(first.split("/")[1])
    # The central square of the first of 8 frames, evenly spaced in 20.
    expected = gray(1, level=level)[:, 4:28]
    np.testing.assert_array_equal(sheet[:24, :24], expected)


def test_each_class_of_a_multi_label_one_is_counted(tmp_path):
    for name in "ab":
        write_pngs(tmp_path / name, 2)
    csv = tmp_path / "list.csv"
    csv.write_text(
        "path,split,action,privacy\n"
        "a,train,wave,face;gender\n"
        "b,train,wave,gender\n"
    )
    write.build("folder", tmp_path, tmp_path / "out", csv=csv)
    shown = show(tmp_path / "out" / "folder")
    assert shown.returncode == 0, shown.stderr
    assert "  privacy: face 1, gender 2\n" in shown.stdout


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("sheet.jpg", "must name a .png"),
        ("no/sheet.png", "there is no folder no"),
    ],
)
def test_a_picture_that_cannot_be_written_is_one_line(shards, out, says):
    shown = show(shards, f"--out={out}")
    assert shown.returncode == 1
    assert "Traceback" not in shown.stderr
    assert says in shown.stderr
