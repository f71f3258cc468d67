"""Programs of this checkout, run as processes of their own."""

import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


# Flags of a run on clips of 43x32 pixels or more.
TINY = [
    "--scale=tiny",
    f"--flagfile={ROOT}/flags/recipes/smoke.flags",
    "--size=32",
    "--frame_width=43",
    "--frame_height=32",
    "--frames=4",
    "--batch_size=2",
    "--max_iter=3",
    "--deterministic",
]
SMALL = ["--dataset=sbu", *TINY]


SMALL_NETWORKS = ("-m", "tests.helpers.small_networks")


def program(name, *args):
    return start(*SMALL_NETWORKS, name, *args)


def start(*args, stderr=subprocess.PIPE, **environment):
    return subprocess.Popen(
        [sys.executable, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        preexec_fn=heed_interrupts,
    )


def run(name, *args):
    """Returns the exit status, standard output and standard error."""
    process = program(name, *args)
    out, err = process.communicate()
    return process.returncode, out, err


def heed_interrupts():
    """Lets Ctrl-C reach a program even where the tests ignore it, as what a
    shell starts in the background does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
