"""What README and the documentation name is there."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
# Flags of other commands in the text than those of `flags/`.
OTHERS = {
    *("folds", "ut_raw_dir"),
    *("build-arg", "editable", "help", "helpfull", "logdir", "no-deps"),
    "upgrade",
}
DEFACE = {  # that docs/anonymize.md compares ours with
    *("backend", "boxes", "draw-scores", "execution-provider"),
    *("mosaicsize", "replaceimg", "replacewith", "thresh"),
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
    links = re.findall(r"\]\(([\w./]+\.(?:md|png))\)", text)
    here = [page.parent / link for link in links]
    missing = [x for x in (*(ROOT / n for n in named), *here) if not x.exists()]
    assert missing == []


def test_readme_is_one_page():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_every_page_is_in_the_table_of_contents():
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert {x for x in pages if f"\n{x}\n" not in index} == set()
