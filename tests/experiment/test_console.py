import io
import re
import sys
import time

import pytest
from absl import logging
from played_games import play
from toys import SHUT

from priv_keras.algorithms import Entropy
from priv_keras.experiment import console


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Returns a function that makes standard error a terminal."""

    def patch():  # called in the test, because pytest replaces it before
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return patch


@pytest.fixture(autouse=True)
def verbosity():
    """Sets the verbosity of the programs, which a test may change."""
    logging.set_verbosity(logging.WARNING)
    yield logging.set_verbosity
    logging.set_verbosity(logging.WARNING)


def game_of_two_epochs(make_game, data):
    game = make_game(Entropy, target_gate=SHUT, budget_gate=SHUT)
    with console.watch("game", 6, done=2) as watch:
        play(game, data, [watch])


def test_a_game_is_a_bar_with_its_figures(make_game, data, terminal):
    errors = terminal()
    game_of_two_epochs(make_game, data)
    shown = errors.getvalue().split("\r")
    assert any("game" in bar and "2/6" in bar for bar in shown)
    last = [bar for bar in shown if "A_T" in bar][-1]
    assert re.search(r"A_T \d\.\d+ A_B \d\.\d+ updates f_T 3, f_B 3", last)
    assert re.search(r"\d\d:\d\d<\d\d:\d\d", last)  # elapsed and remaining


def test_without_a_terminal_there_is_no_bar(make_game, data, capfd):
    game_of_two_epochs(make_game, data)
    assert list(console.each("ab", "filtering", 2)) == ["a", "b"]
    console.say("a line")
    out, err = capfd.readouterr()
    assert "game" not in err and "filtering" not in err and "\r" not in err
    assert out == "a line\n"


def test_what_is_iterated_over_is_a_bar(terminal):
    errors = terminal()
    for _ in console.each(range(2), "filtering", 2):
        time.sleep(0.2)  # longer than tqdm waits between two updates
    assert "filtering" in errors.getvalue()
    assert "1/2" in errors.getvalue()


def test_each_turn_is_a_line_where_that_is_asked_for(
    make_game, data, capsys, verbosity
):
    verbosity(console.TURNS)
    game_of_two_epochs(make_game, data)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("turn    3/6  updates f_T 3, f_B 3")


def test_a_quiet_program_says_warnings_alone(terminal, capsys, verbosity):
    errors = terminal()
    verbosity(console.SPARE)
    console.say("turn 3")
    console.say("warning: stale")
    list(console.each("a", "filtering", 1))
    assert capsys.readouterr().out == "warning: stale\n"
    assert errors.getvalue() == ""


def test_the_next_commands_are_of_what_there_is(capsys):
    console.say_next("runs/a", exported=False)
    assert "anonymize" not in capsys.readouterr().out
    console.say_next("runs/a", exported=True)
    said = capsys.readouterr().out
    assert "priv_keras.anonymize FILM --model=runs/a/export/anonymizer" in said
    assert "priv_keras.report runs/a\n" in said
