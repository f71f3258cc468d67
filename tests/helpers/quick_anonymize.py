"""Runs `anonymize` with a model that inverts frames and needs no TensorFlow."""

import builtins
import json
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 60  # a run that takes longer has hung


class Done(NamedTuple):
    """What a run did."""

    status: int
    lines: list  # of standard output
    errors: list  # lines of standard error


def command(*args):
    return [sys.executable, __file__, "--model=downsample_1", *map(str, args)]


def environment(card=None, fault="", wait=""):
    """Returns the environment of a run.

    Args:
        card: Dict, the card of the model.
        fault: Name of the exception that reading `bad.mp4` raises.
        wait: Seconds for a network to answer; the program's own without it.
    """
    path = os.pathsep.join([str(ROOT), *sys.path])
    own = {"CARD": json.dumps(card), "FAULT": fault, "WAIT": str(wait)}
    return {**os.environ, **own, "PYTHONPATH": path}


def run(*args, **options):
    """Runs the program, and returns `Done`; see `environment`."""
    done = subprocess.run(
        command(*args),
        capture_output=True,
        env=environment(**options),
        timeout=SECONDS,
    )
    error = done.stderr.decode()
    assert "Traceback" not in error, error
    return Done(
        done.returncode, done.stdout.decode().splitlines(), error.splitlines()
    )


class Inverter:
    card = json.loads(os.environ.get("CARD", "null"))

    def stream(self, batches):
        for frames in batches:
            yield 255 - frames


def main():
    from priv_keras import anonymize
    from priv_keras.films import sizes
    from priv_keras.films import video

    def load(name):
        size = sizes.measured(Inverter.card)
        return Inverter(), {**anonymize.describe(name), "training_size": size}

    def source(job):
        if job.source == "bad.mp4":
            raise getattr(builtins, os.environ["FAULT"])("Anna\nand Ben")
        return opened(job)

    video.WAIT = float(os.environ["WAIT"] or video.WAIT)
    opened = anonymize._source
    anonymize.load, anonymize._source = load, source
    anonymize.run()


if __name__ == "__main__":
    main()
