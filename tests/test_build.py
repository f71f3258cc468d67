"""The programs of `tfrecords_tools`, as they are typed."""

import subprocess
import sys
import time

from made_videos import sbu_folder
from made_videos import write_pngs


def program(name, *args):
    return subprocess.run(
        [sys.executable, "-m", f"tfrecords_tools.{name}", *map(str, args)],
        capture_output=True,
        text=True,
    )


def errors(finished):
    lines = finished.stderr.splitlines()
    return [line for line in lines if line.startswith("error: ")]


def test_build_verify_show(tmp_path):
    raw, out = sbu_folder(tmp_path / "raw"), tmp_path / "out"
    built = program(
        "build", "--dataset=sbu", f"--raw_dir={raw}", f"--out_dir={out}"
    )
    assert built.returncode == 0, built.stderr
    assert "sbu train: " in built.stdout
    verified = program("verify", out / "sbu")
    assert verified.returncode == 0, verified.stderr
    assert "validation: " in verified.stdout
    shown = program("show", out / "sbu", f"--out={tmp_path / 'sheet.png'}")
    assert shown.returncode == 0, shown.stderr
    assert "1 approaching" in shown.stdout
    assert (tmp_path / "sheet.png").stat().st_size > 1000

    path = next((out / "sbu").glob("train-*"))
    path.write_bytes(path.read_bytes()[:-30])
    damaged = program("verify", out / "sbu")
    assert damaged.returncode == 1
    (line,) = errors(damaged)
    assert path.name in line


def test_a_skipped_video_makes_the_exit_status_non_zero(tmp_path):
    raw, out = sbu_folder(tmp_path / "raw"), tmp_path / "out"
    write_pngs(raw / "s02s03" / "01" / "001", 3)
    args = ["--dataset=sbu", f"--raw_dir={raw}", f"--out_dir={out}"]
    built = program("build", *args)
    assert built.returncode == 1
    assert "s02s03/01/001: 3 frames, less than 8." in built.stdout
    assert program("build", *args, "--skip_bad").returncode == 0


def test_a_missing_folder_is_one_line(tmp_path):
    built = program(
        "build",
        "--dataset=sbu",
        f"--raw_dir={tmp_path / 'none'}",
        f"--out_dir={tmp_path / 'out'}",
    )
    assert built.returncode == 1
    (line,) = errors(built)
    assert "holds no video" in line
    assert "Traceback" not in built.stderr
    assert not (tmp_path / "out").exists()


def test_help_does_not_wait_for_tensorflow():
    start = time.process_time()
    shown = program("build", "--help")
    assert "--raw_dir" in shown.stdout
    assert "tensorflow" not in shown.stderr.lower()
    assert time.process_time() - start < 1
