"""Tests of what is installed and shipped, without building the package."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import priv_keras

ROOT = pathlib.Path(__file__).parents[2]
PACKAGES = ("flags", "priv_keras", "tfrecords_tools")
CODE = (".py", ".pyc")


def read_setup():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


SETUP = read_setup()
VERSION = SETUP["metadata"]["version"]
SCRIPTS = dict(
    line.split(" = ")
    for line in SETUP["options.entry_points"]["console_scripts"].split("\n")
    if line
)

in_a_clone = pytest.mark.skipif(
    not shutil.which("git") or not (ROOT / ".git").exists(),
    reason="no clone of the repository",
)


def files(package):
    return [path for path in (ROOT / package).rglob("*") if path.is_file()]


def package_data():
    """Returns pairs of a folder and a pattern of the files that it ships."""
    return [
        (package.replace(".", "/"), pattern)
        for package, patterns in SETUP["options.package_data"].items()
        for pattern in patterns.split()
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_file_that_is_no_code_is_package_data(package):
    shipped = {
        path
        for owner, pattern in package_data()
        for path in (ROOT / owner).glob(pattern)
    }
    others = {path for path in files(package) if path.suffix not in CODE}
    assert others <= shipped


@pytest.mark.parametrize("folder, pattern", package_data())
def test_package_data_exists(folder, pattern):
    assert list((ROOT / folder).glob(pattern))


@pytest.mark.parametrize("package", PACKAGES)
def test_code_lies_in_packages_which_setuptools_finds(package):
    folders = {path.parent for path in files(package) if path.suffix == ".py"}
    assert not [x for x in folders if not (x / "__init__.py").exists()]


# In its own process, because two programs may define flags of the same name.
@pytest.mark.parametrize("target", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_command_can_be_imported(target):
    check = f"import pkgutil as p; assert callable(p.resolve_name({target!r}))"
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


def test_a_command_is_named_like_its_module():
    for command, target in SCRIPTS.items():
        package, module = target.split(":")[0].split(".")
        prefix = {"priv_keras": "priv-keras", "tfrecords_tools": "tfrecords"}
        assert command == f"{prefix[package]}-{module.replace('_', '-')}"


def test_the_version_is_the_same_everywhere():
    assert priv_keras.__version__ == VERSION
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search("^version: (.*)$", citation, re.MULTILINE)[1] == VERSION
    newest = re.search("^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest[1].split()[0] == VERSION
    assert VERSION not in (ROOT / "docs" / "conf.py").read_text()


@in_a_clone
def test_a_release_is_tagged_with_its_version():
    command = ["git", "tag", "--points-at", "HEAD", "v*"]
    tags = subprocess.check_output(command, cwd=ROOT, text=True).split()
    assert set(tags) <= {f"v{VERSION}"}


@pytest.mark.parametrize("file", ["docs/getting_started.md", "Dockerfile"])
def test_detectors_have_the_versions_of_the_makefile(file):
    detectors = re.search(
        "^DETECTORS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )[1]
    text = (ROOT / file).read_text()
    assert [x for x in detectors.split() if x not in text] == []


def test_paths_that_contributing_names_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = {x for x in re.findall(r"`([\w./]+)`", text) if "/" in x}
    shipped = {x for x in named if not x.startswith(".")}
    assert len(shipped) > 10
    assert [x for x in shipped if not (ROOT / x).exists()] == []


@in_a_clone
def test_each_tracked_folder_is_in_the_sdist():
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True)
    folders = {x.split("/")[0] for x in tracked.splitlines() if "/" in x}
    manifest = (ROOT / "MANIFEST.in").read_text().split()
    missing = {x for x in folders if not x.startswith(".")} - {*PACKAGES}
    assert missing <= {*manifest}, "Say in MANIFEST.in what the sdist takes."
