import os
import unicodedata

import pytest

from tfrecords_tools import names

COMPOSED = unicodedata.normalize("NFC", "Zoë.avi")
APART = unicodedata.normalize("NFD", "Zoë.avi")


@pytest.mark.parametrize(
    "name",
    [
        "._clip.avi",
        ".DS_Store",
        "Thumbs.db",
        "thumbs.db",
        "desktop.ini",
        "__MACOSX",
        "@eaDir",
        "$RECYCLE.BIN",
        "Icon\r",
        ".git",
        "~$clip.avi",
    ],
)
def test_files_of_systems_are_known(name):
    assert names.is_system(name)


@pytest.mark.parametrize(
    "name", ["a.avi", "_a.avi", "thumbs", "a._b", "#1.avi"]
)
def test_files_of_people_are_not_of_the_system(name):
    assert not names.is_system(name)


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_walk_takes_upper_case_and_no_files_of_the_system(tmp_path):
    wanted = [tmp_path / "a" / "A.AVI", tmp_path / "b" / "c" / "b.avi"]
    system = [
        tmp_path / "__MACOSX" / "a" / "A.AVI",
        tmp_path / "a" / "._A.AVI",
        tmp_path / "a" / ".DS_Store",
    ]
    touch(*wanted, *system, tmp_path / "a" / "a.txt")
    assert names.walk(tmp_path, ".avi") == wanted
    assert names.system_files(tmp_path) == [
        str(tmp_path / "__MACOSX"),
        str(tmp_path / "a" / ".DS_Store"),
        str(tmp_path / "a" / "._A.AVI"),
    ]


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        (COMPOSED, APART),
        (APART, COMPOSED),
        ("a.avi", "a.AVI"),
        (f"{COMPOSED}/1.jpg", f"{APART}/1.JPG"),
    ],
)
def test_a_file_is_found_by_another_spelling(tmp_path, written, on_disk):
    touch(tmp_path / on_disk)
    assert names.existing(tmp_path / written) == tmp_path / on_disk
    assert names.existing(tmp_path / on_disk) == tmp_path / on_disk
    assert names.existing(tmp_path / "b.avi") == tmp_path / "b.avi"


def test_what_is_not_text_of_one_line_is_escaped():
    assert names.is_writable("Zoë 1\u202f2.avi")
    for name in ("a\nb", "a\rb", "a\x1b[2J", os.fsdecode(b"\xff.avi")):
        assert not names.is_writable(name)
        assert names.is_writable(names.one_line(name))
    assert names.one_line("a\nb") == "a\\nb"
