"""Measures the plan of the code: `python benchmarks/structure.py REVISION...`

Prints a table with a column for each git revision; without any, for the files
as they are.
"""

import ast
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("priv_keras", "tfrecords_tools", "flags")
LONG = 50  # lines
HELD = (
    "result.json",
    "metrics.jsonl",
    "config.flags",
    "labels.json",
    "checkpoints",
    "minutes.txt",
)


def main(revisions):
    columns = [measured(revision) for revision in revisions or [None]]
    print("|", " | ".join(["", *(name or "now" for name in revisions or [""])]))
    print("|---" * (1 + len(columns)) + "|")
    for row in columns[0]:
        print("|", " | ".join([row, *(str(one[row]) for one in columns)]), "|")


def measured(revision):
    if revision is None:
        return figures(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(folder, "tree.tar")
        command = ["git", "-C", ROOT, "archive", "-o", archive, revision]
        subprocess.run(command, check=True)
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
        archive.unlink()
        return figures(pathlib.Path(folder))


def figures(root):
    """Returns a dict of what is measured to a number."""
    modules = {
        name_of(path.relative_to(root)): ast.parse(path.read_text())
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }
    names = {module: set(imports(modules[module])) for module in modules}
    functions = [
        node
        for tree in modules.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    lengths = [node.end_lineno - node.lineno + 1 for node in functions]
    bare = [
        length - documented(node)
        for node, length in zip(functions, lengths, strict=True)
    ]
    library = [m for m in modules if m.startswith("priv_keras")]
    return {
        "modules at the top of `priv_keras`": sum(
            m.count(".") == 1 and (root / f"{m.replace('.', '/')}.py").exists()
            for m in library
        ),
        "modules in a circle of imports": len(circular(names)),
        "modules of `priv_keras` that import flags": sum(
            any(x.split(".")[0] == "flags" for x in names[m]) for m in library
        ),
        "of these outside programs and `experiment`": sum(
            any(x.split(".")[0] == "flags" for x in names[m])
            and m.count(".") > 1
            and not m.startswith("priv_keras.experiment")
            for m in library
        ),
        "modules that spell a file name of a run's folder": sum(
            any(spelled(node) for node in ast.walk(modules[m])) for m in library
        ),
        f"functions of more than {LONG} lines": sum(x > LONG for x in lengths),
        "of these without their docstrings": sum(x > LONG for x in bare),
        "lines of the median function": int(statistics.median(lengths)),
        "lines of the median function without docstrings": int(
            statistics.median(bare)
        ),
        "lines of README": len((root / "README.md").read_text().splitlines()),
        "files": sum(path.is_file() for path in tracked(root)),
    }


def documented(function):
    """Returns the number of lines of a function's docstring."""
    if not ast.get_docstring(function, clean=False):
        return 0
    docstring = function.body[0]
    return docstring.end_lineno - docstring.lineno + 1


def tracked(root):
    if root != ROOT:
        return root.rglob("*")
    listed = subprocess.run(
        ["git", "-C", root, "ls-files"], capture_output=True, text=True
    )
    return [root / line for line in listed.stdout.splitlines()]


def name_of(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def circular(names):
    """Returns the modules that import each other, in any number of steps."""
    edges = {}
    for module, found in names.items():
        own = {x if x in names else x.rpartition(".")[0] for x in found}
        edges[module] = (own & set(names)) - {module}
    while last := [module for module, found in edges.items() if not found]:
        for module in last:
            del edges[module]
        for found in edges.values():
            found.difference_update(last)
    # What is left leads into a circle; what none of it imports is not in one.
    while edges:
        wanted = set().union(*edges.values())
        outside = [module for module in edges if module not in wanted]
        if not outside:
            break
        for module in outside:
            del edges[module]
    return sorted(edges)


def spelled(node):
    return isinstance(node, ast.Constant) and node.value in HELD


if __name__ == "__main__":
    main(sys.argv[1:])
