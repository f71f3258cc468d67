import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from shared_data import SHARED
from shared_data import needs

from tfrecords_tools.sources import pa_hmdb51

FOLDER = SHARED / "pa_hmdb51" / "PrivacyAttributes"
WHOLE = {
    "skin_color": [[0, 3, 1], [4, 9, [1, 3]]],
    "face": [[0, 9, 0]],
    "gender": [[0, 9, 2]],
    "nudity": [[0, 9, 0]],
    "relationship": [[0, 9, 1]],
    "review": True,
    "note": "",
}


def parse(irregular="repair", **changed):
    text = json.dumps({"a.avi": {**WHOLE, **changed}})
    return pa_hmdb51.parse(text, irregular)["a.avi"]


def faults(**changed):
    return [str(fault) for fault in parse(**changed).irregularities]


def test_ranges_are_inclusive_and_values_may_be_several():
    found = parse("refuse")
    assert found.frames == 10
    skin = found.values["skin_color"]
    assert skin.shape == (10, 4)
    np.testing.assert_array_equal(skin[3], [0, 1, 0, 0])
    np.testing.assert_array_equal(skin[4], [0, 1, 0, 1])
    np.testing.assert_array_equal(found.can_tell(), [[1, 0, 1, 0, 1]] * 10)
    assert found.known.all()


@pytest.mark.parametrize(
    ("face", "says"),
    [
        ([[0, 4, 1], [6, 9, 1]], "face frames (5, 5): in no range"),
        ([[2, 9, 1]], "face frames (0, 1): in no range"),
        ([[0, 8, 1]], "face frames (9, 9): in no range"),
        ([[0, 5, 1], [5, 9, 2]], "face frames (5, 5): in two ranges"),
        ([[0, 9, [0, 1]]], "face frames (0, 9): 0 beside a value: [0, 1]"),
        ([[0, 9, 3]], "face frames (0, 9): no value of it: 3"),
        ([[0, 9, True]], "face frames (0, 9): no value of it: True"),
        ([[0, 9, 1], [9, 3, 1]], "face: no range of frames: [9, 3, 1]"),
        ([[0, 9, 1], [-1, 3, 1]], "face: no range of frames: [-1, 3, 1]"),
        ([[0, 9, 1], [0, 9]], "face: no [first, last, value]: [0, 9]"),
        ("all", "face: is no list: 'all'"),
        (None, "face: is missing"),
    ],
)
def test_what_is_irregular_is_listed_or_refused(face, says):
    assert f"a.avi {says}" in faults(face=face)
    with pytest.raises(ValueError, match="--irregular=repair") as refusal:
        parse("refuse", face=face)
    assert says in str(refusal.value)


def test_repairs_are_those_documented():
    later = parse(face=[[0, 5, 1], [5, 9, 2]]).values["face"]
    np.testing.assert_array_equal(later[[4, 5]].argmax(axis=1), [1, 2])
    beside = parse(face=[[0, 9, [0, 1]]]).values["face"]
    np.testing.assert_array_equal(beside[0], [0, 1, 0])
    unknown = parse(face=[[2, 9, 1]])
    np.testing.assert_array_equal(unknown.known, [0, 0, *[1] * 8])


def test_unknown_keys_are_listed():
    assert faults(age=[]) == ["a.avi: unknown key 'age'"]


@pytest.mark.parametrize("text", ["{", "[]", '{"a.avi": 3}'])
def test_another_layout_is_refused(text):
    with pytest.raises(ValueError, match="The text"):
        pa_hmdb51.parse(text)


def test_a_folder_without_annotations_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="PrivacyAttributes"):
        pa_hmdb51.load(tmp_path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*pa_hmdb51.ATTRIBUTES, "note", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ranges = st.lists(
    st.tuples(st.integers(-1, 12), st.integers(-1, 12), anything), max_size=4
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(pa_hmdb51.ATTRIBUTES), ranges | anything, max_size=5
    )
)
def test_any_json_is_read_or_refused_in_a_line(video):
    text = json.dumps({"a.avi": {**WHOLE, **video}})
    found = pa_hmdb51.parse(text)["a.avi"]
    for values in found.values.values():
        assert len(values) == found.frames
    if not found.irregularities:
        assert found.known.all()
        pa_hmdb51.parse(text, "refuse")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_mutated_file_is_read_or_refused_in_a_line(data):
    text = json.dumps({"a.avi": WHOLE})
    at = data.draw(st.integers(1, len(text) - 1))
    put = data.draw(st.text(max_size=3))
    cut = data.draw(st.integers(0, 5))
    try:
        pa_hmdb51.parse(text[:at] + put + text[at + cut :])
    except ValueError as error:
        assert "The text" in str(error)


@needs("pa_hmdb51")
def test_the_original_has_515_videos_and_known_faults():
    found = pa_hmdb51.load(FOLDER)
    assert len(found) == 51
    videos = [a for action in found.values() for a in action.values()]
    assert len(videos) == 515
    what = [
        fault.what.split(":")[0] for a in videos for fault in a.irregularities
    ]
    counts = {name: what.count(name) for name in set(what)}
    assert counts == {
        "in no range": 72,
        "in two ranges": 1,
        "0 beside a value": 1,
    }
