"""Do the tests notice? `python benchmarks/mutation.py --out=runs/mutation`.

Changes the code of what everything rests on, one small thing at a time
(cosmic-ray), and runs that module's fast tests. The same command goes on where
it was; commands for several `--modules` may run side by side. Needs `pip
install 'priv-keras[bench]'`. Writes `benchmarks/results/mutation.md`, where
survivors are listed, each with the reason that `benchmarks/survivors.json`
gives for it.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "mutation.md"
REASONS = ROOT / "benchmarks" / "survivors.json"
TESTS = {
    "losses.py": "test_losses.py",
    # Without TensorFlow, which these do not need.
    "metrics.py": "test_metrics.py --noconftest",
    "layers.py": "test_layers.py",
    "algorithms/gates.py": "test_gates.py",
    "algorithms/entropy.py": "test_algorithms.py",
    "algorithms/grl.py": "test_algorithms.py",
    "algorithms/k_beam.py": "test_algorithms.py",
    "algorithms/base.py": "test_algorithms.py",
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
# One other operator for each between numbers; its eleven would only say the
# same eleven times.
EXCLUDED = (
    "core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_Div|Div_Mul|"
    "FloorDiv_Div|Mod_Div|Pow_Mul|BitAnd_BitOr|BitOr_BitAnd)"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default="runs/mutation")
    parser.add_argument("--modules", default=",".join(TESTS))
    parser.add_argument("--timeout", type=float, default=900.0)
    args = parser.parse_args()
    for module in args.modules.split(","):
        stem = args.out.resolve() / module.replace("/", "-")
        config, session = (stem.with_suffix(s) for s in (".toml", ".sqlite"))
        tree = copied(stem.with_suffix(""))
        config.write_text(
            CONFIG.format(
                module=module,
                tests=TESTS[module],
                timeout=args.timeout,
                python=sys.executable,
                excluded=f"'{EXCLUDED}'",
            )
        )
        if not session.exists():
            cosmic_ray(tree, "init", config, session)
            run("cr-filter-operators", tree, session, config)
        cosmic_ray(tree, "exec", config, session)
        write(args.out.resolve())
    print(RESULTS.read_text())


def copied(tree):
    """A copy of the code, of a module's own: mutants are written to files."""
    if not tree.exists():
        command = ["git", "worktree", "add", "--detach", str(tree)]
        subprocess.run(command, cwd=ROOT, check=True)
    else:  # what a killed run has left
        command = ["git", "checkout", "--quiet", "."]
        subprocess.run(command, cwd=tree, check=True)
    return tree


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
            tried = list(mutants(session))
            lived = [text for killed, text in tried if not killed]
            rows.append((module, len(tried), len(tried) - len(lived)))
            survivors += [(module, text) for text in lived]
    count, killed = (sum(row[i] for row in rows) for i in (1, 2))
    lines = [
        "# Mutants",
        "",
        f"Made by `python benchmarks/mutation.py` on {machine.name()}: "
        f"{killed / count:.0%} of {count} mutants killed.",
        "",
        "| module | mutants | killed | |",
        "|---|---|---|---|",
        *(f"| {m} | {n} | {k} | {k / n:.0%} |" for m, n, k in rows),
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
    """Yields of each that was tried whether it was killed, and its change."""
    for line in cosmic_ray(ROOT, "dump", session).splitlines():
        _, result = json.loads(line)
        if result and result["worker_outcome"] != "skipped":
            yield result["test_outcome"] != "survived", change(result["diff"])


def change(diff):
    """The lines of a diff that differ, on one line."""
    kept = [
        line[0] + " " + line[1:].strip()
        for line in diff.splitlines()
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return " ".join(kept)


if __name__ == "__main__":
    main()
