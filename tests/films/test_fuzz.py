"""Damaged videos are either listed as skipped or written as sound records."""

import random
import subprocess
import sys

import pytest
from fuzzing import CASES
from fuzzing import damaged
from made_videos import gray
from made_videos import write_avi
from made_videos import write_video

from tfrecords_tools import manifest
from tfrecords_tools import verify

SECONDS = 300  # a run that takes longer has hung; 60 were measured


def whole(tmp_path):
    """Returns small videos in the containers and codecs of the datasets."""
    write_avi(tmp_path / "v.avi", 20, size=(32, 24))
    contents = [(tmp_path / "v.avi").read_bytes()]
    pictures = [gray(i) for i in range(20)]
    for name, codec in (
        ("v.mp4", "libx264"),
        ("v.mkv", "mpeg4"),
        ("v.webm", "libvpx-vp9"),
    ):
        path = write_video(tmp_path / name, pictures, codec=codec)
        contents.append(path.read_bytes())
    return contents


@pytest.fixture
def raw(tmp_path):
    contents, rng = whole(tmp_path), random.Random(0)
    folder = tmp_path / "raw" / "set1"
    folder.mkdir(parents=True)
    for case in range(CASES):
        content = damaged(contents[case % len(contents)], rng)
        # The content of a file counts, not its suffix.
        name = f"{case}_{case % 20 + 1}_{case % 6}.avi"
        (folder / name).write_bytes(content)
    return folder.parent


@pytest.mark.slow
def test_damaged_videos_are_skipped_or_written_whole(raw, tmp_path, capsys):
    out = tmp_path / "out"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tfrecords_tools.build",
            "--dataset=ut_interaction",
            f"--raw_dir={raw}",
            f"--out_dir={out}",
            "--skip_bad",
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert [path.name for path in out.iterdir()] == ["ut_interaction"]

    folder = out / "ut_interaction"
    content = manifest.load(folder)
    written = [v for s in content["splits"].values() for v in s["videos"]]
    skipped = {bad["video"]: bad["reason"] for bad in content["skipped"]}
    assert len(written) + len(skipped) == CASES
    assert len(set(written) | skipped.keys()) == CASES
    assert min(len(written), len(skipped)) > CASES / 10
    for video, reason in skipped.items():
        assert f"{raw / video} " in reason or "frames, less than" in reason
    assert verify.main(["verify", str(folder)]) == 0, capsys.readouterr().err
