"""Commands and Python that README and the documentation give."""

import configparser
import pathlib
import re
import shlex
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^( *)```(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SHELLS = ("", "sh", "bash", "console")
# A command of ours with arguments, between the words of a sentence.
QUOTED = re.compile(
    r"`((?:priv-keras-|tfrecords-|python -m (?:priv_keras|tfrecords_tools)\.)"
    r"\w+\s[^`]+)`"
)


class Command(NamedTuple):
    """A command of a page, on one line and without its comment."""

    page: str
    text: str

    @property
    def words(self):
        """The words of the command, without variables that it sets."""
        words = shlex.split(self.text)
        while re.match("[A-Z_]+=", words[0]):
            del words[0]
        return words

    @property
    def program(self):
        """The module and the arguments of a program of ours, or `None`."""
        name, *arguments = self.words
        if (name, arguments[:1]) == ("python", ["-m"]):
            return arguments[1], arguments[2:]
        module = modules().get(name)
        return module and (module, arguments)


def modules():
    """Returns a dict of each command that is installed to its module."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    pairs = (line.split(" = ") for line in lines if line)
    return {name: target.split(":")[0] for name, target in pairs}


def in_blocks(page=None):
    """Returns the commands in the blocks of all pages, or of one.

    A command that several pages give is of the first of them.
    """
    found = {}
    for path in PAGES:
        for block in _blocks(path, SHELLS):
            for line in block.replace("\\\n", " ").splitlines():
                text = " ".join(line.partition(" #")[0].split())
                found.setdefault(text, path.name)
    commands = [Command(name, text) for text, name in found.items() if text]
    return [x for x in commands if page in (None, x.page)]


def in_sentences():
    """Returns the commands of ours that are quoted outside of blocks."""
    return [
        Command(path.name, " ".join(text.split()))
        for path in PAGES
        for text in QUOTED.findall(BLOCK.sub("", path.read_text()))
    ]


def python_blocks(page):
    """Returns the blocks of Python of a page."""
    (path,) = (path for path in PAGES if path.name == page)
    return _blocks(path, ["python"])


def _blocks(path, languages):
    found = BLOCK.findall(path.read_text())
    return [text for _, language, text in found if language in languages]
