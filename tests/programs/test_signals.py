"""Tests of what programs do when a signal stops them."""

import pathlib
import signal
import subprocess
import sys
import time

import pytest

from flags import signals

ROOT = pathlib.Path(__file__).parents[2]
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
WAITS = """
import signal, sys, time
from flags import signals

# A process may have been started to ignore some.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)

def waits():
    print("waits", flush=True)
    time.sleep(60)

def is_called_by_code_that_drops_errors():
    class Dropped:
        def __del__(self):
            waits()
    Dropped()

def is_called_by_code_that_makes_them_others():
    try:
        waits()
    except BaseException:
        raise TypeError("in user code") from None

with signals.exit_when_stopped():
    try:
        {call}()
        print("went on", flush=True)
        time.sleep(60)
    finally:
        time.sleep(1.5 * signals.AGAIN)
        print("cleaned up", flush=True)
"""


def stopped(call, number):
    """Returns what a script prints that a signal stops in a call, its errors
    and its exit status."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS.format(call=call)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout.readline() == "waits\n"
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=50)
    assert time.monotonic() - began < 30  # no sleep was slept to its end
    return out, err, process.returncode


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_lets_a_program_clean_up(number):
    assert stopped("waits", number) == ("cleaned up\n", "", 128 + number)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exit_that_is_dropped_comes_again(number):
    out, err, status = stopped("is_called_by_code_that_drops_errors", number)
    assert "Exception ignored in" in err  # the premise
    assert (out, status) == ("went on\ncleaned up\n", 128 + number)


def test_an_exit_that_becomes_another_error_is_one():
    call = "is_called_by_code_that_makes_them_others"
    out, err, status = stopped(call, signal.SIGTERM)
    assert (out, err, status) == ("cleaned up\n", "", 143)


def test_a_program_that_ends_leaves_signals_as_they_were():
    numbers = [*NUMBERS, signal.SIGALRM]
    before = [signal.getsignal(number) for number in numbers]
    with signals.exit_when_stopped():
        assert signal.getsignal(signal.SIGTERM) is signals.stop
    assert [signal.getsignal(number) for number in numbers] == before
    with (
        pytest.raises(OSError, match="a fault"),
        signals.exit_when_stopped(),
    ):
        raise OSError("a fault")
    assert [signal.getsignal(number) for number in numbers] == before


def test_what_a_program_was_started_to_ignore_does_not_stop_it():
    script = """
import signal
from flags import signals

signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
with signals.exit_when_stopped():
    signal.raise_signal(signal.SIGHUP)
print("went on")
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout == "went on\n"
