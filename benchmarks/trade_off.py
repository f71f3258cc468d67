"""The trade-off of every method over seeds and folds, at the tiny scale.

    python benchmarks/trade_off.py --ut_raw_dir=RAW --out=runs/trade_off

Runs `priv_keras.train --scale=tiny` with each of `METHODS` on puppets, one
seed after the other, and, where its raw videos are at hand, on folds of
UT-Interaction. A job that is done is not run again and one that was killed is
resumed, so the same command goes on. Runs of one seed or fold share their
warm-ups and their figures of raw clips. Writes
`benchmarks/results/trade_off.md` after each.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import machine
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "trade_off.md"

SAME = ",".join(["mobilenet_v2_0.35"] * 4)
DIFFERENT = ",".join(f"mobilenet_v2_{width}" for width in (0.35, 0.5, 0.3, 0.2))
RESTART = "--restart_every=20"
METHODS = {
    "entropy_m1": ["--method=entropy"],
    "entropy_m1_restart": ["--method=entropy", RESTART],
    "entropy_m4_restart": [
        *("--method=entropy", f"--budgets={DIFFERENT}", RESTART)
    ],
    "grl": ["--method=grl"],
    "grl_restart": ["--method=grl", RESTART],
    "kbeam_k4": ["--method=kbeam", f"--budgets={SAME}"],
    "kbeam_k4_restart": ["--method=kbeam", f"--budgets={SAME}", RESTART],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="runs/trade_off")
    parser.add_argument("--ut_raw_dir", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--methods", default=",".join(METHODS))
    args = parser.parse_args()
    methods = args.methods.split(",")
    for method in methods:
        for seed in range(args.seeds):
            job = args.out / f"puppets-{seed}"
            train(job, method, "--dataset=puppets", f"--seed={seed}")
            write(args.out)
        for fold in range(args.folds) if args.ut_raw_dir else ():
            job = args.out / f"ut_interaction-{fold}"
            program(
                "tfrecords_tools.build",
                "--dataset=ut_interaction",
                f"--raw_dir={args.ut_raw_dir}",
                f"--out_dir={job / 'shards'}",
                f"--fold={fold}",
            )
            train(
                job,
                method,
                "--dataset=ut_interaction",
                f"--data_dir={job / 'shards'}",
                f"--seed={fold}",
            )
            write(args.out)
    print(RESULTS.read_text())


def train(job, method, *flags):
    """Runs or resumes one game; notes the minutes it took from the start."""
    run_dir = job / method
    if (run_dir / "result.json").exists():
        return
    resume = ["--resume"] if (run_dir / "config.flags").exists() else []
    start = time.monotonic()
    program(
        "priv_keras.train",
        "--scale=tiny",
        f"--run_dir={run_dir}",
        f"--shared_dir={job / 'shared'}",
        *METHODS[method],
        *flags,
        *resume,
    )
    if not resume:
        minutes = (time.monotonic() - start) / 60
        (run_dir / "minutes.txt").write_text(f"{minutes:.1f}")


def program(module, *args):
    subprocess.run([sys.executable, "-m", module, *args], check=True, cwd=ROOT)


def write(out):
    """Writes the tables of all jobs that are done."""
    lines = [
        "# The trade-off of each method, tiny scale",
        "",
        "Made by `python benchmarks/trade_off.py` on "
        f"{machine.name()}. A_B^N is the strongest of the "
        "attackers named below, each trained afresh; chance is the commonest "
        "label of the test clips. Means over seeds or folds, with 95 % "
        "t-intervals where there are two or more; of single runs, intervals "
        "by bootstrap over videos. The first run of a seed or fold pays for "
        "the warm-ups and the raw figures that the others share.",
    ]
    for dataset in ("puppets", "ut_interaction"):
        runs = {
            method: sorted(out.glob(f"{dataset}-*/{method}/result.json"))
            for method in METHODS
        }
        runs = {method: paths for method, paths in runs.items() if paths}
        if runs:
            lines += ["", f"## {dataset}", "", *means(runs)]
            lines += ["", *singles(runs), "", *attackers(runs)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


def means(runs):
    yield "| method | runs | A_T | A_B^N |"
    yield "|---|---|---|---|"
    results = {m: [load(path) for path in paths] for m, paths in runs.items()}
    raw = {
        path.parents[1]: load(path) for paths in runs.values() for path in paths
    }
    yield row("raw clips", raw.values(), "raw")
    for method, found in results.items():
        yield row(method, found, "anonymized")
    chance = [result["chance"] for result in raw.values()]
    actions, identities = (
        np.mean([c[label]["majority"] for c in chance])
        for label in ("actions", "budget_labels")
    )
    yield f"| chance | {len(chance)} | {actions:.3f} | {identities:.3f} |"


def row(name, results, side):
    sides = [result[side] for result in results]
    utility = interval([found["target"]["accuracy"] for found in sides])
    privacy = interval([strongest(found)["accuracy"] for found in sides])
    return f"| {name} | {len(sides)} | {utility} | {privacy} |"


def interval(values):
    from scipy import stats

    mean = np.mean(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{mean:.3f} ± {half:.3f}"


def singles(runs):
    yield "| run | raw A_T | A_T | raw A_B^N | A_B^N | minutes |"
    yield "|---|---|---|---|---|---|"
    for path in (path for paths in runs.values() for path in paths):
        raw, found = (load(path)[side] for side in ("raw", "anonymized"))
        took = path.with_name("minutes.txt")
        yield (
            f"| {name_of(path)} | {text(raw['target'])} | "
            f"{text(found['target'])} | {text(strongest(raw))} | "
            f"{text(strongest(found))} | "
            f"{took.read_text() if took.exists() else 'resumed'} |"
        )


def attackers(runs):
    yield "Every attacker, on raw and on anonymized clips:"
    yield ""
    for path in (path for paths in runs.values() for path in paths):
        result = load(path)
        pairs = zip(
            result["raw"]["attackers"],
            result["anonymized"]["attackers"],
            strict=True,
        )
        each = (
            f"{raw['name']} {raw['accuracy']:.3f} → {found['accuracy']:.3f}"
            for raw, found in pairs
        )
        yield f"- {name_of(path)}: {', '.join(each)}"


def load(path):
    return json.loads(path.read_text())


def name_of(path):
    return f"{path.parents[1].name} {path.parent.name}"


def strongest(side):
    return max(side["attackers"], key=lambda found: found["accuracy"])


def text(score):
    low, high = score["interval"]
    return f"{score['accuracy']:.3f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
