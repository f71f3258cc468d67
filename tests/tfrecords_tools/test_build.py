"""Builds: as a library, and the programs as they are typed."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from made_videos import sbu_folder
from made_videos import write_avi
from made_videos import write_pngs

from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import shards
from tfrecords_tools import write
from tfrecords_tools.puppets import cache


def start(name, *args, **env):
    return subprocess.Popen(
        [sys.executable, "-m", f"tfrecords_tools.{name}", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )


def program(name, *args, **env):
    """Returns the exit status, standard output and standard error."""
    process = start(name, *args, **env)
    out, err = process.communicate()
    assert "Traceback" not in err, err
    return process.returncode, out, err


def error(stderr):
    lines = stderr.splitlines()
    (line,) = (line for line in lines if line.startswith("error: "))
    return line


def ut_folder(root):
    """Writes twelve clips of two sequences and a file that is not a video."""
    for sequence in (1, 2):
        for action in range(6):
            name = f"set1/{action}_{sequence}_{action}.avi"
            write_avi(root / name, 20, size=(64, 32))
    (root / "set1" / "9_3_3.avi").write_bytes(b"no video")
    return root


def test_pictures_to_clips_and_a_second_run_does_nothing(tmp_path):
    raw, out = sbu_folder(tmp_path / "raw"), tmp_path / "out"
    args = ["--dataset=sbu", f"--raw_dir={raw}", f"--out_dir={out}"]
    status, said, stderr = program("build", *args, "--workers=2")
    assert status == 0, stderr
    assert "sbu train: " in said
    assert "Nothing to do" not in said
    content = manifest.load(out / "sbu")
    assert content["command"].startswith("python -m tfrecords_tools.build --da")
    assert {path.name for path in out.iterdir()} == {"sbu"}
    times = {path: path.stat().st_mtime_ns for path in (out / "sbu").iterdir()}

    status, said, _ = program("build", *args)
    assert status == 0
    assert f"Nothing to do: {out / 'sbu'} holds" in said
    assert times == {p: p.stat().st_mtime_ns for p in (out / "sbu").iterdir()}


def test_flags_of_a_dataset_reach_its_source(tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_pngs(raw / "a", 4)
    csv = tmp_path / "list.csv"
    csv.write_text("path,split,action,privacy\na,train,wave,ann\n")
    args = [f"--raw_dir={raw}", f"--out_dir={out}", "--dataset=folder"]
    status, _, stderr = program("build", *args, f"--csv={csv}", "--squash")
    assert status == 0, stderr
    content = manifest.load(out / "folder")
    assert content["labels"]["privacy"] == ["ann"]
    assert content["options"]["squash"]
    status, _, stderr = program("build", *args, f"--csv={csv}")
    assert status == 1
    assert "holds shards that differ in squash. Choose" in error(stderr)


def test_a_bad_video_is_listed_and_makes_the_status_non_zero(tmp_path):
    raw, out = ut_folder(tmp_path / "raw"), tmp_path / "out"
    args = [f"--raw_dir={raw}", f"--out_dir={out}", "--fold=1"]
    args += ["--dataset=ut_interaction"]
    status, said, _ = program("build", *args)
    assert status == 1
    assert "1 videos skipped" in said
    assert f"  set1/9_3_3.avi: {raw / 'set1/9_3_3.avi'} cannot be" in said
    assert program("build", *args, "--skip_bad")[0] == 0

    content = manifest.load(out / "ut_interaction")
    assert content["clips_per_video"] == 3
    assert content["labels"]["actors"][1] == "sequence_02"
    # (sequence + action) mod 6 is 1.
    tests = {"set1/0_1_0.avi", "set1/5_2_5.avi"}
    assert set(content["splits"]["test"]["videos"]) == tests
    for clip in read.clips(
        str(out / "ut_interaction" / "test-*"), labels=("action", "actors")
    ):
        assert clip["video"].numpy().decode() in tests
        assert clip["clips"].shape == (16, 112, 112, 3)
        assert (int(clip["action"]), int(clip["actors"])) in {(0, 0), (5, 1)}
        # 64x32, fitted into 160x120 as 160x80: its border is repeated.
        np.testing.assert_array_equal(clip["clips"][:, 0], clip["clips"][:, 7])


def test_bytes_do_not_depend_on_workers(tmp_path):
    raw = ut_folder(tmp_path / "raw")
    built = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        write.build("ut_interaction", raw, out, workers=workers)
        folder = out / "ut_interaction"
        built.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert built[0] == built[1]
    assert len(built[0]) == 4  # a shard of each split, and the manifest


def test_videos_are_dealt_to_shards_in_a_seeded_order(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "VIDEOS_PER_SHARD", 4)
    raw = sbu_folder(tmp_path / "raw", frames=8)
    train = write.build("sbu", raw, tmp_path / "out")["splits"]["train"]
    assert [s["records"] for s in train["shards"]] == [4] * 3 + [
        len(train["videos"]) - 12
    ]
    assert train["shards"][1]["file"] == "train-00001-of-00004.tfrecord"
    assert train["videos"] != sorted(train["videos"])
    integrity.check_folder(tmp_path / "out" / "sbu")


def test_no_usable_video_is_an_error_that_leaves_nothing(tmp_path):
    write_pngs(tmp_path / "raw" / "s01s02" / "01" / "001", 3)
    with pytest.raises(ValueError, match="None of the 1 videos .* 3 frames"):
        write.build("sbu", tmp_path / "raw", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_listed_videos_that_are_missing_are_reported(tmp_path):
    raw = sbu_folder(tmp_path / "raw", sets=("s01s02",), takes=2)
    for file, takes in (("train", (1, 2, 3)), ("val", ())):
        lines = [
            f"SBU/s01s02/s01s02/{action:02d}/{take:03d},1,9,0,{action - 1}\n"
            for action in (1, 3)
            for take in takes
        ]
        (tmp_path / f"bdq_{file}.txt").write_text("".join(lines))
    content = write.build("sbu", raw, tmp_path / "out", split_dir=tmp_path)
    assert [bad["video"] for bad in content["skipped"]] == [
        "s01s02/01/003",
        "s01s02/03/003",
    ]
    assert "does not exist" in content["skipped"][0]["reason"]


def test_files_that_are_no_shards_are_not_overwritten(tmp_path):
    raw = sbu_folder(tmp_path / "raw", takes=1)
    (tmp_path / "out" / "sbu").mkdir(parents=True)
    (tmp_path / "out" / "sbu" / "thesis.txt").touch()
    with pytest.raises(ValueError, match="holds files, but no manifest.json"):
        write.build("sbu", raw, tmp_path / "out")


def test_no_videos_are_one_line(tmp_path):
    (tmp_path / "raw").mkdir()
    out = tmp_path / "out"
    args = [f"--raw_dir={tmp_path / 'raw'}", f"--out_dir={out}"]
    status, _, stderr = program("build", "--dataset=sbu", *args)
    assert status == 1
    assert "layout of sbu: sXXsYY/<action" in error(stderr)
    with pytest.raises(FileNotFoundError, match="there is no folder nowhere"):
        write.build("sbu", "nowhere", out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--dataset=sbu"], "--raw_dir must name the folder"),
        (["--dataset=sbu", "--raw_dir=x", "--fold=1"], "--fold is only"),
        (["--dataset=puppets", "--split_dir=x"], "--split_dir is only"),
        (["--dataset=ut_interaction", "--raw_dir=x", "--fold=6"], "fold=6"),
        (
            ["--dataset=kinetics"],
            "one of folder, hmdb51, pa_hmdb51, puppets, sbu, ",
        ),
        (["--dataset=sbu", "--raw_dir=x", "--csv=x"], "--csv is only for --d"),
        (["--dataset=sbu", "--raw_dir=x", "--exclude_pa=x"], "--exclude_pa is"),
        (["--dataset=sbu", "--raw_dir=x", "--attributes=sec42"], "t=vispr."),
        (["--dataset=vispr", "--raw_dir=x", "--split=1"], "--split is only f"),
        (
            ["--dataset=ucf101", "--raw_dir=x", "--split=actors"],
            "--split must be st",
        ),
        (["--dataset=sbu", "--raw_dir=x", "--split=3"], "--split must be stan"),
        (
            ["--dataset=sbu", "--raw_dir=x", "--split=actors", "--split_dir=x"],
            "leave --split_dir out",
        ),
    ],
)
def test_flags_that_do_not_fit_are_refused(args, says):
    status, _, stderr = program("build", "--out_dir=x", *args)
    assert status == 1
    assert says in stderr


def test_a_killed_build_leaves_no_dataset(tmp_path):
    raw, out = sbu_folder(tmp_path / "raw", takes=40), tmp_path / "out"
    process = start(
        "build", "--dataset=sbu", f"--raw_dir={raw}", "--out_dir", out
    )
    while not list(out.glob(".sbu.*/train-*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "sbu").exists()
    write.build("sbu", raw, out)
    integrity.check_folder(out / "sbu")


def test_puppets_are_drawn_once_and_by_one(tmp_path, monkeypatch):
    def draw(root, *, size, takes, workers):
        drawn.append((size, takes, workers))
        time.sleep(0.2)
        if root.exists():  # as `generate` does
            raise FileExistsError(root)
        sbu_folder(root, takes=3)
        return root

    drawn = []
    monkeypatch.setattr(cache.generate, "generate", draw)
    monkeypatch.setenv("PRIV_KERAS_CACHE", str(tmp_path / "cache"))
    out = cache.puppets(workers=2)
    assert out.parent == tmp_path / "cache"
    assert manifest.load(out / "puppets")["dataset"] == "puppets"
    assert cache.puppets(workers=2) == out
    assert cache.puppets(tmp_path / "mine") == tmp_path / "mine"
    assert drawn == [((160, 120), 5, 2)]
    assert cache.drawn_puppets(paper_size=True).is_dir()
    assert drawn[1:] == [((640, 480), 2, 1)]

    # Shards that are there already are left as they are.
    assert cache.puppets(tmp_path / "mine", paper_size=True)


def test_two_first_uses_at_once_both_get_the_puppets(tmp_path, monkeypatch):
    def draw(root, **_):
        if not root.exists():
            sbu_folder(root, takes=3)
        raise FileExistsError(root)

    monkeypatch.setattr(cache.generate, "generate", draw)
    monkeypatch.setenv("PRIV_KERAS_CACHE", str(tmp_path))
    assert cache.puppets()


def test_a_failed_drawing_is_not_taken_for_puppets(tmp_path, monkeypatch):
    def fail(root, **_):
        raise OSError("The disk is full.")

    monkeypatch.setattr(cache.generate, "generate", fail)
    monkeypatch.setenv("PRIV_KERAS_CACHE", str(tmp_path))
    with pytest.raises(OSError, match="disk is full"):
        cache.puppets()


def test_two_builds_at_once_leave_one_whole_dataset(tmp_path):
    raw, out = sbu_folder(tmp_path / "raw"), tmp_path / "out"
    args = ["--dataset=sbu", f"--raw_dir={raw}", f"--out_dir={out}"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: program("build", *args), range(2)))
    assert [status for status, _, _ in runs] == [0, 0]
    assert {path.name for path in out.iterdir()} == {"sbu"}
    integrity.check_folder(out / "sbu")


@pytest.mark.parametrize("name", ["build", "verify", "show"])
def test_help_does_not_wait_for_tensorflow(name):
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"tfrecords_tools.{name}"]
        + ["--help"],
        capture_output=True,
        text=True,
    )
    assert f"tfrecords_tools.{name}" in run.stdout
    assert "| tensorflow" not in run.stderr
