"""The trade-off of every method and baseline, in games of minutes.

    python benchmarks/trade_off.py --ut_raw_dir=RAW --out=runs/trade_off

Sweeps over the games of `benchmarks/methods`, then over baselines: on puppets
with each seed, and where its raw videos are at hand, on folds of
UT-Interaction. The same command goes on where it was; `--attacks` as of
`priv_keras.evaluate`. Writes `benchmarks/results/trade_off.md` after each.
"""

import argparse
import pathlib
import subprocess
import sys

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "trade_off.md"
# 70 turns of a demo would take all methods days; their learning rates end as
# low. A fresh f_B that learns no faster than a demo's is no opponent in 500
# updates, and restarts would be judged by that.
COMMON = (
    *("--scale=tiny", "--max_iter=42", "--budget_learning_rate=3e-3"),
    "--max_restart_steps=500",
)
GAMES = (
    *("entropy_m1", "entropy_m1_restart", "entropy_m4_restart"),
    *("grl", "grl_restart", "kbeam_k4", "kbeam_k4_restart"),
    "entropy_m1_lite",
)
BASELINES = tuple(f"downsample_{factor}" for factor in (1, 2, 4, 8, 16))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="runs/trade_off")
    parser.add_argument("--ut_raw_dir", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--methods", default=",".join(GAMES + BASELINES))
    parser.add_argument("--attacks", default="retrained")
    args = parser.parse_args()
    common = [
        *(*COMMON, f"--attacks={args.attacks}"),
        f"--methods={','.join(map(method, args.methods.split(',')))}",
    ]
    for seed in range(max(args.seeds, args.folds)):
        if seed < args.seeds:
            sweep(
                args.out / "puppets",
                *(*common, "--dataset=puppets", f"--seeds={seed}"),
            )
            write(args.out)
        if seed < args.folds and args.ut_raw_dir:
            shards = args.out / f"ut_interaction-{seed}" / "shards"
            program(
                *("tfrecords_tools.build", "--dataset=ut_interaction"),
                *(f"--raw_dir={args.ut_raw_dir}", f"--out_dir={shards}"),
                f"--fold={seed}",
            ).check_returncode()
            sweep(
                shards.parent,
                *(*common, "--dataset=ut_interaction"),
                *(f"--data_dir={shards}", f"--seeds={seed}"),
            )
            write(args.out)
    print(RESULTS.read_text())


def method(name):
    """A game's flagfile, or as it is the name of a baseline."""
    own = ROOT / "benchmarks" / "methods" / f"{name}.flags"
    return str(own) if own.exists() else name


def sweep(folder, *flags):
    program("priv_keras.sweep", f"--sweep_dir={folder}", *flags)


def program(module, *args):
    command = [sys.executable, "-m", module, *args]
    return subprocess.run(command, cwd=ROOT)


def write(out):
    """Writes the tables of all runs that are done."""
    from priv_keras import runs

    arenas = {}
    for path in sorted(out.resolve().glob("*/runs/*/result.json")):
        run = runs.load(path.parent)
        arenas.setdefault(runs.arena(run), []).append(run)
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
    for judged in arenas.values():
        lines += ["", f"## {judged[0].result['dataset']}", ""]
        lines += [*means(judged), "", *singles(judged), "", *attackers(judged)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


def means(judged):
    from priv_keras import runs

    yield "| clips | runs | A_T | A_B^N |"
    yield "|---|---|---|---|"
    raw = runs.distinct(judged)
    both = (
        runs.estimate([read(run.result, "raw") for run in raw])
        for read in (runs.utility, runs.privacy)
    )
    yield f"| raw | {len(raw)} | {' | '.join(map(text, both))} |"
    for point in runs.points(judged):
        both = f"{text(point.utility)} | {text(point.privacy)}"
        yield f"| {point.label} | {len(point.runs)} | {both} |"
    actions, labels = runs.chance(raw)
    yield f"| chance | {len(raw)} | {actions:.3f} | {labels:.3f} |"


def singles(judged):
    from priv_keras import runs

    yield "| run | raw A_T | A_T | raw A_B^N | A_B^N | minutes |"
    yield "|---|---|---|---|---|---|"
    for run in judged:
        figures = (
            text(runs.estimate([read(run.result, side)]))
            for read in (runs.utility, runs.privacy)
            for side in ("raw", "anonymized")
        )
        minutes = runs.row(run)["minutes"] or "resumed"
        yield f"| {name(run)} | {' | '.join(figures)} | {minutes} |"


def attackers(judged):
    from priv_keras import runs

    yield "Every attack, on raw and on anonymized clips:"
    yield ""
    for run in judged:
        sides = (run.result[s]["attackers"] for s in ("raw", "anonymized"))
        each = [
            f"{raw['name']} {runs.value(raw):.3f} → {runs.value(found):.3f}"
            for raw, found in zip(*sides, strict=True)
        ]
        each += [
            f"{found['attack']} ({found['name']}) {runs.value(found):.3f}"
            for found in run.result["attacks"]
            if "psnr" not in found
        ]
        yield f"- {name(run)}: {', '.join(each)}"


def name(run):
    return f"{run.folder.parents[1].name} {run.folder.name}"


def text(found):
    return f"{found.mean:.3f} [{found.low:.2f}, {found.high:.2f}]"


if __name__ == "__main__":
    main()
