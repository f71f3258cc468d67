"""What attackers find who train for longer: `python benchmarks/convergence.py`.

At tiny scale an attacker has 600 updates, so that a run ends in minutes. Judges
runs of `benchmarks/trade_off.py` again, whose weights are still below `--out`,
by its strongest attacker with four times as many. Goes on where it was. Writes
`benchmarks/results/convergence.md`.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys

import machine
import trade_off

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "convergence.md"
KEPT = RESULTS.with_suffix("")
ATTACKER = "resnet_v1_26"
UPDATES = 2400
# Patience grows with the updates that it is a part of.
LONGER = (
    *(f"--attackers={ATTACKER}", f"--attacker_steps={UPDATES}"),
    *("--attacker_patience=24", "--attacks=retrained"),
)
METHODS = (*trade_off.GAMES, "body_segmentation_black", "downsample_16")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="runs/trade_off")
    parser.add_argument("--sweeps", default="puppets-1")
    parser.add_argument("--methods", default=",".join(METHODS))
    args = parser.parse_args()
    os.chdir(ROOT)
    for method in args.methods.split(","):
        for sweep in args.sweeps.split(","):
            seed = sweep.rpartition("-")[2]
            found = judge(pathlib.Path(args.out), sweep, f"{method}-seed{seed}")
            KEPT.mkdir(parents=True, exist_ok=True)
            kept = KEPT / f"{sweep}-{method}.json"
            kept.write_text(json.dumps(found, indent=1))
            RESULTS.write_text("\n".join(table()) + "\n")
    print(RESULTS.read_text())


def judge(out, sweep, run):
    """Figures of the strongest attacker with few and with many updates."""
    source = out / sweep / "runs" / run
    again = out.with_name("convergence") / sweep / "runs" / run
    shared = again.parents[1] / "shared"
    if not (again / "result.json").exists():
        shutil.copytree(
            source,
            again,
            ignore=shutil.ignore_patterns("cache", "result.json"),
            dirs_exist_ok=True,
        )
        detections = out / sweep / "shared" / "detections"
        if detections.exists():
            shutil.copytree(
                detections, shared / "detections", dirs_exist_ok=True
            )
        trade_off.program(
            *("priv_keras.evaluate", f"--run_dir={again}"),
            *(f"--shared_dir={shared}", *LONGER),
            at_once=os.cpu_count(),
        ).check_returncode()
    few, many = (
        json.loads((folder / "result.json").read_text())
        for folder in (source, again)
    )
    return {
        "sweep": sweep,
        "run": run,
        "machine": machine.name(),
        **{
            side: {"few": attacker(few, side), "many": attacker(many, side)}
            for side in ("raw", "anonymized")
        },
    }


def attacker(result, side):
    return next(a for a in result[side]["attackers"] if a["name"] == ATTACKER)


def table():
    rows = [json.loads(path.read_text()) for path in sorted(KEPT.glob("*"))]
    machines = sorted({row["machine"] for row in rows})
    yield "# Attackers who train for longer, tiny scale"
    yield ""
    yield (
        "Made by `python benchmarks/convergence.py` on "
        f"{'; '.join(machines)}. A_B of {ATTACKER}, trained afresh, after "
        f"tiny scale's updates and after at most {UPDATES}, with intervals by "
        "bootstrap over videos; and its accuracy on the clips that it trained "
        "on, when these ended."
    )
    yield ""
    yield (
        "| run | few updates | many updates | few, training | many, training |"
    )
    yield "|---|---|---|---|---|"
    for row in rows:
        found = row["anonymized"].values()
        figures = [text(one) for one in found]
        figures += [f"{one['training_accuracy']:.3f}" for one in found]
        yield f"| {row['sweep']} {row['run']} | {' | '.join(figures)} |"
    yield ""
    yield "On raw clips:"
    yield ""
    yield "| sweep | few updates | many updates |"
    yield "|---|---|---|"
    for sweep, row in {row["sweep"]: row for row in rows}.items():
        both = " | ".join(text(one) for one in row["raw"].values())
        yield f"| {sweep} | {both} |"


def text(found):
    low, high = found["interval"]
    return f"{found['accuracy']:.3f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
