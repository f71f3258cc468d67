"""The costs that f_A can hide by, turn by turn on speakers.

    python benchmarks/privacy_costs.py --speakers_raw_dir=RAW

Plays one game with each of `GAMES`, one seed, and judges it as `train` does.
`benchmarks/results/privacy_costs.jsonl` keeps each game's figures of its turns
and of its judge, so that the same command continues where it stopped; the table
and the picture are made from it.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

import lines
import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "privacy_costs.md"
KEPT = RESULTS.with_suffix(".jsonl")
GAMES = {
    "entropy, Eq. (7a)": ("--recipe=none", "--privacy_cost=entropy"),
    "uniform": ("--recipe=none", "--privacy_cost=uniform"),
    "--recipe=bounded": ("--recipe=bounded",),
}
FIGURES = {
    "budget_entropy": "H_B of its maximum",
    "budget_0_gate_accuracy": "accuracy of f_B at its gate",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="runs/privacy_costs")
    parser.add_argument("--speakers_raw_dir", required=True)
    args = parser.parse_args()
    out = pathlib.Path(args.out).absolute()
    program(
        "tfrecords_tools.build",
        "--dataset=folder",
        f"--raw_dir={args.speakers_raw_dir}",
        f"--out_dir={out / 'shards'}",
    )
    records = lines.read(KEPT)
    for i, (name, flags) in enumerate(GAMES.items()):
        if name not in {record["game"] for record in records}:
            run_dir = out / f"game{i}"
            resume = ["--resume"] if run_dir.exists() else []
            program(
                "priv_keras.train",
                "--scale=tiny",
                "--dataset=folder",
                f"--data_dir={out / 'shards'}",
                f"--run_dir={run_dir}",
                "--nopictures",
                f"--shared_dir={out / 'shared'}",
                *flags,
                *resume,
            )
            records.append({"game": name, **played(run_dir), **lines.origin()})
            lines.write(KEPT, records)
    RESULTS.write_text("\n".join(table(records)) + "\n")
    draw(records)
    print(RESULTS.read_text())


def program(name, *args):
    subprocess.run([sys.executable, "-m", name, *args], check=True, cwd=ROOT)


def played(run_dir):
    """Returns the figures of a run by turn, and its result."""
    text = (run_dir / "metrics.jsonl").read_text()
    turns = [json.loads(line) for line in text.splitlines()]
    result = json.loads((run_dir / "result.json").read_text())
    most = math.log(len(result["budget_labels"]))
    found = {
        name: [turn[name] for turn in turns if name in turn] for name in FIGURES
    }
    found["budget_entropy"] = [x / most for x in found["budget_entropy"]]
    return {"turns": found, "result": result}


def table(records):
    from priv_keras.runs import results

    yield "# What f_A minimizes, on speakers"
    yield ""
    yield (
        f"Made by `python benchmarks/privacy_costs.py` on {machine.name()}: "
        "one game each at the tiny scale, seed 0. A_B is that of the strongest "
        "of its attackers."
    )
    yield ""
    yield "![H_B and f_B by turn](privacy_costs.png)"
    yield ""
    yield "| game | A_T | A_B | by | H_B of its maximum, last ten turns |"
    yield "|---|---|---|---|---|"
    for record in records:
        result = record["result"]
        privacy = results.privacy(result, "anonymized")
        last = record["turns"]["budget_entropy"][-10:]
        yield (
            f"| {record['game']} "
            f"| {results.value(results.utility(result, 'anonymized')):.3f} "
            f"| {results.value(privacy):.3f} | {privacy['name']} "
            f"| {sum(last) / len(last):.2f} |"
        )
    raw = records[0]["result"]
    privacy = results.privacy(raw, "raw")
    yield (
        f"| raw clips | {results.value(results.utility(raw, 'raw')):.3f} "
        f"| {results.value(privacy):.3f} | {privacy['name']} | |"
    )


def draw(records):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, sharex=True, figsize=(7, 6))
    for axes, (name, label) in zip(panels, FIGURES.items(), strict=True):
        for record in records:
            values = record["turns"][name]
            axes.plot(range(1, len(values) + 1), values, label=record["game"])
        axes.set_ylabel(label)
        axes.set_ylim(0, 1.02)
    panels[0].legend()
    panels[-1].set_xlabel("turn")
    figure.tight_layout()
    figure.savefig(RESULTS.with_suffix(".png"), dpi=110)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
