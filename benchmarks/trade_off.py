"""The trade-off over seeds and folds: `python benchmarks/trade_off.py`.

Runs `priv_keras.train --scale=tiny --method=entropy` on puppets with three
seeds and, where its raw videos are at hand, on folds 0 to 2 of UT-Interaction.
A job that is done is not run again and one that was killed is resumed, so the
same command goes on. Writes `benchmarks/results/trade_off.md`.

    python benchmarks/trade_off.py --ut_raw_dir=RAW --out=runs/trade_off
"""

import argparse
import json
import pathlib
import platform
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "trade_off.md"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="runs/trade_off")
    parser.add_argument("--ut_raw_dir", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    for index in range(args.runs):
        train(args.out / f"puppets-{index}", "puppets", [f"--seed={index}"])
        write(args.out)
    for index in range(args.runs) if args.ut_raw_dir else ():
        shards = args.out / f"shards-{index}"
        program(
            "tfrecords_tools.build",
            "--dataset=ut_interaction",
            f"--raw_dir={args.ut_raw_dir}",
            f"--out_dir={shards}",
            f"--fold={index}",
        )
        flags = [f"--data_dir={shards}", f"--seed={index}"]
        train(args.out / f"ut_interaction-{index}", "ut_interaction", flags)
        write(args.out)
    print(RESULTS.read_text())


def train(run_dir, dataset, flags):
    """Runs or resumes one job; notes the minutes it took from the start."""
    if (run_dir / "result.json").exists():
        return
    resume = ["--resume"] if (run_dir / "config.flags").exists() else []
    start = time.monotonic()
    program(
        "priv_keras.train",
        "--method=entropy",
        "--scale=tiny",
        f"--dataset={dataset}",
        f"--run_dir={run_dir}",
        *flags,
        *resume,
    )
    if not resume:
        minutes = (time.monotonic() - start) / 60
        (run_dir / "minutes.txt").write_text(f"{minutes:.1f}")


def program(module, *args):
    subprocess.run([sys.executable, "-m", module, *args], check=True, cwd=ROOT)


def write(out):
    """Writes the table of all jobs that are done."""
    lines = [
        "# The trade-off of the entropy method, tiny scale",
        "",
        "Made by `python benchmarks/trade_off.py` on "
        f"{platform.machine()}, {processor()}. A_B^N is the strongest of the "
        "attackers named, each trained afresh; chance is the commonest label "
        "of the test clips. Intervals: 95 %, bootstrap over videos.",
    ]
    for dataset in ("puppets", "ut_interaction"):
        runs = sorted(out.glob(f"{dataset}-*/result.json"))
        if runs:
            lines += ["", f"## {dataset}", "", *table(runs)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


def table(runs):
    yield "| run | raw A_T | A_T | raw A_B^N | A_B^N | chance | minutes |"
    yield "|---|---|---|---|---|---|---|"
    rows = []
    for path in runs:
        result = json.loads(path.read_text())
        row = [
            figure
            for side in ("raw", "anonymized")
            for figure in (result[side]["target"], strongest(result[side]))
        ]
        rows.append([score["accuracy"] for score in row])
        raw_t, raw_b, t, b = map(text, row)
        chance = result["chance"]
        took = path.with_name("minutes.txt")
        yield (
            f"| {path.parent.name} | {raw_t} | {t} | {raw_b} | {b} | "
            f"{chance['actions']['majority']:.2f}, "
            f"{chance['budget_labels']['majority']:.2f} | "
            f"{took.read_text() if took.exists() else 'resumed'} |"
        )
    raw_t, raw_b, t, b = np.mean(rows, axis=0)
    yield f"| mean | {raw_t:.3f} | {t:.3f} | {raw_b:.3f} | {b:.3f} | | |"
    yield ""
    yield "Every attacker, on raw and on anonymized clips:"
    yield ""
    for path in runs:
        result = json.loads(path.read_text())
        pairs = zip(
            result["raw"]["attackers"],
            result["anonymized"]["attackers"],
            strict=True,
        )
        each = (
            f"{raw['name']} {raw['accuracy']:.3f} → {found['accuracy']:.3f}"
            for raw, found in pairs
        )
        yield f"- {path.parent.name}: {', '.join(each)}"


def strongest(side):
    return max(side["attackers"], key=lambda found: found["accuracy"])


def text(score):
    low, high = score["interval"]
    return f"{score['accuracy']:.3f} [{low:.2f}, {high:.2f}]"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor()


if __name__ == "__main__":
    main()
