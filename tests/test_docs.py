"""What README and the documentation name is there."""

import ast
import re
import subprocess
import sys

import pytest
from documented_commands import PAGES
from documented_commands import ROOT
from documented_commands import in_blocks
from documented_commands import in_sentences
from documented_commands import modules
from documented_commands import python_blocks

# Flags of other commands in the text than those of `flags/`.
OTHERS = {
    "local-dir",
    "folds",
    "ut_raw_dir",
    "build-arg",
    "editable",
    "help",
    "helpfull",
    "logdir",
    "no-deps",
    "upgrade",
}
DEFACE = {  # that docs/anonymize.md compares ours with
    "backend",
    "boxes",
    "draw-scores",
    "execution-provider",
    "mosaicsize",
    "replaceimg",
    "replacewith",
    "thresh",
}


def defined():
    """Names of all flags that `flags/` defines, and of absl's that we name."""
    found = {"flagfile", "verbosity"}
    for path in (ROOT / "flags").glob("*.py"):
        pattern = r'(?:DEFINE_\w+|one_of|some_of)\(\s*"(\w+)"'
        found |= set(re.findall(pattern, path.read_text()))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_that_a_page_names_exist(page):
    known = defined()
    assert len(known) > 100
    named = set(re.findall(r"(?<![\w-])--([a-z][\w-]+)", page.read_text()))
    ours = {name.replace("-", "_") for name in named - OTHERS - DEFACE}
    missing = {x for x in ours if x not in known and x[2:] not in known}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    text = page.read_text()
    folders = "priv_keras|tfrecords_tools|flags|benchmarks|tests|docs|examples"
    named = re.findall(rf"`((?:{folders})/[\w./]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


# Parses a command line as the program would, and does no more.
PARSE = """
import importlib, sys
from absl import app
app.run = lambda main, flags_parser: flags_parser(sys.argv)
importlib.import_module(sys.argv.pop(1)).run()
"""


def parse(module, *arguments):
    """Returns what a program says of a command line; nothing if it is right."""
    command = [sys.executable, "-c", PARSE, module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode == 0) == (not done.stderr)
    return done.stderr


@pytest.mark.parametrize(
    "command",
    [x for x in (*in_blocks(), *in_sentences()) if x.program],
    ids=lambda command: f"{command.page}: {command.text}",
)
def test_a_program_understands_its_command(command):
    module, arguments = command.program
    assert parse(module, *arguments) == ""


def test_what_a_program_does_not_understand_is_told():
    assert "no flag --run" in parse("priv_keras.train", "--run=RUN")
    assert "--scale" in parse("priv_keras.train", "--run_dir=X", "--scale=x")
    assert "Give --run_dir" in parse("priv_keras.train")


def test_other_commands_name_what_is_there():
    """These are targets of make, and scripts of this repository."""
    targets = re.findall(
        r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    for command in in_blocks():
        name, *arguments = command.words
        if name == "make":
            assert set(arguments) <= set(targets), command
        elif name.endswith("python") and arguments[0] != "-m":
            script, *flags = arguments
            text = (ROOT / script).read_text()
            names = [flag.partition("=")[0] for flag in flags]
            assert [x for x in names if f'"{x}"' not in text] == [], command
        elif "pip" not in command.words:
            assert name in modules(), command


def test_python_of_a_page_can_be_parsed():
    blocks = [x for page in PAGES for x in python_blocks(page.name)]
    assert len(blocks) > 2
    for block in blocks:
        ast.parse(block)


# Pages that link to each other, on GitHub and in the documentation.
LINKING = [*PAGES, ROOT / "CHANGELOG.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page):
    """Returns the anchors that GitHub and MyST give to headings of a page."""
    text = re.sub("^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall("^#+ (.*)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", line.lower()) for line in headings)
    return {line.strip().replace(" ", "-") for line in plain}


def broken(page):
    """Yields the links of a page that lead to no file or heading of ours."""
    for link in LINK.findall(page.read_text()):
        if re.match("[a-z]+:", link):
            continue  # to others; `make linkcheck` follows them
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    assert list(broken(page)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "a.md"
    page.write_text(
        "# One `two`, three!\n"
        "[a](#one-two-three) [b](a.md#one-two-three) [c](http://x.org/#y)\n"
        "[d](#two) [e](b.md) [f](a.md#four)\n"
    )
    assert list(broken(page)) == ["#two", "b.md", "a.md#four"]


def test_readme_is_one_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_every_page_is_in_the_table_of_contents():
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert {x for x in pages if f"\n{x}\n" not in index} == set()
