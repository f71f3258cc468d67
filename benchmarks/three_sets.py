"""One set of defaults on three data sets, judged beside two rules.

    python benchmarks/three_sets.py --ut_raw_dir=RAW --speakers_raw_dir=RAW

Plays the game of `--scale=tiny --recipe=bounded` and nothing else, on puppets
and, if their raw videos are given, on speakers and on folds of UT-Interaction
(the seed is the fold), and judges it as `train` does; then it judges
`downsample_8` and `downsample_16`. `benchmarks/results/three_sets.jsonl` keeps
what was found, so that the same command continues where it stopped; the table
`three_sets.md` is made from it.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import lines
import machine
import target_networks

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "three_sets.md"
KEPT = RESULTS.with_suffix(".jsonl")
DATASETS = ("puppets", "speakers", "ut_interaction")
RULES = ("downsample_8", "downsample_16")
GAME = "the game"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="runs/three_sets")
    parser.add_argument("--ut_raw_dir")
    parser.add_argument("--speakers_raw_dir")
    parser.add_argument("--datasets", default=",".join(DATASETS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--filters", default=",".join([GAME, *RULES]))
    args = parser.parse_args()
    out = pathlib.Path(args.out).absolute()
    raw = {
        "puppets": "",
        "speakers": args.speakers_raw_dir,
        "ut_interaction": args.ut_raw_dir,
    }
    records = lines.read(KEPT)
    known = {(r["dataset"], r["filter"], r["seed"]) for r in records}
    for seed in map(int, args.seeds.split(",")):
        for dataset in args.datasets.split(","):
            if raw[dataset] is None:
                continue
            for name in args.filters.split(","):
                if (dataset, name, seed) in known:
                    continue
                found = measure(name, dataset, raw[dataset], seed, out)
                key = {"dataset": dataset, "filter": name, "seed": seed}
                records.append({**key, **found, **lines.origin()})
                lines.write(KEPT, records)
                RESULTS.write_text("\n".join(table(records)) + "\n")
    print(RESULTS.read_text())


def measure(name, dataset, raw, seed, out):
    """Plays or names a filter, and judges it.

    Returns:
        Dict: `result`, the content of `result.json`, and `minutes`, in which
        those of raw clips are if they were not known yet.
    """
    run_dir = out / f"{dataset}-{seed}-{name.replace(' ', '_')}"
    data = shards(dataset, raw, seed, out)
    common = (
        "--scale=tiny",
        f"--seed={seed}",
        f"--run_dir={run_dir}",
        f"--shared_dir={out / f'{dataset}-{seed}-shared'}",
        "--nopictures",
        *data,
    )
    began = time.monotonic()
    if name == GAME:
        resume = ["--resume"] if run_dir.exists() else []
        program("priv_keras.train", "--recipe=bounded", *common, *resume)
    else:
        program("priv_keras.evaluate", *common, f"--baseline={name}")
    return {
        "result": json.loads((run_dir / "result.json").read_text()),
        "minutes": (time.monotonic() - began) / 60,
    }


def shards(dataset, raw, seed, out):
    """Returns the flags that name a data set, built if it is missing."""
    if dataset == "puppets":
        return ("--dataset=puppets",)
    folder = target_networks.shards(dataset, raw, seed, out)
    return f"--dataset={folder.name}", f"--data_dir={folder.parent}"


def program(name, *args):
    subprocess.run([sys.executable, "-m", name, *args], check=True, cwd=ROOT)


def table(records):
    yield "# One set of defaults on three data sets"
    yield ""
    yield (
        f"Made by `python benchmarks/three_sets.py` on {machine.name()}, at "
        "the tiny scale under `--judge=standard`; the game is that of "
        "`--recipe=bounded`. Means over seeds, or folds "
        "of UT-Interaction, on test clips, with the lowest and the highest. "
        "A_B is that of the strongest attacker of each run, who is named. "
        "Minutes are by the clock, whatever else the machine did. Rows of "
        "different commits compare only if nothing that matters changed."
    )
    yield ""
    columns = ["dataset", "filter", "runs", "A_T", "A_B", "by", "commonest"]
    columns += ["minutes", "commits"]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for dataset in DATASETS:
        found = [r for r in records if r["dataset"] == dataset]
        if found:
            yield row(dataset, "raw clips", found, "raw")
        for name in (GAME, *RULES):
            of_filter = [r for r in found if r["filter"] == name]
            if of_filter:
                yield row(dataset, name, of_filter, "anonymized")


def row(dataset, name, records, side):
    from priv_keras.runs import results

    if side == "raw":  # which the filters of a seed share
        records = list({r["seed"]: r for r in records}.values())
    found = [record["result"] for record in records]
    strongest = [results.privacy(result, side) for result in found]
    utility = [results.value(results.utility(x, side)) for x in found]
    minutes = [record["minutes"] for record in records]
    cells = (
        dataset,
        name,
        f"{len(found)}",
        spread(utility),
        spread([results.value(attacker) for attacker in strongest]),
        ", ".join(sorted({attacker["name"] for attacker in strongest})),
        f"{found[0]['chance']['budget_labels']['majority']:.3f}",
        "" if side == "raw" else f"{statistics.mean(minutes):.0f}",
        ", ".join(sorted({record["commit"] for record in records})),
    )
    return f"| {' | '.join(cells)} |"


def spread(values):
    return (
        f"{statistics.mean(values):.3f} ({min(values):.3f} to "
        f"{max(values):.3f})"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
