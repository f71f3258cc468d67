"""Kills runs at random moments: `python benchmarks/kill_and_resume.py`.

Plays a tiny game on puppets to its end, attackers and export included. Then
plays it again and again, `--jobs` at once, each killed (SIGKILL) at a random
moment of every phase and resumed, until there were `--kills` in all. Compares
everything that each leaves with the first, bit by bit: weights, moments and
counters of every checkpoint, metrics, TensorBoard events, result and export.
Writes `benchmarks/results/kill_and_resume.md`.
"""

import argparse
import itertools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
from concurrent import futures

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "kill_and_resume.md"
FLAGS = (
    "--dataset=puppets",
    "--scale=tiny",
    "--deterministic",
    "--keep=9",
    f"--flagfile={ROOT}/flags/recipes/smoke.flags",
    "--max_iter=6",
    "--turns_per_epoch=2",
    "--restart_every=3",
    "--max_restart_steps=3",
)
POLL = 0.1  # seconds
PHASES = {
    "warm-up of f_A and f_T": lambda run: (
        not any((run / "checkpoints").glob("pair-*"))
    ),
    "warm-up of f_B, first turns": lambda run: (
        not any((run / "checkpoints").glob("turn_*"))
    ),
    "game": lambda run: not any((run / "checkpoints").glob("turn_000006*")),
    "attackers": lambda run: not (run / "result.json").exists(),
    "after the result": lambda run: True,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path, default="runs/kill")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    from traces import traces

    shutil.rmtree(args.out, ignore_errors=True)
    lengths = finish(args.out / "whole")
    expected = traces(args.out / "whole")
    kills, differing = [], {}

    def play(number):
        rng = random.Random(f"{args.seed}-{number}")
        run = args.out / f"killed-{number}"
        for phase, length in lengths.items():
            kills.extend(kill(run, phase, rng.uniform(0, length)))
        finish(run)
        found = traces(run)
        differing[number] = [k for k in expected if found[k] != expected[k]]
        write(kills, differing, lengths)

    numbers = itertools.count()
    with futures.ThreadPoolExecutor(args.jobs) as pool:
        while len(kills) < args.kills:
            list(pool.map(play, itertools.islice(numbers, args.jobs)))
    print(RESULTS.read_text())
    return any(differing.values())


def phase_of(run):
    return next(name for name, is_in in PHASES.items() if is_in(run))


def command(run):
    started = (run / "config.flags").exists()
    return [
        sys.executable,
        "-m",
        "priv_keras.train",
        *FLAGS,
        f"--run_dir={run}",
        *(["--resume"] if started else []),
    ]


def start(run):
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command(run), cwd=ROOT, stdout=quiet, stderr=quiet)


def finish(run):
    """Plays a run to its end and returns the seconds of each of its phases."""
    process = start(run)
    lengths = dict.fromkeys(PHASES, 0.0)
    while process.poll() is None:
        lengths[phase_of(run)] += POLL
        time.sleep(POLL)
    refuse_failure(process, run)
    return lengths


def kill(run, phase, seconds):
    """Starts or resumes a run and kills it a given time after a phase began.

    Yields:
        The phase in which it was killed, unless it ended before.
    """
    process = start(run)
    while process.poll() is None and phase_of(run) != phase:
        time.sleep(POLL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        yield phase_of(run)
    else:
        refuse_failure(process, run)


def refuse_failure(process, run):
    if process.returncode:
        raise RuntimeError(f"{run} failed: exit status {process.returncode}")


def write(kills, differing, lengths):
    took = sum(lengths.values())
    lines = [
        "# Runs that were killed and resumed",
        "",
        "Made by `python benchmarks/kill_and_resume.py` on "
        f"{machine.name()}; a run took {took:.0f} s. {len(kills)} kills at "
        f"random moments over {len(differing)} runs; each is compared with one "
        "that was not killed.",
        "",
        "| killed in | seconds of it | times |",
        "|---|---|---|",
    ]
    lines += [
        f"| {phase} | {lengths[phase]:.0f} | {kills.count(phase)} |"
        for phase in PHASES
    ]
    lines += ["", "| run | differs in |", "|---|---|"]
    lines += [
        f"| {number} | {', '.join(names) or 'nothing: identical'} |"
        for number, names in differing.items()
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.exit(main())
