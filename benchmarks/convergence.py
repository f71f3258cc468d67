"""What attackers find if they train longer: `python benchmarks/convergence.py`.

At the tiny scale an attacker has 600 updates, so that a run ends in minutes.
This plays games and baselines of `benchmarks/trade_off.py` and has them judged
twice by the strongest attacker there: as there, and with four times as many
updates. `benchmarks/results/convergence.jsonl` keeps each run, so that the same
command continues where it stopped, on another machine too. Writes
`benchmarks/results/convergence.md`.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import threading
from concurrent import futures

import lines
import trade_off

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "convergence.md"
KEPT = RESULTS.with_suffix(".jsonl")
KEEPING = threading.Lock()
ATTACKER = "resnet_v1_26"
UPDATES = 2400
# Patience grows with the updates that it is a part of.
LONGER = (
    f"--attackers={ATTACKER}",
    f"--attacker_steps={UPDATES}",
    "--attacks=retrained",
)
METHODS = (*trade_off.GAMES, "body_segmentation_black", "downsample_16")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="runs/convergence")
    parser.add_argument("--ut_raw_dir", type=os.path.abspath)
    parser.add_argument("--sweeps", default="puppets-1,puppets-2,puppets-3")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.set_defaults(attacks="retrained")
    args = parser.parse_args()
    os.chdir(ROOT)
    with futures.ThreadPoolExecutor(args.jobs) as pool:
        for _ in pool.map(lambda one: judge(one, args), args.sweeps.split(",")):
            RESULTS.write_text("\n".join(table()) + "\n")
    print(RESULTS.read_text())


def judge(sweep, args):
    """Judges each method with one seed and keeps the results."""
    known = {(row["sweep"], row["run"]) for row in lines.read(KEPT)}
    seed = sweep.rpartition("-")[2]
    for method in args.methods.split(","):
        if (sweep, f"{method}-seed{seed}") not in known:
            found = judge_twice(sweep, method, args)
            with KEEPING:
                lines.write(KEPT, [*lines.read(KEPT), found])


def judge_twice(sweep, method, args):
    """Returns the figures of one run by few and by many updates."""
    dataset, _, seed = sweep.rpartition("-")
    out = pathlib.Path(args.out)
    one = argparse.Namespace(**{**vars(args), "methods": method})
    trade_off.run(dataset, seed, one, out)
    run = f"{method}-seed{seed}"
    source = out / sweep / "runs" / run
    again = out / "longer" / sweep / run
    shutil.copytree(
        source,
        again,
        ignore=shutil.ignore_patterns("cache", "result.json"),
        dirs_exist_ok=True,
    )
    trade_off.program(
        "priv_keras.evaluate",
        f"--run_dir={again}",
        *LONGER,
        at_once=args.jobs,
    ).check_returncode()
    few, many = (
        json.loads((folder / "result.json").read_text())
        for folder in (source, again)
    )
    return {
        "sweep": sweep,
        "run": run,
        **lines.origin(),
        "utility": few["anonymized"]["target"],
        **{
            side: {"few": attacker(few, side), "many": attacker(many, side)}
            for side in ("raw", "anonymized")
        },
    }


def attacker(result, side):
    return next(a for a in result[side]["attackers"] if a["name"] == ATTACKER)


def table():
    rows = sorted(lines.read(KEPT), key=lambda row: (row["sweep"], row["run"]))
    machines = sorted({row["machine"] for row in rows})
    yield "# Attackers that train for longer, tiny scale"
    yield ""
    yield (
        "Made by `python benchmarks/convergence.py` on "
        f"{'; '.join(machines)}. A_B of {ATTACKER}, trained afresh, after "
        f"tiny scale's updates and after at most {UPDATES}. Means over seeds, "
        "with 95 % t-intervals where there are two or more; of single runs, "
        "intervals by bootstrap over videos."
    )
    for dataset, judged in groups(rows, dataset_of).items():
        yield from ("", f"## {dataset}", "")
        yield from means(judged)
    yield from ("", "## Each run", "")
    yield from singles(rows)


def means(rows):
    yield "| clips | runs | A_T | A_B, few updates | A_B, many updates |"
    yield "|---|---|---|---|---|"
    raw = groups(rows, lambda row: row["sweep"]).values()
    both = sides([seed[0] for seed in raw], "raw")
    yield f"| raw | {len(raw)} | | {both} |"
    for method, judged in groups(rows, method_of).items():
        utility = mean([row["utility"] for row in judged])
        both = sides(judged, "anonymized")
        yield f"| {method} | {len(judged)} | {utility} | {both} |"


def singles(rows):
    """Yields the table of single runs, with the accuracy on the clips that an
    attacker trained on."""
    yield (
        "| run | A_T | few updates | many updates | few, training | many, "
        "training |"
    )
    yield "|---|---|---|---|---|---|"
    for row in rows:
        found = row["anonymized"].values()
        trained = [f"{one['training_accuracy']:.3f}" for one in found]
        figures = [mean([one]) for one in (row["utility"], *found)]
        name = f"{row['sweep']} {row['run']}"
        yield f"| {name} | {' | '.join(figures + trained)} |"


def sides(rows, side):
    return " | ".join(
        mean([row[side][updates] for row in rows])
        for updates in ("few", "many")
    )


def mean(scores):
    from priv_keras.reports import comparison

    return trade_off.text(comparison.estimate(scores))


def groups(rows, key):
    found = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def dataset_of(row):
    return row["sweep"].rpartition("-")[0]


def method_of(row):
    return row["run"].rpartition("-")[0]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
