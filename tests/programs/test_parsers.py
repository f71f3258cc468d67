"""Property tests of the parsers of lists and annotations.

Those of PA-HMDB51 are in `test_pa_hmdb51.py`.
"""

import contextlib
import csv
import io
import json
import pathlib
import re
import string
import tempfile

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from tfrecords_tools.sources import folder
from tfrecords_tools.sources import hmdb51
from tfrecords_tools.sources import sbu
from tfrecords_tools.sources import ucf101
from tfrecords_tools.sources import ut_interaction
from tfrecords_tools.sources import vispr

CASES = settings(max_examples=100, deadline=None)


@contextlib.contextmanager
def written(text, name="list.txt"):
    with tempfile.TemporaryDirectory() as parent:
        path = pathlib.Path(parent, name)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        yield path


def lists(path):
    """Parses the folder of a list of HMDB51 as that of its first split."""
    return hmdb51._listed(path.parent, "1")


PARSERS = {
    "sbu": (sbu.read_list, "bdq_train.txt"),
    "ucf101": (ucf101.read_classes, "classInd.txt"),
    "ucf101 names": (lambda p: ucf101._names(p, ("Archery",)), "train.txt"),
    "hmdb51": (lists, "run_test_split1.txt"),
    "vispr": (vispr.read_annotation, "1.json"),
    "vispr list": (lambda p: vispr._classes("all", p), "attributes.tsv"),
    "folder": (folder.read_csv, "list.csv"),
}
# Pieces that parsers look for, mixed with any other text.
PIECES = st.sampled_from(
    [
        "SBU/s01s02/01/001,1,20,0,0",
        "1 Archery",
        "Archery/v_Archery_g01",
        "_c01.avi 1",
        "a_run_f_cm_np1_fr_med_0.avi 1",
        '{"image_path":',
        '"a.jpg", "labels": [',
        "]}",
        "path,action,privacy",
        "a4_gender",
        "\n",
        "\r\n",
        "\t",
        ",",
        ";",
        '"',
        " ",
        "\x00",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


@pytest.mark.parametrize("name", PARSERS)
@CASES
@given(TEXTS.map(str.encode) | st.binary(max_size=40))
def test_anything_is_read_or_refused_in_a_line(name, content):
    parse, file = PARSERS[name]
    with written(content, file) as path:
        try:
            parse(path)
        except (ValueError, FileNotFoundError) as error:
            assert str(path.parent) in str(error)
            # A line that the error quotes is escaped.
            assert "\n" not in str(error)


takes = st.tuples(
    st.sampled_from(sorted(sbu.PAIR_OF)),
    st.integers(1, 8),
    st.integers(1, 999),
)


@CASES
@given(
    st.lists(takes, unique=True, max_size=9), st.sampled_from(["\n", "\r\n"])
)
def test_sbus_lists_come_back(found, end):
    lines, expected = [], {}
    for pair, action, take in found:
        name = f"{pair}/{action:02d}/{take:03d}"
        number = sbu.PAIR_OF[pair]
        lines.append(f"SBU/{pair}/{name},1,20,{number},{action - 1}{end}")
        expected[name] = {"actors": number, "action": action - 1}
    with written("".join(lines)) as path:
        assert sbu.read_list(path) == expected


words = st.text(string.ascii_letters, min_size=1, max_size=9)


@CASES
@given(st.lists(words, unique=True, min_size=1, max_size=9))
def test_ucf101s_classes_come_back_in_order(classes):
    text = "".join(f"{i} {name}\n" for i, name in enumerate(classes, 1))
    with written(text) as path:
        assert ucf101.read_classes(path) == tuple(classes)
    wrong = text.replace("1 ", "2 ", 1)
    with written(wrong) as path, pytest.raises(ValueError, match="line 1"):
        ucf101.read_classes(path)


# The characters in the names of HMDB51's films.
films = st.text(
    string.ascii_letters + string.digits + "#(!&;)_-+.' []", max_size=20
)


@CASES
@given(
    st.lists(films, unique=True, min_size=1, max_size=6),
    st.lists(st.sampled_from("012"), min_size=6, max_size=6),
)
def test_hmdb51s_names_survive_and_tell_their_film(names, parts):
    files = [f"{name}_run_f_cm_np1_fr_med_0.avi" for name in names]
    lines = [f"{f} {p} \n" for f, p in zip(files, parts, strict=False)]
    with written("".join(lines), "run_test_split1.txt") as path:
        actions, part_of = lists(path)
    assert actions == ("run",)
    assert part_of == {
        f"run/{f.strip()}": hmdb51.PARTS[p]
        for f, p in zip(files, parts, strict=False)
    }
    assert [hmdb51._film(f"run/{file}") for file in files] == names


@CASES
@given(
    st.text(string.ascii_letters + "_-() é", min_size=1),
    st.sets(st.from_regex(r"a\d{1,3}_[a-z_]{1,9}", fullmatch=True)),
)
def test_visprs_annotations_come_back(name, labels):
    content = {
        "id": 1,
        "image_path": f"train2017/{name}.jpg",
        "labels": sorted(labels),
    }
    with written(json.dumps(content)) as path:
        assert vispr.read_annotation(path) == (f"{name}.jpg", labels)


cells = (
    st.text(max_size=9)
    .map(str.strip)
    .filter(
        # Not empty, and without characters that a CSV reader cannot take.
        lambda text: text and not re.search("[\r\n\x00;\ud800-\udfff]", text)
    )
)
rows = st.lists(
    st.tuples(cells, cells, cells, st.sampled_from(["train", "val", "test"])),
    unique_by=lambda row: row[0],
    max_size=6,
)


@CASES
@given(rows, st.permutations(["path", "action", "privacy", "split"]))
def test_a_csv_comes_back_whatever_its_columns_order(found, columns):
    names = ("path", "action", "privacy", "split")
    dicts = [dict(zip(names, row, strict=True)) for row in found]
    file = io.StringIO()
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(dicts)
    with written(file.getvalue()) as path:
        read = folder.read_csv(path)
    for row in dicts:
        row["split"] = folder.SPLIT_OF[row["split"]]
    assert read == dicts


@CASES
@given(
    st.integers(0, 99), st.integers(0, 25), st.integers(0, 9), st.integers(0, 5)
)
def test_ut_interactions_names_are_read_or_refused(
    clip, sequence, action, fold
):
    root = pathlib.Path("raw")
    path = root / "set1" / f"{clip}_{sequence}_{action}.avi"
    if not (1 <= sequence <= 20 and action <= 5):
        with pytest.raises(ValueError, match="is not named"):
            ut_interaction._video(path, root, fold)
        return
    video = ut_interaction._video(path, root, fold)
    assert video.id == f"set1/{path.name}"
    assert video.labels == {"action": action, "actors": sequence - 1}
    # All clips of a sequence and action are in the same split.
    other = path.with_name(f"{clip + 1}_{sequence}_{action}.avi")
    assert ut_interaction._video(other, root, fold).split == video.split
