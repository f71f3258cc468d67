import json
import shutil

import numpy as np
import pytest
from made_vispr import annotate
from made_vispr import write_image
from shared_data import SHARED
from shared_data import needs

from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import write
from tfrecords_tools.sources import vispr

needs_vispr = needs("vispr")


def labels_of(root, attributes):
    listing = vispr.list_videos(root, attributes=attributes)
    return [video.labels["attributes"] for video in listing.videos]


def test_attributes_are_those_of_the_two_sections(tmp_path):
    annotate(tmp_path, "train2017", 1, ["a0_safe", "a59_sports", "a7_hair"])
    annotate(tmp_path, "train2017", 2, ["a10_face_partial", "a65_rel_social"])
    annotate(tmp_path, "val2017", 3, ["a12_semi_nudity", "a9_face_complete"])
    annotate(tmp_path, "test2017", 4, ["a8_signature"])
    assert labels_of(tmp_path, "sec42") == [
        (1, 0, 0, 0, 1, 0, 0),
        (0, 0, 0, 0, 0, 0, 1),
        (0, 1, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0, 0),  # it has none of the set, which is not "safe"
    ]
    # Skin colour, face, gender, nudity, relationship.
    assert labels_of(tmp_path, "sec55") == [
        (0, 0, 0, 0, 0),
        (0, 1, 0, 0, 1),
        (0, 1, 0, 1, 0),
        (0, 0, 0, 0, 0),
    ]
    videos = vispr.list_videos(tmp_path).videos
    assert [video.split for video in videos] == [
        "train",
        "train",
        "validation",
        "test",
    ]
    assert videos[2].id == "val2017/2017_3.jpg"
    with pytest.raises(ValueError, match="sec42, sec55, all. Received: 'a'"):
        vispr.list_videos(tmp_path, attributes="a")


def test_copies_in_published_splits_are_listed(tmp_path):
    one = write_image(tmp_path / "raw", "train2017", 1, ["a0_safe"])
    other = write_image(tmp_path / "raw", "test2017", 2, ["a0_safe"])
    write_image(tmp_path / "raw", "val2017", 3, ["a0_safe"])
    shutil.copy(one, other)
    built = write.build("vispr", tmp_path / "raw", tmp_path / "shards")
    assert built["irregularities"] == [
        "train2017/2017_1.jpg (train) and test2017/2017_2.jpg (test) are "
        "copies of the same file"
    ]


LIST = "idx\tattribute_id\n0\ta0_safe\n1\ta10_face_partial\n"


def test_all_attributes_are_those_of_the_list(tmp_path):
    annotate(tmp_path, "train2017", 1, ["a10_face_partial"])
    path = tmp_path / "attributes.tsv"
    path.write_text(LIST)
    listing = vispr.list_videos(tmp_path, attributes="all", attribute_list=path)
    assert listing.labels["attributes"] == ("a0_safe", "a10_face_partial")
    assert listing.videos[0].labels["attributes"] == (0, 1)
    with pytest.raises(ValueError, match="needs --attribute_list"):
        vispr.list_videos(tmp_path, attributes="all")


@pytest.mark.parametrize(
    "text", ["", "a0_safe", LIST + "2\n", LIST + "2\tface\n", LIST * 2]
)
def test_a_list_of_another_form_is_refused(tmp_path, text):
    path = tmp_path / "attributes.tsv"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not VISPR's attributes.tsv"):
        vispr.list_videos(tmp_path, attributes="all", attribute_list=path)


@needs_vispr
def test_attributes_are_among_the_68_of_the_original():
    lines = (SHARED / "vispr" / "attributes.tsv").read_text().splitlines()
    known = {line.split("\t")[1] for line in lines[1:]}
    every = vispr.list_videos(
        SHARED,
        attributes="all",
        attribute_list=SHARED / "vispr" / "attributes.tsv",
    )
    assert set(every.labels["attributes"]) == known
    assert len(known) == 68
    for classes in vispr.ATTRIBUTES.values():
        assert set.union(*classes.values()) <= known
    assert [len(c) for c in vispr.ATTRIBUTES.values()] == [7, 5]


@needs_vispr
def test_the_official_lists_are_10000_and_4167_and_8000(tmp_path):
    text = json.dumps({"image_path": "x/1.jpg", "labels": []})
    counts = {"train2017": 10000, "val2017": 4167, "test2017": 8000}
    for folder in counts:
        names = (SHARED / "vispr" / f"{folder}.txt").read_text().split()
        (tmp_path / "annotations" / folder).mkdir(parents=True)
        for name in [*names, f"annotations/{folder}/extra.json"]:
            (tmp_path / name).write_text(text)
    videos = vispr.list_videos(tmp_path, split_dir=SHARED / "vispr").videos
    splits = [video.split for video in videos]
    assert {
        folder: splits.count(split) for split, folder in vispr.FOLDERS.items()
    } == counts
    assert len(vispr.list_videos(tmp_path).videos) == len(videos) + 3


def test_lists_and_annotations_that_are_missing_are_named(tmp_path):
    annotate(tmp_path, "train2017", 1, [])
    with pytest.raises(FileNotFoundError, match="no list .*train2017.txt"):
        vispr.list_videos(tmp_path, split_dir=tmp_path)
    line = "annotations/train2017/2017_2.json"
    (tmp_path / "train2017.txt").write_text(line)
    with pytest.raises(FileNotFoundError, match="2017_2.json"):
        vispr.list_videos(tmp_path, split_dir=tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"image_path": "a.jpg"}',
        '{"image_path": "a.jpg", "labels": "a4_gender"}',
        '{"image_path": 4, "labels": []}',
        '{"image_path": "a.jpg", "labels": [4]}',
    ],
)
def test_an_annotation_of_another_form_is_named(tmp_path, content):
    annotate(tmp_path, "train2017", 1, [])
    path = tmp_path / "annotations" / "train2017" / "2017_1.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r'2017_1.json is not {"image_path'):
        vispr.list_videos(tmp_path)


@pytest.mark.parametrize("squash", [False, True])
def test_images_are_built_as_videos_of_one_frame(tmp_path, squash):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_image(raw, "train2017", 1, ["a4_gender"], height=80, width=40)
    write_image(raw, "val2017", 2, ["a17_color", "a9_face_complete"])
    write_image(raw, "test2017", 3, [])
    annotate(raw, "test2017", 4, [])
    content = write.build(
        "vispr",
        raw,
        out,
        encoding="raw",
        size=(32, 24),
        squash=squash,
        attributes="sec55",
    )
    assert [bad["video"] for bad in content["skipped"]] == [
        "test2017/2017_4.jpg"
    ]
    content = manifest.load(out / "vispr")
    assert (content["target"], content["budget"]) == (None, "attributes")
    assert content["splits"]["train"]["frames"] == [1]
    (train,) = read.clips(
        str(out / "vispr" / "train-*"),
        labels=("attributes",),
        shapes=manifest.label_shapes(content),
        frames=1,
        size=24,
    )
    assert train["attributes"].numpy().tolist() == [0, 0, 1, 0, 0]
    # Fitted inside, 12 columns have their border 10 times to either side: 6
    # times in the central square.
    left = train["clips"][0, :, :6].numpy()
    assert (np.ptp(left, axis=1).max() == 0) == (not squash)
