"""Do the tests notice? `python benchmarks/mutation.py --out=runs/mutation`.

Makes one small change after another in the modules on which everything rests
(with cosmic-ray), and runs the fast tests of each module. The same command
resumes where it stopped; commands for several `--modules` may run side by side.
`--share` tries only a share of the mutants, drawn at random. Needs `pip install
'priv-keras[bench]'`. Writes `benchmarks/results/mutation.md`, which lists
survivors, each with the reason that `benchmarks/survivors.json` gives for it.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import time

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "mutation.md"
REASONS = ROOT / "benchmarks" / "survivors.json"
TESTS = {
    "losses.py": "test_losses.py",
    # Without TensorFlow, which these do not need.
    "metrics.py": "test_metrics.py --noconftest",
    "layers.py": "test_layers.py",
    "algorithms/gates.py": "algorithms/test_gates.py",
    **{
        f"algorithms/{module}.py": "algorithms/test_algorithms.py"
        for module in (
            "base",
            "entropy",
            "grl",
            "k_beam",
            "optimization",
            "replicas",
            "restarts",
            "streams",
            "turn_figures",
        )
    },
    "algorithms/batches.py": "algorithms/test_fit.py",
}
CONFIG = """[cosmic-ray]
module-path = "priv_keras/{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest -x -q -m 'not slow' tests/{tests}"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = [{excluded}]
"""
# Each binary operator becomes one other operator; all eleven would only tell
# the same.
EXCLUDED = (
    "core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_Div|Div_Mul|"
    "FloorDiv_Div|Mod_Div|Pow_Mul|BitAnd_BitOr|BitOr_BitAnd)"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="runs/mutation")
    parser.add_argument("--modules", default=",".join(TESTS))
    parser.add_argument("--share", type=float, default=1.0)
    args = parser.parse_args()
    for module in args.modules.split(","):
        stem = args.out.resolve() / module.replace("/", "-")
        config, session = (stem.with_suffix(s) for s in (".toml", ".sqlite"))
        tree = copied(stem.with_suffix(""))
        if not session.exists():
            config.write_text(
                CONFIG.format(
                    module=module,
                    tests=TESTS[module],
                    timeout=patience(tree, module),
                    python=sys.executable,
                    excluded=f"'{EXCLUDED}'",
                )
            )
            cosmic_ray(tree, "init", config, session)
            run("cr-filter-operators", tree, session, config)
            draw(session, args.share)
        cosmic_ray(tree, "exec", config, session)
        write(args.out.resolve())
    print(RESULTS.read_text())


def copied(tree):
    """Returns a copy of the code for one module, since mutants are written to
    files."""
    if not tree.exists():
        command = ["git", "worktree", "add", "--detach", str(tree)]
        subprocess.run(command, cwd=ROOT, check=True)
    else:  # what a killed run has left
        command = ["git", "checkout", "--quiet", "."]
        subprocess.run(command, cwd=tree, check=True)
    return tree


def patience(tree, module):
    """Returns the seconds after which a looping mutant counts as killed: four
    times what the tests take without a mutant."""
    start = time.monotonic()
    tests = f"{sys.executable} -m pytest -q -m 'not slow' tests/{TESTS[module]}"
    subprocess.run(tests, shell=True, cwd=tree, check=True, capture_output=True)
    return 4 * (time.monotonic() - start)


def draw(session, share):
    """Drops mutants until a random share is left."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import WorkerOutcome
    from cosmic_ray.work_item import WorkResult

    left_out = WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
    rng = random.Random(0)
    with use_db(str(session)) as mutants:
        pending = sorted(item.job_id for item in mutants.pending_work_items)
        for job in rng.sample(pending, round(len(pending) * (1 - share))):
            mutants.set_result(job, left_out)


def cosmic_ray(tree, *args):
    return run("cosmic-ray", tree, *args)


def run(program, tree, *args):
    path = pathlib.Path(sys.executable).with_name(program)
    command = [str(path), *map(str, args)]
    return subprocess.run(
        command, cwd=tree, check=True, capture_output=True, text=True
    ).stdout


def write(out):
    """Writes the table of all modules that were tried."""
    reasons = json.loads(REASONS.read_text())
    rows, survivors = [], []
    for module in TESTS:
        session = out / f"{module.replace('/', '-')}".replace(".py", ".sqlite")
        if session.exists():
            every, tried = mutants(session)
            lived = [text for killed, text in tried if not killed]
            rows.append((module, every, len(tried), len(tried) - len(lived)))
            survivors += [(module, text) for text in lived]
    count, killed = (sum(row[i] for row in rows) for i in (2, 3))
    lines = [
        "# Mutants",
        "",
        f"Made by `python benchmarks/mutation.py` on {machine.name()}: "
        f"{killed / count:.0%} of {count} mutants killed. Where not all were "
        "tried, those that were are drawn at random.",
        "",
        "| module | mutants | tried | killed | |",
        "|---|---|---|---|---|",
        *(
            f"| {module} | {every} | {tried} | {killed} | "
            f"{killed / tried:.0%} |"
            for module, every, tried, killed in rows
            if tried
        ),
        "",
        "Survivors, and why:",
        "",
        *(
            f"- {module} `{text}`: {reasons.get(text, 'not looked at')}"
            for module, text in survivors
        ),
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")


def mutants(session):
    """Returns the number of mutants and, for each that was tried, whether it
    was killed, and its change."""
    lines = cosmic_ray(ROOT, "dump", session).splitlines()
    found = [json.loads(line) for line in lines]
    ours = [pair for pair in found if not is_filtered(pair[1])]
    tried = [
        (result["test_outcome"] != "survived", change(result["diff"]))
        for _, result in ours
        if result and result["worker_outcome"] != "skipped"
    ]
    return len(ours), tried


def is_filtered(result):
    """Returns whether a mutant comes from an operator that is excluded."""
    return bool(result and result["output"] == "Filtered operator")


def change(diff):
    """Returns the lines of a diff that differ, on one line."""
    kept = [
        line[0] + " " + line[1:].strip()
        for line in diff.splitlines()
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return " ".join(kept)


if __name__ == "__main__":
    main()
