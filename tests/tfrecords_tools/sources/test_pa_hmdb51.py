import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from made_videos import write_avi
from shared_data import SHARED
from shared_data import needs

from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import verify
from tfrecords_tools import write
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
        ([[0, 9, 3]], "face frames (0, 9): not one of its values: 3"),
        ([[0, 9, True]], "face frames (0, 9): not one of its values: True"),
        ([[0, 9, 1], [9, 3, 1]], "face: not a range of frames: [9, 3, 1]"),
        ([[0, 9, 1], [-1, 3, 1]], "face: not a range of frames: [-1, 3, 1]"),
        ([[0, 9, 1], [0, 9]], "face: not [first, last, value]: [0, 9]"),
        ("all", "face: is not a list: 'all'"),
        (None, "face: is missing"),
    ],
)
def test_what_is_irregular_is_listed_or_refused(face, says):
    assert f"a.avi {says}" in faults(face=face)
    with pytest.raises(ValueError, match="--irregular=repair") as refusal:
        parse("refuse", face=face)
    assert says in str(refusal.value)


def test_repairs_are_those_documented():
    first = parse(face=[[0, 5, 1], [4, 9, 2]]).values["face"]
    assert first.sum() == 10  # one value each
    np.testing.assert_array_equal(first[[4, 5, 6]].argmax(axis=1), [1, 1, 2])
    beside = parse(face=[[0, 9, [0, 1]]]).values["face"]
    np.testing.assert_array_equal(beside[0], [0, 1, 0])
    unknown = parse(face=[[2, 9, 1]])
    np.testing.assert_array_equal(unknown.known, [0, 0, *[1] * 8])
    np.testing.assert_array_equal(
        unknown.can_tell()[1:3], [[1, -1, 1, 0, 1], [1, 1, 1, 0, 1]]
    )
    np.testing.assert_array_equal(
        unknown.all_values()[1:3],
        [
            [0, 1, 0, 0, -1, -1, -1, 0, 0, 1, 1, 0, 0, 0, 1],
            [0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1],
        ],
    )


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


def write_original(root, frames=10):
    """Writes two annotated videos, of actions 0 and 1, and one that is not."""
    folder = root / "PrivacyAttributes"
    folder.mkdir(parents=True)
    for action, face in (
        ("jump", [[0, 3, 2], [4, 9, 0]]),
        ("walk", WHOLE["face"]),
    ):
        video = {**WHOLE, "face": face}
        (folder / f"{action}.json").write_text(json.dumps({"a.avi": video}))
        write_avi(root / "raw" / action / "a.avi", frames)
    write_avi(root / "raw" / "walk" / "other.avi", frames)
    return root / "raw", folder


def built(root, **choices):
    raw, folder = write_original(root)
    return write.build(
        "pa_hmdb51", raw, root / "out", annotations=folder, **choices
    )


def test_every_frame_is_built_with_its_own_labels(tmp_path):
    content = built(tmp_path, irregular="refuse")
    assert content["irregularities"] == []
    assert content["splits"]["train"]["videos"] == []
    assert sorted(content["splits"]["test"]["videos"]) == [
        "jump/a.avi",
        "walk/a.avi",
    ]
    pattern = str(tmp_path / "out" / "pa_hmdb51" / "test-*")
    clips = read.clips(
        pattern,
        labels=("action", "attributes"),
        shapes=manifest.label_shapes(content),
        frames=1,
        size=24,
        clips_per_video=None,
    )
    found = {0: [], 1: []}
    for clip in clips:
        assert clip["attributes"].shape == (1, 5)
        found[int(clip["action"])].append(clip["attributes"].numpy()[0, 1])
    assert found == {0: [1] * 4 + [0] * 6, 1: [0] * 10}
    (spread, _) = read.clips(
        pattern,
        labels=("attributes",),
        shapes=manifest.label_shapes(content),
        frames=5,  # every other one of 10
        size=24,
    )
    assert spread["attributes"].shape == (5, 5)
    assert verify.main(["verify", str(tmp_path / "out" / "pa_hmdb51")]) == 0


@pytest.mark.parametrize(
    ("frames", "seen"), [(8, [0] * 8), (12, [0] * 10 + [-1] * 2)]
)
def test_labels_that_do_not_end_with_their_video_are_listed(
    tmp_path, frames, seen
):
    raw, folder = write_original(tmp_path)
    (raw / "walk" / "a.avi").unlink()
    write_avi(raw / "walk" / "a.avi", frames)
    with pytest.raises(ValueError, match=f"walk/a.avi: .* 10 .* has {frames}$"):
        write.build(
            "pa_hmdb51",
            raw,
            tmp_path / "out",
            annotations=folder,
            irregular="refuse",
        )
    assert not (tmp_path / "out" / "pa_hmdb51").exists()
    content = write.build(
        "pa_hmdb51", raw, tmp_path / "out", annotations=folder
    )
    assert content["irregularities"] == [
        f"walk/a.avi: labels of 10 frames, but the video has {frames}"
    ]
    clips = read.clips(
        str(tmp_path / "out" / "pa_hmdb51" / "test-*"),
        labels=("action", "attributes"),
        shapes=manifest.label_shapes(content),
        frames=1,
        size=24,
        clips_per_video=None,
    )
    assert [
        int(clip["attributes"][0, 1]) for clip in clips if clip["action"] == 1
    ] == seen


def test_a_video_that_is_missing_is_skipped_by_name(tmp_path):
    raw, folder = write_original(tmp_path)
    (raw / "walk" / "a.avi").unlink()
    content = write.build(
        "pa_hmdb51", raw, tmp_path / "out", annotations=folder
    )
    assert [bad["video"] for bad in content["skipped"]] == ["walk/a.avi"]


def test_annotations_must_be_named(tmp_path):
    with pytest.raises(ValueError, match="--annotations must name"):
        pa_hmdb51.list_videos(tmp_path)


@needs("pa_hmdb51")
def test_the_original_lists_515_videos_to_test_on(tmp_path):
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "any.avi").touch()
    listing = pa_hmdb51.list_videos(tmp_path, annotations=FOLDER)
    assert len(listing.videos) == 515
    assert {video.split for video in listing.videos} == {"test"}
    assert len(listing.labels["action"]) == 51
    assert len(listing.irregularities) == 74
    with pytest.raises(ValueError, match="irregularities"):
        pa_hmdb51.list_videos(tmp_path, annotations=FOLDER, irregular="refuse")
