"""Runs a grid of games and baselines, and compares them.

    python -m priv_keras.sweep --sweep_dir=DIR --methods=entropy,grl \
        --gammas=0.5,1,2 --seeds=0,1,2 --dataset=puppets --scale=tiny

Each job is a process and a folder of its own, and all that changes between
jobs is a flagfile in DIR/jobs. The same command goes on where it was: what is
judged is not run again, what was killed is resumed, and with more --attacks
what is trained is only judged again. A job that fails stops no other.
Ends with DIR/result.csv and DIR/report/index.html.
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

# Each job's own.
NOT_COMMON = (
    *("baseline", "resume", "run_dir", "seed", "shared_dir"),
    *("gammas", "jobs", "methods", "seeds", "sweep_dir"),
)
ATTACKS = "--attacks="
# The flags of single attacks.
SETTINGS = {"inversion": "--inversion_", "few_labels": "--label_shares="}


class Job(NamedTuple):
    """One run of the grid."""

    name: str
    seed: str
    program: str  # that runs it
    flags: str  # a flagfile's text


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
    """Runs the jobs of each seed one after another, seeds side by side."""
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
            stopped.set()  # or each thread would start its next job
            raise


def grid(common):
    """Yields the `Job` of each method, gamma and seed.

    Args:
        common: The flags that all jobs have, as the text of a flagfile.
    """
    for method in flags.METHODS.value:
        name, started_by, own = described(method)
        # Neither a baseline nor K-Beam weighs anything by gamma.
        weighs = started_by == "train" and "--method=kbeam" not in own.split()
        for gamma in (flags.GAMMAS.value if weighs else []) or [None]:
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
    """Name, program and flags of one of `--methods`.

    Raises:
        ValueError: If it is none.
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
    """Raises unless jobs have names of their own, and those that the folder
    knows are these, but for their attacks.

    Raises:
        ValueError: If not.
    """
    names = [job.name for job in jobs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Two jobs of one name: {', '.join(twice)}.")
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
    """Runs, or resumes, a job that is not judged, beside `at_once - 1` others;
    returns what came of it."""
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
        lines = log.read_text().splitlines() or ["it said nothing"]
        return f"failed with status {status}: {lines[-1]} ({log})"
    before = float(took.read_text()) if took.exists() else 0.0
    if not started or before:  # of what was killed, nobody knows
        took.write_text(f"{before + minutes:.1f}")
    return f"done in {minutes:.1f} minutes"


def _play(job, folder, at_once, started):
    """Trains and judges, by the attacks that the folder knows."""
    flagfile = _flagfile(job, folder)
    flagfile.write_text(_known(job, folder))
    resumed = ["--resume"] if started and job.program == "train" else []
    return _run(job, job.program, folder, at_once, resumed)


def _judge_again(job, folder, at_once):
    """Judges what is trained by the attacks of the job too."""
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
    """Names of the attacks in a flagfile's text."""
    lines = [line for line in flags.splitlines() if line.startswith(ATTACKS)]
    return lines[-1].removeprefix(ATTACKS).split(",") if lines else []


def _settled(flags):
    """The attacks in a flagfile's text, each with the flags of its own."""
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
                *(sys.executable, "-m", f"priv_keras.{program}"),
                f"--flagfile={_flagfile(job, folder)}",
                f"--run_dir={_run_dir(job, folder)}",
                f"--shared_dir={folder / 'shared'}",
                *more,
            ],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment(at_once),
        ).returncode


def environment(at_once):
    """That of one of so many jobs: its share of the threads, and no more memory
    of a GPU than it needs. `None` for that of this process."""
    if at_once == 1:
        return None
    threads = max(1, (os.cpu_count() or 1) // at_once)
    shares = {
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    return {**shares, **os.environ}


def is_judged(job, folder):
    """Whether a job has its result, by all attacks that it names."""
    known = _settled(_known(job, folder))
    return _has_result(job, folder) and _settled(job.flags) <= known


def _has_result(job, folder):
    return RunFolder(_run_dir(job, folder)).result.exists()


def _known(job, folder):
    """The flags by which the folder knows a job; its own, if it is new."""
    path = _flagfile(job, folder)
    return path.read_text() if path.exists() else job.flags


def _log(job, folder):
    return folder / "logs" / f"{job.name}.log"


def _flagfile(job, folder):
    return folder / "jobs" / f"{job.name}.flags"


def _run_dir(job, folder):
    return folder / "runs" / job.name


def summarize(folder):
    """Writes the table and the report of all runs that are judged, those of
    earlier grids too."""
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
            *("sweep_dir", "methods", "gammas", "seeds", "jobs", "scale"),
            *("recipe", "dataset", "data_dir", "attacks"),
        ),
        required=["sweep_dir"],
        parse=parsing.with_scale,
    )


if __name__ == "__main__":
    run()
