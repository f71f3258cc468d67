"""Tests that imports point one way, without cycles.

Programs and `priv_keras.experiment` read flags and open shards; everything else
takes arguments.
"""

import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
OURS = ("priv_keras", "tfrecords_tools", "flags")
PROGRAMS = {
    "priv_keras": (
        "train",
        "evaluate",
        "export",
        "anonymize",
        "report",
        "sweep",
        "human_study",
        "linkage",
        "experiment",
    ),
    "tfrecords_tools": ("build", "verify", "show", "pa_hmdb51_stats"),
}
UPPER = [f"{root}.{name}" for root in PROGRAMS for name in PROGRAMS[root]]


def name_of(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


FILES = {
    name_of(path.relative_to(ROOT)): path
    for folder in OURS
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def imports(path):
    """Yields the modules and names that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name, prefixes):
    return any(name == p or name.startswith(p + ".") for p in prefixes)


@pytest.mark.parametrize("module", FILES)
def test_the_library_imports_neither_programs_nor_other_packages(module):
    if within(module, UPPER):
        return
    root = module.split(".")[0]
    bad = [
        name
        for name in imports(FILES[module])
        if within(name, UPPER) or within(name, set(OURS) - {root})
    ]
    assert not bad, f"{module} may not import {bad}: pass what it needs."


@pytest.mark.parametrize("module", FILES)
def test_shards_know_nothing_of_games(module):
    if module.startswith("tfrecords_tools"):
        names = imports(FILES[module])
        assert not [name for name in names if within(name, ["priv_keras"])]


def test_flags_import_absl_alone():
    for module, path in FILES.items():
        if within(module, ["flags"]):
            roots = {name.split(".")[0] for name in imports(path)}
            assert roots - sys.stdlib_module_names <= {"absl", "flags"}, path


def test_no_import_leads_back_to_where_it_started():
    edges = {module: set(imported(path)) for module, path in FILES.items()}
    while edges:
        last = [module for module, names in edges.items() if not names]
        assert last, f"These import each other in a circle: {sorted(edges)}"
        for module in last:
            del edges[module]
        for names in edges.values():
            names.difference_update(last)


def imported(path):
    """Yields the modules of this project that a file imports."""
    for name in imports(path):
        found = name if name in FILES else name.rpartition(".")[0]
        if found in FILES and FILES[found] != path:
            yield found
