"""The trade-off of every method and baseline, in games of minutes.

    python benchmarks/trade_off.py --ut_raw_dir=RAW --out=runs/trade_off

Sweeps over the games of `benchmarks/methods`, then over baselines, on puppets
with each seed and, if its raw videos are given, on folds of UT-Interaction,
`--jobs` at once. `benchmarks/results/trade_off.jsonl` keeps each judged run, so
that the same command continues where it stopped, on another machine too.
`--attacks` are those of `priv_keras.evaluate`. Writes
`benchmarks/results/trade_off.md` after each judged run.
"""

import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent import futures

import lines

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "trade_off.md"
KEPT = RESULTS.with_suffix(".jsonl")
# The 70 turns of the demo would take days for all methods; learning rates decay
# as far in 42. A fresh f_B that learned no faster than the demo's would be no
# opponent after 500 updates, which would make restarts look bad.
COMMON = (
    "--scale=tiny",
    "--recipe=none",
    "--max_iter=42",
    "--budget_learning_rate=3e-3",
    "--max_restart_steps=500",
    "--nopictures",
)
DATASETS = ("puppets", "ut_interaction")
GAMES = (
    "entropy_m1",
    "entropy_m1_restart",
    "entropy_m4_restart",
    "grl",
    "grl_restart",
    "kbeam_k4",
    "kbeam_k4_restart",
    "entropy_m1_lite",
)


def main():
    from flags import evaluation

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="runs/trade_off")
    parser.add_argument("--ut_raw_dir", type=os.path.abspath)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--folds", default="0,1,2")
    methods = ",".join(GAMES + evaluation.BASELINES)
    parser.add_argument("--methods", default=methods)
    parser.add_argument("--attacks", default="retrained")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    # The flags that are kept name shards below --out, relative to this folder.
    os.chdir(ROOT)
    out = pathlib.Path(args.out)
    unpack_judged(lines.read(KEPT), out, args.attacks.split(","))
    with futures.ThreadPoolExecutor(args.jobs) as pool:
        sweeps = [pool.submit(run, *one, args, out) for one in arenas(args)]
        try:
            known = {}
            while futures.wait(sweeps, timeout=60).not_done:
                if judged_at(out) != known:
                    known = judged_at(out)
                    keep(out)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    keep(out)
    for sweep in sweeps:
        sweep.result()  # raises what the sweep raised
    print(RESULTS.read_text())


def arenas(args):
    """Yields datasets, each with a seed, which is also its fold, in turns."""
    folds = args.folds.split(",") if args.ut_raw_dir else []
    both = itertools.zip_longest(args.seeds.split(","), folds)
    for dataset, seed in zip(itertools.cycle(DATASETS), itertools.chain(*both)):
        if seed is not None:
            yield dataset, seed


def run(dataset, seed, args, out):
    """Sweeps over all methods with one seed."""
    folder = out / f"{dataset}-{seed}"
    flags = [*COMMON, f"--dataset={dataset}", f"--seeds={seed}"]
    if dataset == "ut_interaction":
        shards = folder / "shards"
        program(
            "tfrecords_tools.build",
            f"--dataset={dataset}",
            f"--raw_dir={args.ut_raw_dir}",
            f"--out_dir={shards}",
            f"--fold={seed}",
        ).check_returncode()
        flags.append(f"--data_dir={shards}")
    program(
        "priv_keras.sweep",
        f"--sweep_dir={folder}",
        *flags,
        f"--methods={','.join(map(method, args.methods.split(',')))}",
        f"--attacks={args.attacks}",
        at_once=args.jobs,
    )


def judged_at(out):
    """Returns when each run was judged, by its file."""
    found = out.glob("*/runs/*/result.json")
    return {path: path.stat().st_mtime for path in found}


def keep(out):
    """Adds the judged runs of `out` to the records and writes the tables."""
    known = {identity(record): record for record in lines.read(KEPT)}
    for result in sorted(out.glob("*/runs/*/result.json")):
        record = judged(result.parent)
        old = known.get(identity(record), {})
        if record["result"] != old.get("result"):
            known[identity(record)] = {**record, **lines.origin()}
    for folder in sorted(out.glob("*/shared/raw")):
        record = raw_figures(folder)
        known[identity(record)] = record
    lines.write(KEPT, sorted(known.values(), key=identity))
    write()


def identity(record):
    return record["sweep"], record.get("run", "")


def judged(run_dir):
    """Returns the record of a run that was judged."""
    folder = run_dir.parents[1]
    minutes = run_dir / "minutes.txt"
    return {
        "sweep": folder.name,
        "run": run_dir.name,
        "minutes": float(minutes.read_text()) if minutes.exists() else None,
        "job": (folder / "jobs" / f"{run_dir.name}.flags").read_text(),
        "flags": (run_dir / "config.flags").read_text(),
        "result": json.loads((run_dir / "result.json").read_text()),
    }


def raw_figures(folder):
    """Returns the record of what the runs of a sweep share."""
    found = sorted(folder.glob("*.json"))
    figures = {path.name: json.loads(path.read_text()) for path in found}
    return {"sweep": folder.parents[1].name, "raw": figures}


def unpack_judged(records, out, attacks=None):
    """Writes the records of judged runs as folders of sweeps.

    Args:
        records: List of dicts, see `judged` and `raw_figures`.
        out: Folder of sweeps. Runs that it holds already stay as they are.
        attacks: Names of the attacks that a run must have been judged by,
            since a run without its weights cannot be judged by them later.
            `None` for any.
    """
    from priv_keras import sweep

    for record in records:
        folder = out / record["sweep"]
        for name, figures in record.get("raw", {}).items():
            place(folder / "shared" / "raw" / name, json.dumps(figures))
        if "run" not in record:
            continue
        run_dir = folder / "runs" / record["run"]
        known = sweep.attacks(record["job"])
        if run_dir.exists() or not set(attacks or ()) <= set(known):
            continue
        place(folder / "jobs" / f"{record['run']}.flags", record["job"])
        place(run_dir / "config.flags", record["flags"])
        if record["minutes"] is not None:
            place(run_dir / "minutes.txt", f"{record['minutes']:.1f}")
        place(run_dir / "result.json", json.dumps(record["result"], indent=1))


def place(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def method(name):
    """Returns the flagfile of a game, or the name of a baseline unchanged."""
    own = ROOT / "benchmarks" / "methods" / f"{name}.flags"
    return str(own) if own.exists() else name


def program(module, *args, at_once=1):
    from priv_keras import sweep

    return subprocess.run(
        [sys.executable, "-m", module, *args],
        env=sweep.environment(at_once),
    )


def write():
    """Writes the tables of all runs that are kept."""
    from priv_keras.reports import comparison
    from priv_keras.runs.run import load_run

    records = lines.read(KEPT)
    machines = {one["machine"] for one in records if "machine" in one}
    with tempfile.TemporaryDirectory() as folder:
        unpack_judged(records, pathlib.Path(folder))
        results = sorted(pathlib.Path(folder).glob("*/runs/*/result.json"))
        every = [load_run(path.parent) for path in results]
        every.sort(key=lambda run: str(comparison.arena(run)))
        RESULTS.write_text("\n".join(report(every, machines)))


def report(every, machines):
    """Returns the lines of the tables.

    Args:
        every: List of `runs.run.Run`, with those of one arena in a row.
        machines: Names of the machines that they ran on.
    """
    from priv_keras.reports import comparison

    text = [
        "# The trade-off of each method, tiny scale",
        "",
        "Made by `python benchmarks/trade_off.py` on "
        f"{'; '.join(sorted(machines))}. A_B^N is the strongest of the "
        "attackers named below, each trained afresh; chance is the commonest "
        "label of the test clips. Means over seeds or folds, with 95 % "
        "t-intervals where there are two or more: puppets of all seeds have "
        "the same test clips, of which these say nothing; of single runs, "
        "intervals by bootstrap over videos, which do not know what another "
        "training of the attacker would find. Tiny scale ends an attacker "
        "after 600 updates, and on puppets most were still learning: "
        "`convergence.md` has what four times as many find. Minutes are of a "
        "run beside another; the first of a seed or fold may pay for the "
        "warm-ups and the raw figures that the others share.",
        "",
        f"{len(every)} runs; those whose minutes are known took "
        f"{hours(every):.1f} hours, two at once.",
    ]
    for _, group in itertools.groupby(every, comparison.arena):
        group = list(group)
        text += ["", f"## {group[0].result['dataset']}", ""]
        for table in (means, each_attack, singles, attackers):
            text += [*table(group), ""]
    return text


def hours(every):
    from priv_keras.reports import comparison

    known = (comparison.row(run)["minutes"] for run in every)
    return sum(float(minutes) for minutes in known if minutes) / 60


def means(judged):
    from priv_keras.reports import comparison
    from priv_keras.runs.results import chance
    from priv_keras.runs.results import privacy
    from priv_keras.runs.results import utility

    yield "| clips | runs | A_T | A_B^N |"
    yield "|---|---|---|---|"
    raw = comparison.distinct(judged)
    both = (
        comparison.estimate([read(run.result, "raw") for run in raw])
        for read in (utility, privacy)
    )
    yield f"| raw | {len(raw)} | {' | '.join(map(text, both))} |"
    for point in comparison.points(judged):
        both = f"{text(point.utility)} | {text(point.privacy)}"
        yield f"| {point.label} | {len(point.runs)} | {both} |"
    actions, labels = chance(raw)
    yield f"| chance | {len(raw)} | {actions:.3f} | {labels:.3f} |"


def each_attack(judged):
    from priv_keras.reports import comparison

    rows = comparison.by_attack(comparison.points(judged))
    if not rows:
        return
    kinds = rows[0].attacks
    yield (
        "The strongest attacker of each attack on anonymized clips; any: of "
        "all of them. Of each class one video at least is labelled, whatever "
        "the share of the labels."
    )
    yield ""
    yield f"| clips | runs | {' | '.join(kinds)} |"
    yield "|---" * (2 + len(kinds)) + "|"
    for row in rows:
        figures = " | ".join(text(row.attacks[kind]) for kind in kinds)
        yield f"| {row.label} | {row.runs} | {figures} |"


def singles(judged):
    from priv_keras.reports import comparison
    from priv_keras.runs.results import privacy
    from priv_keras.runs.results import utility

    yield "| run | raw A_T | A_T | raw A_B^N | A_B^N | minutes |"
    yield "|---|---|---|---|---|---|"
    for run in judged:
        figures = (
            text(comparison.estimate([read(run.result, side)]))
            for read in (utility, privacy)
            for side in ("raw", "anonymized")
        )
        minutes = comparison.row(run)["minutes"] or "resumed"
        yield f"| {name(run)} | {' | '.join(figures)} | {minutes} |"


def attackers(judged):
    from priv_keras.runs.results import value

    yield "Every attack, on raw and on anonymized clips:"
    yield ""
    for run in judged:
        sides = (run.result[s]["attackers"] for s in ("raw", "anonymized"))
        each = [
            f"{raw['name']} {value(raw):.3f} → {value(found):.3f}"
            for raw, found in zip(*sides, strict=True)
        ]
        each += [
            f"{found['attack']} ({found['name']}) {figure(found)}"
            for found in run.result["attacks"]
        ]
        yield f"- {name(run)}: {', '.join(each)}"


def figure(found):
    from priv_keras.runs.results import value

    if "psnr" in found:
        before = found["before"]["psnr"]
        return f"{before:.1f} → {found['psnr']:.1f} dB"
    return f"{value(found):.3f}"


def name(run):
    return f"{run.folder.parents[1].name} {run.folder.name}"


def text(found):
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
