"""Shows the progress of long work: a bar on a terminal, lines elsewhere."""

import contextlib
import sys
import time

import tqdm
from absl import logging

SPARE = -2  # the --verbosity that shows warnings and results alone
PATIENCE = 10  # seconds of work before the remaining time is estimated


@contextlib.contextmanager
def shown(what, total, unit):
    """Shows the progress of some work on standard error.

    On a terminal, that is a bar. Elsewhere, it is a line at the start and, if
    the work takes long, another one that estimates the time that remains.

    Args:
        what: String, the work.
        total: Int, how many units there are to do.
        unit: String, the name of a unit, in the singular.

    Yields:
        Callable, to be called whenever a unit is done.
    """
    if logging.get_verbosity() <= SPARE:
        yield lambda: None
    elif sys.stderr.isatty():
        with tqdm.tqdm(desc=what, total=total, unit=unit) as bar:
            yield bar.update
    else:
        _say(f"{what}: {total} {unit}s ...")
        yield _estimator(what, total, unit)


def _estimator(what, total, unit):
    """Returns a function that counts, and once says how long the rest takes."""
    start = time.monotonic()
    done = 0
    has_said = False

    def update():
        nonlocal done, has_said
        done += 1
        took = time.monotonic() - start
        if not has_said and took > PATIENCE and done < total:
            has_said = True
            minutes = took / done * (total - done) / 60
            _say(
                f"{what}: {done} of {total} {unit}s are done; about "
                f"{minutes:.1f} minutes to go"
            )

    return update


def _say(line):
    print(line, file=sys.stderr, flush=True)
