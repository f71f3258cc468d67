"""Damage for files, and a process that may crash while it reads them."""

import collections
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

CASES = 1000
SCALARS = (None, True, -1, 0, 1.5, 10**30, "", "x", "../../x", [], {}, [[]])


def damaged(content, rng):
    """Returns bytes cut short, or with up to 20 bits flipped, half of them
    early."""
    if rng.random() < 0.3:
        return content[: rng.randrange(len(content))]
    content = bytearray(content)
    end = len(content) if rng.random() < 0.5 else min(len(content), 600)
    for _ in range(rng.randint(1, 20)):
        content[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(content)


def damaged_json(content, rng):
    """Returns damaged bytes, or valid JSON with a part replaced or left out."""
    if rng.random() < 0.3:
        return damaged(content, rng)
    tree = copy.deepcopy(json.loads(content))
    for _ in range(rng.randint(1, 2)):
        places = list(_places(tree))
        if not places:
            break
        holder, key = rng.choice(places)
        if rng.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(rng.choice(SCALARS))
    return json.dumps(tree).encode()


def _places(tree):
    """Yields each container and key below `tree`."""
    keys = {dict: lambda: tree, list: lambda: range(len(tree))}
    for key in list(keys.get(type(tree), tuple)()):
        yield tree, key
        yield from _places(tree[key])


def outcomes(read, cases):
    """Counts the outcomes of `read(case)`.

    It takes the file, or refuses it with a `ValueError` or `OSError` that says
    why. Anything else is a failure.

    Args:
        read: Callable that takes an int.
        cases: Iterable of ints.
    """
    found = collections.Counter()
    for case in cases:
        try:
            read(case)
        except (ValueError, OSError) as error:
            assert str(error), case
            found["refused"] += 1
        except Exception as error:
            raise AssertionError(f"case {case}: {error!r}") from error
        else:
            found["taken"] += 1
    return found


def outcomes_apart(code, cases, timeout=600):
    """Counts like `outcomes`, in other processes, since native code may crash.

    Args:
        code: Python source that defines `read(case)`.
        cases: Int, number of cases.
        timeout: Seconds for all of them.

    Returns:
        Counter of `taken`, `refused`, and `crashed`, and the list of the cases
        that crashed.
    """
    found, crashed, first = collections.Counter(), [], 0
    while first < cases:
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    CHILD + code + f"\nrun({first}, {cases})",
                ],
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                timeout=timeout,
                cwd=pathlib.Path(__file__).parent,
            )
            out.seek(0)
            said = out.read().split()
        found.update(said)
        first += len(said)
        if first < cases:
            assert done.returncode < 0, f"case {first}: {done.stderr[-2000:]}"
            crashed.append((first, done.returncode))
            first += 1
    return found, crashed


CHILD = """
import random, sys
sys.path.insert(0, "../..")
from fuzzing import *

def run(first, cases):
    for case in range(first, cases):
        (outcome,) = outcomes(read, [case])
        print(outcome, flush=True)
"""
