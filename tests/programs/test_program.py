"""Tests of what all programs have in common: start, help and failure."""

import configparser
import os
import pathlib
import re
import subprocess
import sys

import pytest

from flags import help as flags_help
from flags import program

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = {
    "priv_keras.train": "--run_dir",
    "priv_keras.evaluate": "--run_dir",
    "priv_keras.linkage": "--run_dir",
    "priv_keras.export": "--run_dir",
    "priv_keras.anonymize": "--model",
    "priv_keras.report": "--out",
    "priv_keras.sweep": "--sweep_dir",
    "priv_keras.human_study": "--out",
    "tfrecords_tools.build": "--out_dir",
    "tfrecords_tools.verify": "--helpfull",
    "tfrecords_tools.show": "--out",
    "tfrecords_tools.pa_hmdb51_stats": "--annotations",
}


def python(*args, cwd=ROOT, **environment):
    return subprocess.run(
        [sys.executable, *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def commands():
    """Returns a dict of each installed command to its `module:function`."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options.entry_points"]["console_scripts"].split("\n")
    return dict(line.split(" = ") for line in lines if line)


def test_every_program_but_one_has_a_command():
    started = {f"{module}:run" for module in PROGRAMS}
    started.remove("tfrecords_tools.pa_hmdb51_stats:run")
    assert set(commands().values()) == started
    for command, target in commands().items():
        module = target.partition(":")[0]
        package, _, name = module.rpartition(".")
        start = {"priv_keras": "priv-keras", "tfrecords_tools": "tfrecords"}
        assert command == f"{start[package]}-{name.replace('_', '-')}"


@pytest.mark.parametrize("module", PROGRAMS)
@pytest.mark.parametrize("flag", ["--help", "--helpfull"])
def test_help_is_the_same_by_module_and_by_command(module, flag):
    by_module = python("-X", "importtime", "-m", module, flag)
    by_command = python("-c", f"import {module} as m; m.run()", flag)
    assert (by_module.returncode, by_command.returncode) == (0, 0)
    assert by_module.stdout == by_command.stdout
    assert PROGRAMS[module] in by_module.stdout
    assert f"python -m {module}" in by_module.stdout  # an example
    assert "tensorflow\n" not in by_module.stderr
    assert ("--verbosity=N" in by_module.stdout) == (flag == "--helpfull")


def described(text):
    """Returns the names of the flags that a help text describes."""
    spelt = re.findall(r"^  (?:-., )?--(?:\[no\])?(\w+)", text, re.M)
    assert len(spelt) == len(set(spelt))
    return spelt


@pytest.mark.parametrize("module", PROGRAMS)
def test_help_begins_with_ten_flags_of_those_that_all_help_has(module):
    some = described(python("-m", module, "--help").stdout)
    every = described(python("-m", module, "--helpfull").stdout)
    assert len(some) <= 10
    assert set(some) < set(every)


# Prints the names of the flags that a program defines, except for aliases.
DEFINED = """
import {module}
from absl import flags
for module, found in flags.FLAGS.flags_by_module_dict().items():
    for flag in found if module.startswith("flags.") else ():
        if not flag.help.startswith("Alias for"):
            print(flag.name)
"""


@pytest.mark.parametrize("module", PROGRAMS)
def test_every_flag_is_in_one_group(module):
    text = python("-m", module, "--helpfull").stdout
    ours, title, others = text.partition(f"{flags_help.OTHER}:")
    defined = python("-c", DEFINED.format(module=module)).stdout.split()
    assert sorted(described(ours)) == sorted(set(defined))
    assert title and "verbosity" in described(others)


def test_help_says_what_a_flag_takes_and_fits_the_terminal():
    text = python("-m", "priv_keras.train", "--helpfull", COLUMNS="60").stdout
    ours = text.partition(f"{flags_help.OTHER}:")[0].partition("The run:")[2]
    assert max(map(len, ours.splitlines())) <= 60
    entries = re.split(r"^  (?=-)", ours, flags=re.M)[1:]
    for entry in entries:
        assert "Default:" in entry or "Required." in entry
    said = " ".join(text.split())
    assert "Choices: grl, kbeam, entropy. Default: entropy." in said
    assert "At least 0. Default: 2; 1 at --scale=small or tiny." in said
    assert "From 0 to 1. Default: 0.85; 0.95 at --scale=small or tiny." in said
    assert "--[no]pictures Draw" in said


@pytest.mark.parametrize(
    "args",
    [
        ("priv_keras.train", "--method=grll", "--run_dir=x"),
        ("priv_keras.evaluate",),
        ("priv_keras.linkage", "--run_dir=x", "--baseline=downsample_3"),
        ("priv_keras.export", "--run_dir=x", "--format=tflight"),
        ("priv_keras.anonymize", "--model=downsample_4"),
        ("priv_keras.anonymize", "x.mp4", "--modle=downsample_4"),
        ("priv_keras.report",),
        ("priv_keras.report", "nowhere"),
        ("priv_keras.sweep", "--sweep_dir=x", "--methods=entrop"),
        ("priv_keras.human_study", "--out=x", "bild"),
        ("tfrecords_tools.build", "--dataset=sub", "--out_dir=x"),
        ("tfrecords_tools.build", "--dataset=puppets"),
        ("tfrecords_tools.verify", "nowhere"),
        ("tfrecords_tools.verify", "--flagfile=nowhere"),
        ("tfrecords_tools.show", "a", "b"),
        ("tfrecords_tools.pa_hmdb51_stats", "--annotations=nowhere"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_one_line_and_status_1(args, tmp_path):
    done = python("-m", *args, cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert (done.stdout, done.returncode) == ("", 1)
    assert not list(tmp_path.iterdir())


def test_a_wrong_word_names_the_nearest(tmp_path):
    def hint(*args):
        return python("-m", *args, cwd=tmp_path).stderr.rpartition(" Did ")[2]

    train = ("priv_keras.train", "--run_dir=x")
    assert hint(*train, "--max-iteer=2") == "you mean --max_iter?\n"
    assert hint(*train, "--nopicturs") == "you mean --nopictures?\n"
    assert hint(*train, "--recipe=sbu,gril") == "you mean grl?\n"
    assert hint(*train, "--scale=tinny") == "you mean tiny?\n"
    assert hint(*train, "--attacks=statik") == "you mean static?\n"
    sweep = ("priv_keras.sweep", "--sweep_dir=x")
    assert hint(*sweep, "--methods=entropy_m3") == "you mean entropy_m8?\n"
    study = ("priv_keras.human_study", "--out=x")
    assert hint(*study, "scores") == "you mean score?\n"
    (tmp_path / "x.flags").write_text("--run-dri=x\n")
    assert hint(*train, "--flagfile=x.flags") == "you mean --run_dir?\n"


MINE = """
'''Mine.'''
import os, sys
from flags import program

def main(argv):
    {body}

program.run(main)
"""


def mine(tmp_path, body, *args, **environment):
    path = tmp_path / "mine.py"
    path.write_text(MINE.format(body=body))
    return python(path, *args, **environment)


@pytest.mark.parametrize(
    "raised",
    ["ValueError('a\\n  b')", "OSError('a; b')", "app.UsageError('a; b')"],
)
def test_an_error_of_several_lines_is_one(tmp_path, raised):
    done = mine(tmp_path, f"from absl import app; raise {raised}")
    assert (done.stderr, done.returncode) == ("error: a; b\n", 1)


def test_a_bug_keeps_its_traceback_and_verbosity_shows_all(tmp_path):
    bug = mine(tmp_path, "raise KeyError('x')")
    assert "Traceback" in bug.stderr and bug.returncode == 1
    told = mine(tmp_path, "raise ValueError('x')", "--verbosity=1")
    assert "Traceback" in told.stderr
    assert told.stderr.endswith("error: x\n")


def test_an_interrupt_is_quiet(tmp_path):
    # A process that a shell starts in the background is told to ignore it.
    body = "import signal; signal.signal(2, signal.default_int_handler); "
    done = mine(tmp_path, body + "os.kill(os.getpid(), 2)")
    assert (done.stderr, done.returncode) == ("", 130)


def test_a_reader_that_leaves_is_no_error(tmp_path):
    body = "print('x'); sys.stdout.flush(); raise BrokenPipeError"
    done = mine(tmp_path, body)
    assert (done.stderr, done.returncode) == ("", 1)


GREETS = r"""
import os
os.write(2, b'WARNING: All log messages before absl::InitializeLog() ...\n')
os.write(2, b'I0000 00:00:17.2 15 port.cc:153] oneDNN custom operations\n')
os.write(2, b'W0000 00:00:17.2 15 x.cc:1] a true warning\n')
"""


@pytest.fixture
def greeting(tmp_path):
    """Puts a TensorFlow on the path that greets when it is imported."""
    (tmp_path / "tensorflow.py").write_text(GREETS)
    return f"{tmp_path}{os.pathsep}{ROOT}"


def test_tensorflow_does_not_greet_but_warns(tmp_path, greeting):
    body = "import tensorflow as t; print(type(t.__loader__).__name__)"
    done = mine(tmp_path, body, PYTHONPATH=greeting)
    assert done.stderr.splitlines() == [
        "W0000 00:00:17.2 15 x.cc:1] a true warning"
    ]
    assert done.stdout == "SourceFileLoader\n"


def test_verbosity_and_the_environment_ask_for_greetings(tmp_path, greeting):
    body = "import tensorflow"
    told = mine(tmp_path, body, "--verbosity=0", PYTHONPATH=greeting)
    assert "oneDNN" in told.stderr
    told = mine(tmp_path, body, PYTHONPATH=greeting, TF_CPP_MIN_LOG_LEVEL="0")
    assert "oneDNN" in told.stderr


def test_a_tensorflow_that_does_not_load_says_all(tmp_path, greeting):
    (tmp_path / "tensorflow.py").write_text(GREETS + "raise OSError('no AVX')")
    done = mine(tmp_path, "import tensorflow", PYTHONPATH=greeting)
    assert "oneDNN" in done.stderr
    assert done.stderr.endswith("error: no AVX\n")


def test_an_interrupt_while_tensorflow_loads_is_quiet(tmp_path, greeting):
    (tmp_path / "tensorflow.py").write_text(GREETS + "raise KeyboardInterrupt")
    done = mine(tmp_path, "import tensorflow", PYTHONPATH=greeting)
    assert "oneDNN" not in done.stderr
    assert done.returncode == 130


def test_the_real_tensorflow_is_silent(tmp_path):
    """Also if another library has looked whether it is installed."""
    body = (
        "import importlib.util; importlib.util.find_spec('tensorflow'); "
        "import tensorflow; tensorflow.zeros(1)"
    )
    done = mine(tmp_path, body)
    assert (done.stderr, done.returncode) == ("", 0)


def test_required_flags_are_asked_for(capsys):
    done = python("-m", "tfrecords_tools.build", "--dataset=puppets")
    assert done.stderr == "error: Give --out_dir; --help says what it is.\n"


def test_status_passes_through():
    assert program.leave(3) == 3
    assert program.leave(None) is None
