"""Runs a grid of games and baselines, and compares them.

    python -m priv_keras.sweep --sweep_dir=DIR --methods=entropy,grl \
        --gammas=0.5,1,2 --seeds=0,1,2 --dataset=puppets --scale=tiny

Each job is a process with its own folder, and jobs differ only by a flagfile in
DIR/jobs. The same command continues where it stopped: judged runs are not run
again, killed ones are resumed, and with more --attacks trained ones are only
judged again. A job that fails does not stop the others.
At the end, DIR/result.csv and DIR/report/index.html compare all runs.
"""

import csv
import itertools
import os
import pathlib
import subprocess
import sys
import threading
import time
from concurrent import futures
from typing import NamedTuple

from absl import app
from absl import flags as absl_flags

from flags import data as data_flags
from flags import evaluation
from flags import parsing
from flags import program
from flags import sweep as flags
from flags import training
from flags.suggestions import nearest
from priv_keras import files
from priv_keras.runs.folder import RunFolder

# Flags that are not passed on to every job as they are.
NOT_COMMON = (
    "baseline",
    "resume",
    "run_dir",
    "seed",
    "shared_dir",
    "gammas",
    "jobs",
    "methods",
    "seeds",
    "sweep_dir",
)
ATTACKS = "--attacks="
# Attack to the beginning of the flags that only it has.
SETTINGS = {"inversion": "--inversion_", "few_labels": "--label_shares="}


class Job(NamedTuple):
    """One run of the grid."""

    name: str
    seed: str
    program: str  # the program that runs it, `train` or `evaluate`
    flags: str  # the text of a flagfile


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    folder = pathlib.Path(flags.SWEEP_DIR.value)
    jobs = list(grid(parsing.serialize(absl_flags.FLAGS, skip=NOT_COMMON)))
    check(jobs, folder)
    for part in ("jobs", "logs", "runs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    run_jobs(jobs, folder, flags.JOBS.value)
    summarize(folder)
    failed = [job.name for job in jobs if not is_judged(job, folder)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run_jobs(jobs, folder, at_once):
    """Runs the jobs of one seed after another, and several seeds at once.

    Args:
        jobs: List of `Job`.
        folder: `pathlib.Path` of the sweep.
        at_once: Int, the number of jobs to run at once.
    """
    stopped = threading.Event()
    ended = itertools.count(1)

    def run_seed(seed):
        for job in jobs:
            if job.seed == seed and not stopped.is_set():
                what = run_job(job, folder, at_once)
                line = f"{next(ended)}/{len(jobs)} {job.name}: {what}"
                print(line, flush=True)

    with futures.ThreadPoolExecutor(at_once) as pool:
        try:
            list(pool.map(run_seed, dict.fromkeys(job.seed for job in jobs)))
        except BaseException:
            stopped.set()  # otherwise each thread would start its next job
            raise


def grid(common):
    """Yields the `Job` of each method, gamma and seed.

    Args:
        common: String, the flags that all jobs have as the text of a flagfile.

    Yields:
        `Job`.
    """
    for method in flags.METHODS.value:
        name, started_by, own = described(method)
        # Neither baselines nor K-Beam have a gamma.
        has_gamma = started_by == "train" and (
            "--method=kbeam" not in own.split()
        )
        for gamma in (flags.GAMMAS.value if has_gamma else []) or [None]:
            for seed in flags.SEEDS.value:
                lines = [common, own, f"--seed={seed}\n"]
                if gamma:
                    lines.append(f"--gamma={gamma}\n")
                part = f"-gamma{gamma}" if gamma else ""
                yield Job(
                    f"{name}{part}-seed{seed}",
                    seed,
                    started_by,
                    "".join(lines),
                )


def described(method):
    """Looks up one of `--methods`.

    Args:
        method: String, a method, a baseline, a recipe or the path of a
            flagfile.

    Returns:
        Strings: its name, the program that runs it, and the text of its
        flagfile.

    Raises:
        ValueError: If there is no such method.
    """
    if method in training.METHODS:
        return method, "train", f"--method={method}\n"
    if method in evaluation.BASELINES:
        return method, "evaluate", f"--baseline={method}\n"
    recipes = parsing.recipes()
    path = recipes.get(method) or pathlib.Path(method)
    if path.suffix == ".flags" and path.is_file():
        return path.stem, "train", path.read_text()
    known = (*training.METHODS, *evaluation.BASELINES, *recipes)
    raise ValueError(
        f"--methods={method}: there is no such method "
        f"({', '.join(training.METHODS)}), baseline (see --helpfull), recipe "
        f"(see --recipe=list) or flagfile (*.flags).{nearest(method, known)}"
    )


def check(jobs, folder):
    """Raises if jobs share a name, or differ from those that the folder holds.

    They may differ from those in their attacks.

    Args:
        jobs: List of `Job`.
        folder: `pathlib.Path` of the sweep.

    Raises:
        ValueError: If so.
    """
    names = [job.name for job in jobs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Several jobs have the same name: {', '.join(twice)}. Give each "
            "of --methods, --gammas and --seeds once, and flagfiles different "
            "names."
        )
    for job in jobs:
        known = _known(job, folder).splitlines()
        differing = set(known) ^ set(job.flags.splitlines())
        if not all(map(_is_of_attacks, differing)):
            raise ValueError(
                f"--sweep_dir={folder} knows {job.name} with other flags. "
                f"Differing: {' '.join(sorted(differing))}. Choose another "
                "--sweep_dir."
            )


def run_job(job, folder, at_once=1):
    """Runs or resumes a job, unless it is judged already.

    Args:
        job: `Job`.
        folder: `pathlib.Path` of the sweep.
        at_once: Int, the number of jobs that share the machine.

    Returns:
        String, what became of the job.
    """
    if is_judged(job, folder):
        return "was done"
    run_dir = _run_dir(job, folder)
    started = RunFolder(run_dir).config.exists()
    begun = time.monotonic()
    status = 0
    if not _has_result(job, folder):
        status = _play(job, folder, at_once, started)
    if _has_result(job, folder) and not is_judged(job, folder):
        status = _judge_again(job, folder, at_once)
    minutes = (time.monotonic() - begun) / 60
    took = RunFolder(run_dir).minutes
    if status or not is_judged(job, folder):
        log = _log(job, folder)
        lines = log.read_text().splitlines() or ["it printed nothing"]
        return f"failed with status {status}: {lines[-1]} ({log})"
    before = float(took.read_text()) if took.exists() else 0.0
    if not started or before:  # the minutes of a killed job are not known
        took.write_text(f"{before + minutes:.1f}")
    return f"done in {minutes:.1f} minutes"


def _play(job, folder, at_once, started):
    """Trains a job and judges it with the attacks that the folder holds."""
    flagfile = _flagfile(job, folder)
    flagfile.write_text(_known(job, folder))
    resumed = ["--resume"] if started and job.program == "train" else []
    return _run(job, job.program, folder, at_once, resumed)


def _judge_again(job, folder, at_once):
    """Judges a trained job with its new attacks as well."""
    known = _known(job, folder)
    both = dict.fromkeys(attacks(known) + attacks(job.flags))
    lines = job.flags.splitlines()
    own = [line for line in lines if line.startswith(tuple(SETTINGS.values()))]
    more = [*own, ATTACKS + ",".join(both)]
    status = _run(job, "evaluate", folder, at_once, more)
    if not status:
        kept = itertools.filterfalse(_is_of_attacks, known.splitlines())
        _flagfile(job, folder).write_text("\n".join([*kept, *more, ""]))
    return status


def attacks(flags):
    """Returns the names of the attacks in the text of a flagfile."""
    lines = [line for line in flags.splitlines() if line.startswith(ATTACKS)]
    return lines[-1].removeprefix(ATTACKS).split(",") if lines else []


def _settings_of_attacks(flags):
    """Returns a set of each attack in a flagfile with its own flags."""
    return {
        (attack, *(line for line in flags.splitlines() if _sets(line, attack)))
        for attack in attacks(flags)
    }


def _sets(flag, attack):
    return flag.startswith(SETTINGS.get(attack, ()))


def _is_of_attacks(flag):
    return flag.startswith((ATTACKS, *SETTINGS.values()))


def _run(job, program, folder, at_once, more):
    with _log(job, folder).open("a") as file:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                f"priv_keras.{program}",
                f"--flagfile={_flagfile(job, folder)}",
                "--recipe=none",  # the flagfile has all that one would set
                f"--run_dir={_run_dir(job, folder)}",
                f"--shared_dir={folder / 'shared'}",
                *more,
            ],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(at_once),
        ).returncode


def environment(at_once):
    """Returns the environment of a job that shares the machine.

    A job gets its share of the threads, and takes no more memory of a GPU than
    it needs.

    Args:
        at_once: Int, the number of jobs that share the machine.

    Returns:
        Dict; `None` for the environment of this process.
    """
    if at_once == 1:
        return None
    threads = max(1, (os.cpu_count() or 1) // at_once)
    shares = {
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    return {**shares, **os.environ}


def is_judged(job, folder):
    """Returns whether a job has a result for all attacks that it names.

    Args:
        job: `Job`.
        folder: `pathlib.Path` of the sweep.
    """
    known = _settings_of_attacks(_known(job, folder))
    return _has_result(job, folder) and _settings_of_attacks(job.flags) <= known


def _has_result(job, folder):
    return RunFolder(_run_dir(job, folder)).result.exists()


def _known(job, folder):
    """Returns the flags of a job in the folder; its own if it is new."""
    path = _flagfile(job, folder)
    return path.read_text() if path.exists() else job.flags


def _log(job, folder):
    return folder / "logs" / f"{job.name}.log"


def _flagfile(job, folder):
    return folder / "jobs" / f"{job.name}.flags"


def _run_dir(job, folder):
    return folder / "runs" / job.name


def summarize(folder):
    """Writes the table and the report of all judged runs.

    Runs of earlier grids in the same folder are included.

    Args:
        folder: `pathlib.Path` of the sweep.
    """
    # In here, so that `--help` does not wait for Matplotlib.
    from priv_keras.reports import comparison
    from priv_keras.reports import page
    from priv_keras.runs.run import load_run

    results = sorted((folder / "runs").glob("*/result.json"))
    judged = [load_run(path.parent) for path in results]
    if not judged:
        return
    rows = [comparison.row(run) for run in judged]
    table = folder / "result.csv"
    with (
        files.replacing(table) as partial,
        partial.open("w", newline="") as file,
    ):
        columns = dict.fromkeys(itertools.chain(*rows))
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    page.write(judged, folder / "report", training.PICTURES.value)
    print(f"{table}, {folder / 'report' / 'index.html'}")


def run():
    program.run(
        main,
        (flags, data_flags, training, evaluation),
        first=(
            "sweep_dir",
            "methods",
            "gammas",
            "seeds",
            "jobs",
            "scale",
            "recipe",
            "dataset",
            "data_dir",
            "attacks",
        ),
        required=["sweep_dir"],
        parse=parsing.with_scale,
    )


if __name__ == "__main__":
    run()
