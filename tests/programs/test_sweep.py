import csv
import itertools
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver
from made_videos import sbu_folder
from run_programs import SMALL

from flags import parsing
from flags import training
from priv_keras import sweep
from tfrecords_tools import write


@pytest.fixture
def chosen():
    """Returns a function that sets flags of the sweep for a test."""
    values = absl_flags.FLAGS
    if not values.is_parsed():
        values.mark_as_parsed()
    saved = absl_flags.FLAGS.flag_values_dict()

    def choose(**options):
        for name, value in options.items():
            setattr(values, name, value)

    yield choose
    for name in ("methods", "gammas", "seeds", "sweep_dir"):
        setattr(values, name, saved[name])


def test_the_grid_is_every_combination(chosen, tmp_path):
    own = tmp_path / "mine.flags"
    own.write_text("--method=grl\n--restart_every=20\n")
    chosen(
        methods=["entropy", "downsample_4", "kbeam", str(own)],
        gammas=["1", "2"],
        seeds=["0", "7"],
    )
    jobs = {job.name: job for job in sweep.grid("--scale=tiny\n")}
    assert list(jobs) == [
        "entropy-gamma1-seed0",
        "entropy-gamma1-seed7",
        "entropy-gamma2-seed0",
        "entropy-gamma2-seed7",
        "downsample_4-seed0",
        "downsample_4-seed7",  # has no gamma
        "kbeam-seed0",
        "kbeam-seed7",  # has none either
        "mine-gamma1-seed0",
        "mine-gamma1-seed7",
        "mine-gamma2-seed0",
        "mine-gamma2-seed7",
    ]
    assert jobs["mine-gamma2-seed7"] == sweep.Job(
        "mine-gamma2-seed7",
        "7",
        "train",
        "--scale=tiny\n--method=grl\n--restart_every=20\n--seed=7\n--gamma=2\n",
    )
    assert jobs["downsample_4-seed0"].program == "evaluate"


def test_an_unknown_method_is_refused(chosen):
    chosen(methods=["magic"])
    with pytest.raises(ValueError, match="magic: there is no such method"):
        list(sweep.grid(""))


def test_jobs_need_names_of_their_own(tmp_path):
    job = sweep.Job("a", "0", "train", "")
    with pytest.raises(ValueError, match="have the same name: a"):
        sweep.check([job, job], tmp_path)


def test_a_folder_of_another_sweep_is_refused(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.flags").write_text("--gamma=1\n")
    sweep.check([sweep.Job("a", "0", "train", "--gamma=1\n")], tmp_path)
    with pytest.raises(ValueError, match="--gamma=1 --gamma=2"):
        sweep.check([sweep.Job("a", "0", "train", "--gamma=2\n")], tmp_path)


def test_other_attacks_are_no_other_sweep(tmp_path):
    for part in ("jobs", "runs/a"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "runs" / "a" / "result.json").touch()
    job = sweep.Job("a", "0", "train", "--attacks=retrained\n--gamma=1\n")
    (tmp_path / "jobs" / "a.flags").write_text(job.flags)
    assert sweep.is_judged(job, tmp_path)
    more = job._replace(flags="--attacks=retrained,static\n--gamma=1\n")
    sweep.check([more], tmp_path)
    assert not sweep.is_judged(more, tmp_path)
    (tmp_path / "jobs" / "a.flags").write_text(more.flags)
    assert sweep.is_judged(job, tmp_path)  # with more attacks than it asks for


def test_a_job_has_the_flags_of_the_sweep_and_no_recipe_of_the_scale(
    monkeypatch, tmp_path
):
    def run(argv, **_):
        with flagsaver.flagsaver():
            parsing.with_scale(argv[2:])
            played.append(training.ANONYMIZER_BITS.value)
        return subprocess.CompletedProcess(argv, 0)

    played = []
    monkeypatch.setattr(sweep.subprocess, "run", run)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "logs").mkdir()
    for named in ("none", "bounded"):
        with flagsaver.flagsaver():
            parsing.with_scale(["sweep", "--scale=tiny", f"--recipe={named}"])
            common = parsing.serialize(absl_flags.FLAGS, skip=sweep.NOT_COMMON)
        job = sweep.Job(named, 0, "train", common)
        sweep._flagfile(job, tmp_path).write_text(job.flags)
        assert sweep._run(job, "train", tmp_path, 1, []) == 0
    assert played == [None, 12.0]


def test_an_attack_of_other_settings_is_another(monkeypatch, tmp_path):
    for part in ("jobs", "runs/a"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "runs" / "a" / "result.json").touch()
    known = "--attacks=retrained,inversion\n--inversion_steps=3\n--gamma=1\n"
    (tmp_path / "jobs" / "a.flags").write_text(known)
    longer = known.replace("=3", "=5")
    job = sweep.Job("a", "0", "train", longer)
    sweep.check([job], tmp_path)
    assert not sweep.is_judged(job, tmp_path)
    without = job._replace(flags=longer.replace(",inversion", ""))
    assert sweep.is_judged(without, tmp_path)
    given = []
    monkeypatch.setattr(sweep, "_run", lambda *args: given.append(args) or 0)
    sweep.run_job(job, tmp_path)
    ((_, program, _, _, more),) = given
    assert program == "evaluate"
    assert more == ["--inversion_steps=5", "--attacks=retrained,inversion"]
    assert sweep.is_judged(job, tmp_path)


@pytest.mark.parametrize("name", ["gammas", "seeds"])
def test_numbers_are_numbers(chosen, name):
    with pytest.raises(absl_flags.IllegalFlagValueError, match=" numbers, as"):
        chosen(**{name: ["1", "two"]})


def test_seeds_run_side_by_side_and_the_jobs_of_each_in_order(
    monkeypatch, tmp_path
):
    both = threading.Barrier(2, timeout=60)  # breaks unless two run at once
    began = {"0": [], "1": []}

    def run_job(job, folder, at_once):
        began[job.seed].append(job.name)
        both.wait()
        return "done"

    monkeypatch.setattr(sweep, "run_job", run_job)
    names = ("one", "two", "three")
    jobs = [sweep.Job(n, seed, "train", "") for n in names for seed in "01"]
    sweep.run_jobs(jobs, tmp_path, 2)
    assert began == {"0": list(names), "1": list(names)}


def test_an_error_of_one_seed_stops_the_others(monkeypatch, tmp_path):
    begun, count = [], 500
    both = threading.Event()

    def run_job(job, folder, at_once):
        if job.seed == "0":
            assert both.wait(timeout=60)
            raise OSError("disk full")
        both.set()
        begun.append(job.name)
        time.sleep(0.01)
        return "done"

    monkeypatch.setattr(sweep, "run_job", run_job)
    jobs = [sweep.Job("failing", "0", "train", "")]
    jobs += [sweep.Job(str(n), "1", "train", "") for n in range(count)]
    with pytest.raises(OSError, match="disk full"):
        sweep.run_jobs(jobs, tmp_path, 2)
    assert len(begun) < count


def test_the_minutes_of_a_second_judging_are_added(monkeypatch, tmp_path):
    clock = itertools.count(0, 60)  # read before and after each job
    monkeypatch.setattr(sweep.time, "monotonic", lambda: next(clock))

    def run(job, *_):
        folder = tmp_path / "runs" / job.name
        folder.mkdir(exist_ok=True)
        (folder / "config.flags").touch()
        (folder / "result.json").touch()
        return 0

    monkeypatch.setattr(sweep, "_run", run)
    for part in ("jobs", "runs"):
        (tmp_path / part).mkdir()
    for attacks, minutes in (("a", "1.0"), ("a,b", "2.0"), ("b", "2.0")):
        job = sweep.Job("x", "0", "train", f"--attacks={attacks}\n")
        sweep.run_job(job, tmp_path)
        took = tmp_path / "runs" / "x" / "minutes.txt"
        assert took.read_text() == minutes


def test_jobs_at_once_share_the_processors(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert sweep.environment(1) is None  # that of the parent
    assert sweep.environment(2)["TF_NUM_INTRAOP_THREADS"] == "4"
    assert sweep.environment(16)["TF_NUM_INTRAOP_THREADS"] == "1"


@pytest.mark.slow
def test_a_sweep_goes_on_after_a_job_that_fails(tmp_path):
    write.build("sbu", sbu_folder(tmp_path / "raw"), tmp_path / "shards")
    broken = tmp_path / "broken.flags"
    broken.write_text("--target_weights=/nowhere.weights.h5\n")
    command = [
        sys.executable,
        "-m",
        "priv_keras.sweep",
        *SMALL,
        f"--data_dir={tmp_path / 'shards'}",
        f"--sweep_dir={tmp_path / 'sweep'}",
        f"--methods={broken},entropy,downsample_4",
    ]

    def run(*more):
        return subprocess.run([*command, *more], capture_output=True, text=True)

    first = run()
    assert first.returncode == 1
    assert "broken-seed0: failed with status 1" in first.stdout
    assert first.stderr.endswith("failed: broken-seed0\n")
    with open(tmp_path / "sweep" / "result.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["downsample_4", "entropy"]
    assert (tmp_path / "sweep" / "report" / "index.html").exists()
    second = run()
    assert "entropy-seed0: was done" in second.stdout
    assert "downsample_4-seed0: was done" in second.stdout
    checkpoints = list((tmp_path / "sweep").rglob("checkpoints/*"))
    times = [path.stat().st_mtime_ns for path in checkpoints]
    for more, all_of_them in (("static", "static"), ("video", "static video")):
        third = run(f"--attacks=retrained,{more}")
        assert "entropy-seed0: done in" in third.stdout
        for name in ("entropy-seed0", "downsample_4-seed0"):
            result = tmp_path / "sweep" / "runs" / name / "result.json"
            found = json.loads(result.read_text())["attacks"]
            kinds = {attack["attack"].split(",")[0] for attack in found}
            assert kinds == set(all_of_them.split())
    assert [path.stat().st_mtime_ns for path in checkpoints] == times != []
    fourth = run("--attacks=retrained,static")
    assert "entropy-seed0: was done" in fourth.stdout
