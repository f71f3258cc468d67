"""What long work tells people: a bar on a terminal, or lines elsewhere."""

import contextlib
import sys
import time

import tqdm
from absl import logging

SPARE = -2  # of --verbosity: warnings and results alone
PATIENCE = 10  # seconds, after which there is something to tell of the rest


@contextlib.contextmanager
def shown(what, total, unit):
    """Shows on standard error how far some work is.

    On a terminal that is a bar. Elsewhere it is a line at the start and, of
    long work, one that says about how long it will take.

    Args:
        what: String, the work.
        total: Int, how many there are to do.
        unit: String, of what, in the singular.

    Yields:
        Callable, to be called when one is done.
    """
    if logging.get_verbosity() <= SPARE:
        yield lambda: None
    elif sys.stderr.isatty():
        with tqdm.tqdm(desc=what, total=total, unit=unit) as bar:
            yield bar.update
    else:
        _say(f"{what}: {total} {unit}s ...")
        yield _told(what, total, unit)


def _told(what, total, unit):
    start = time.monotonic()
    done = 0
    is_told = False

    def update():
        nonlocal done, is_told
        done += 1
        took = time.monotonic() - start
        if not is_told and took > PATIENCE and done < total:
            is_told = True
            minutes = took / done * (total - done) / 60
            _say(
                f"{what}: {done} of {total} {unit}s are done; about "
                f"{minutes:.1f} minutes to go"
            )

    return update


def _say(line):
    print(line, file=sys.stderr, flush=True)
