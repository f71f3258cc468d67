"""Imports point one way: what README's layer table says, and no more."""

import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
OURS = ("priv_keras", "tfrecords_tools", "flags")
PROGRAMS = None  # may import anything

# package or module: what of ours it may import
ALLOWED = {
    "flags": {"flags"},
    "tfrecords_tools": {"tfrecords_tools"},
    "tfrecords_tools.build": PROGRAMS,
    "tfrecords_tools.verify": PROGRAMS,
    "tfrecords_tools.show": PROGRAMS,
    "tfrecords_tools.pa_hmdb51_stats": PROGRAMS,
    "priv_keras": {"priv_keras"},  # the library
    "priv_keras.losses": set(),
    "priv_keras.layers": set(),
    "priv_keras.metrics": set(),
    "priv_keras.video": set(),
    "priv_keras.board": {"priv_keras.video"},
    "priv_keras.callbacks": {
        "priv_keras.board",
        "priv_keras.checkpoints",
        "priv_keras.files",
    },
    "priv_keras.checkpoints": set(),
    "priv_keras.signs": set(),
    "priv_keras.supervised": set(),
    "priv_keras.networks": {"priv_keras.networks", "priv_keras.layers"},
    "priv_keras.baselines": {"priv_keras.baselines", "priv_keras.video"},
    "priv_keras.algorithms": {
        "priv_keras.algorithms",
        "priv_keras.layers",
        "priv_keras.losses",
    },
    "priv_keras.evaluation": {
        "priv_keras.checkpoints",
        "priv_keras.evaluation",
        "priv_keras.files",
        "priv_keras.layers",
        "priv_keras.metrics",
        "priv_keras.networks",
        "priv_keras.supervised",
        "priv_keras.video",
    },
    "priv_keras.files": set(),
    "priv_keras.runs": {"priv_keras.card", "priv_keras.metrics"},
    "priv_keras.reports": set(),
    "priv_keras.figures": {"priv_keras.reports", "priv_keras.runs"},
    "priv_keras.pages": {
        "priv_keras.card",
        "priv_keras.figures",
        "priv_keras.reports",
        "priv_keras.runs",
    },
    "priv_keras.card": set(),
    "priv_keras.deployment": {
        "priv_keras.baselines",
        "priv_keras.deployment",
        "priv_keras.networks",
    },
    "priv_keras.litert": set(),
    "priv_keras.tflite": {"priv_keras.video"},
    "priv_keras.export_model": {
        "priv_keras.card",
        "priv_keras.deployment",
        "priv_keras.litert",
        "priv_keras.tflite",
        "priv_keras.video",
    },
    "priv_keras.train": PROGRAMS,
    "priv_keras.evaluate": PROGRAMS,
    "priv_keras.export": PROGRAMS,
    "priv_keras.report": PROGRAMS,
    "priv_keras.sweep": PROGRAMS,
    "priv_keras.studies": {"priv_keras.video"},
    "priv_keras.human_study": PROGRAMS,
    "priv_keras.films": {"priv_keras.films"},
    "priv_keras.anonymize": PROGRAMS,
    "priv_keras.bad_records": PROGRAMS,
    "priv_keras.faults": PROGRAMS,
    "priv_keras.data": PROGRAMS,
    "priv_keras.refusals": PROGRAMS,
    "priv_keras.sides": PROGRAMS,
    "priv_keras.experiment": PROGRAMS,
    "priv_keras.console": set(),
    "priv_keras.playing": PROGRAMS,
    "priv_keras.distribution": PROGRAMS,
    "priv_keras.judging": PROGRAMS,
    "priv_keras.exporting": PROGRAMS,
    "priv_keras.attacking": PROGRAMS,
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name, prefixes):
    return any(name == p or name.startswith(p + ".") for p in prefixes)


FILES = sorted(
    path.relative_to(ROOT) for d in OURS for path in (ROOT / d).rglob("*.py")
)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path):
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    owner = max((k for k in ALLOWED if within(module, [k])), key=len)
    if ALLOWED[owner] is PROGRAMS:
        return
    bad = [
        name
        for name in imports(ROOT / path)
        if within(name, OURS) and not within(name, ALLOWED[owner])
    ]
    assert not bad, f"{module} may not import {bad}; see ALLOWED[{owner!r}]."


def test_flags_import_absl_alone():
    for path in (ROOT / "flags").rglob("*.py"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots - sys.stdlib_module_names <= {"absl", "flags"}, path
