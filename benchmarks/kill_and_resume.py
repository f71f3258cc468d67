"""Kills runs at random moments: `python benchmarks/kill_and_resume.py`.

Plays a tiny game on puppets to its end, attackers and export included. Then
plays it again and again, each time killed (SIGKILL) `--kills_each` times at
random moments and resumed, and compares all that it leaves with the first:
weights, moments and counters of every checkpoint, metrics, TensorBoard events,
result and export, to the last bit. Writes
`benchmarks/results/kill_and_resume.md`.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "kill_and_resume.md"
FLAGS = (
    *("--dataset=puppets", "--scale=tiny", "--deterministic", "--keep=9"),
    f"--flagfile={ROOT}/flags/recipes/smoke.flags",
    *("--max_iter=6", "--turns_per_epoch=2", "--restart_every=3"),
    "--max_restart_steps=3",
)
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
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--kills_each", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, default="runs/kill")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    from traces import traces

    shutil.rmtree(args.out, ignore_errors=True)
    start = time.monotonic()
    finish(args.out / "whole")
    took = time.monotonic() - start
    expected = traces(args.out / "whole")
    rng = random.Random(args.seed)
    kills, differing = [], {}
    for number in range(args.runs):
        run = args.out / f"killed-{number}"
        for _ in range(args.kills_each):
            kills.append(kill(run, rng.uniform(0, took)))
        finish(run)
        found = traces(run)
        differing[number] = [k for k in expected if found[k] != expected[k]]
        write(kills, differing, took)
    print(RESULTS.read_text())
    return any(differing.values())


def command(run):
    started = (run / "config.flags").exists()
    return [
        *(sys.executable, "-m", "priv_keras.train", *FLAGS),
        f"--run_dir={run}",
        *(["--resume"] if started else []),
    ]


def finish(run):
    subprocess.run(
        command(run), cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )


def kill(run, seconds):
    """Starts or resumes a run and kills it; returns the phase it was in."""
    process = subprocess.Popen(
        command(run),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return next(name for name, is_in in PHASES.items() if is_in(run))
    return "had ended"


def write(kills, differing, took):
    lines = [
        "# Runs that were killed and resumed",
        "",
        "Made by `python benchmarks/kill_and_resume.py` on "
        f"{machine.name()}; a run takes {took:.0f} s. {len(kills)} kills at "
        f"random moments over {len(differing)} runs; each is compared with one "
        "that was not killed.",
        "",
        "| killed in | times |",
        "|---|---|",
    ]
    lines += [
        f"| {phase} | {kills.count(phase)} |"
        for phase in (*PHASES, "had ended")
        if phase in kills
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
