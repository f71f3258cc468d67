"""Every command of README and the documentation runs, on tiny data."""

import os
import shlex
import subprocess
import sys

import pytest
from documented_commands import ROOT
from documented_commands import in_blocks
from documented_commands import python_blocks
from made_answers import answers
from made_answers import right
from made_films import scenes
from made_films import write_film
from made_ucf101 import ucf101_shards
from made_videos import write_avi
from made_vispr import vispr_shards
from run_programs import SMALL_NETWORKS
from run_programs import TINY

OWN = ("README.md", "getting_started.md")
UT_INTERACTION = (
    "data.md",
    "train.md",
    "evaluate.md",
    "anonymize.md",
    "human_study.md",
)
# As little as a run can do, and once for all runs what they can share.
LITTLE = [
    *TINY,
    "--max_iter=1",
    "--nodeterministic",
    "--nopictures",
    "--attacker_steps=2",
    "--attacker_steps_per_epoch=2",
    "--raw_target_steps=2",
    "--shared_dir=shared",
]
# What a command that begins so is given here beside what the page says.
MORE = {
    "priv-keras-train": LITTLE,
    # The recipe that it has where no other is named, as LITTLE names one.
    "priv-keras-train --dataset=folder": ["--recipe=bounded"],
    "priv-keras-train --recipe=ucf101_vispr": [
        "--data_dir=across/shards",
        "--run_dir=across/run",
        "--frames=16",
        "--budgets=mobilenet_v2_0.35",
        "--budget_batch_size=4",
        "--restart_every=1",
        "--max_restart_steps=1",
        "--shared_dir=across/shared",
    ],
    "priv-keras-evaluate --baseline": [
        *LITTLE,
        "--dataset=ut_interaction",
        "--data_dir=SHARDS",
    ],
    "priv-keras-sweep": [
        *LITTLE,
        "--dataset=ut_interaction",
        "--data_dir=SHARDS",
        "--methods=downsample_4",
        "--gammas=1",
        "--seeds=0",
    ],
    "priv-keras-export": ["--calibration_frames=2", "--force"],
    "priv-keras-human-study build": ["--clips=2"],
}
# What the words of a page stand for, in the folder that commands are run in.
GIVEN = {
    "IN...": lambda folder: ["film.mp4"],
    "OUT": lambda folder: ["hidden.mp4"],
    "RUN_DIR...": lambda folder: ["RUN", "NEW"],
    "answers-*.json": lambda folder: [answers(folder / "STUDY", "a", right)],
}
# What a command that begins so cannot be run for.
NOT_RUN = {
    "pip install .": "`.ci/run wheel` installs",
    "pip install --no-deps": "it asks the network; `make` runs the same",
    ".venv/bin/python -m pip": "it asks the network",
    ".venv/bin/python benchmarks/": "it measures for an hour",
    "python benchmarks/trade_off.py": "it takes days and UT-Interaction",
    "make demo": "`.ci/run demo` runs it",
    "make test": "it runs this",
    "TF_CONFIG=": "it needs two machines; `test_train.py` has two workers",
}
# Programs whose networks are MobileNets and ResNets.
TRAINING = ("train", "evaluate", "linkage", "export", "human_study")


def starting(table, command):
    return [key for key in table if command.text.startswith(key)]


def argv(command, folder):
    """Returns what is run for a command of a page."""
    module, arguments = command.program
    package, name = module.split(".")
    small = package == "priv_keras" and name in TRAINING
    words = []
    for word in arguments:
        words += GIVEN[word](folder) if word in GIVEN else [word]
    more = [flag for key in starting(MORE, command) for flag in MORE[key]]
    start = (*SMALL_NETWORKS, name) if small else ("-m", module)
    return [sys.executable, *start, *map(str, words), *more]


def run(argv, folder):
    done = subprocess.run(
        argv,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{shlex.join(argv)}\n{done.stderr}"


def run_pages(pages, folder):
    for page in pages:
        for command in in_blocks(page):
            if not starting(NOT_RUN, command):
                run(argv(command, folder), folder)


def write_list(folder):
    """Writes `LIST`, a CSV of two videos of each of eight people."""
    lines = ["path,action,privacy,source"]
    for person in "abcdefgh":
        for action in ("walk", "wave"):
            path = folder / "people" / f"{person}-{action}.avi"
            write_avi(path, 20)
            lines.append(f"{path},{action},{person},{path.stem}")
    (folder / "LIST").write_text("\n".join(lines))


def missing(folder, *names):
    return [name for name in names if not (folder / name).exists()]


def test_every_command_is_run_or_has_a_reason():
    for command in in_blocks():
        run_here = command.page in (*OWN, *UT_INTERACTION)
        assert run_here or starting(NOT_RUN, command), command
        assert command.program or starting(NOT_RUN, command), command
    for key in (*NOT_RUN, *MORE):
        assert any(x.text.startswith(key) for x in in_blocks()), key
    words = {word for command in in_blocks() for word in command.words}
    assert set(GIVEN) <= words


@pytest.mark.slow
def test_commands_on_ones_own_clips_run(tmp_path):
    for split in ("train", "validation", "test"):
        for action in ("walk", "wave"):
            for person in ("anna", "ben"):
                path = tmp_path / "RAW" / split / action / person / "1.avi"
                write_avi(path, 20)
    write_film(tmp_path / "film.mp4", scenes(7))
    run_pages(OWN, tmp_path)
    assert not missing(
        tmp_path,
        "RUN/result.json",
        "REPORT/index.html",
        "film_anonymized.mp4",
    )
    block = next(x for x in python_blocks("README.md") if "Anonymizer" in x)
    before = "import numpy\nframes = numpy.zeros((2, 32, 40, 3), 'uint8')\n"
    run([sys.executable, "-c", before + block], tmp_path)


@pytest.mark.slow
def test_commands_on_ut_interaction_run(tmp_path):
    for sequence in (1, 2):
        for action in range(6):
            path = tmp_path / "RAW" / "set1" / f"0_{sequence}_{action}.avi"
            write_avi(path, 20)
    write_film(tmp_path / "film.mp4", scenes(7))
    write_list(tmp_path)
    (tmp_path / "across").mkdir()
    ucf101_shards(tmp_path / "across")
    vispr_shards(tmp_path / "across")
    run_pages(UT_INTERACTION, tmp_path)
    assert not missing(
        tmp_path,
        "sheet.png",
        "RUN/result.json",
        "across/run/result.json",
        *(
            "HELD_OUT/linkage.json",
            "NEW/result.json",
            "SWEEP/result.csv",
            "report/index.html",
        ),
        "hidden.mp4",
        "RUN/export/tflite_int8/anonymizer.tflite",
        "STUDY/index.html",
        "STUDY/score.json",
    )
