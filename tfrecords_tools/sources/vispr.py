"""VISPR: photographs and the private attributes that they show."""

import json
import pathlib
import re

from tfrecords_tools import names
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import read_lines
from tfrecords_tools.sources.listing import read_text

ATTRIBUTE = re.compile(r"a\d+_\w+")
FOLDERS = {"train": "train2017", "validation": "val2017", "test": "test2017"}
LAYOUT = "train2017/*.jpg, annotations/train2017/*.json; so val2017, test2017"
# Name of a set of attributes to those of VISPR's 68 that make up each one.
ATTRIBUTES = {
    "sec42": {  # Sec. 4.2
        "safe": {"a0_safe"},
        "semi_nudity": {"a12_semi_nudity"},
        "occupation": {"a46_occupation"},
        "hobbies": {"a58_hobbies"},
        "sports": {"a59_sports"},
        "personal_relationship": {"a64_rel_personal"},
        "social_relationship": {"a65_rel_social"},
    },
    "sec55": {  # Sec. 5.5; named as in PA-HMDB51
        "skin_color": {"a17_color"},
        "face": {"a9_face_complete", "a10_face_partial"},
        "gender": {"a4_gender"},
        "nudity": {"a12_semi_nudity"},
        "relationship": {"a64_rel_personal", "a65_rel_social"},
    },
}


def list_videos(
    raw_dir,
    *,
    seed=0,
    attributes="sec42",
    attribute_list=None,
    split_dir=None,
):
    """Lists VISPR's images, each a video of one frame.

    Args:
        raw_dir: Folder that holds `train2017/` and `annotations/train2017/`,
            and likewise `val2017` and `test2017`.
        seed: Not used: the splits are fixed.
        attributes: String, a key of `ATTRIBUTES`, or `"all"` for all 68. An
            image that has none of them is all zeros, and not "safe".
        attribute_list: Path of VISPR's `attributes.tsv`, for all 68.
        split_dir: Folder of the official `train2017.txt`, `val2017.txt` and
            `test2017.txt`; `None` to take all annotations.

    Returns:
        `Listing`; there is no action. It has every image that an annotation
        names, even if `raw_dir` lacks it.

    Raises:
        FileNotFoundError: If a list, or an annotation that it names, is
            missing.
        ValueError: If there is no such set of attributes, or an annotation is
            malformed.
    """
    raw_dir = pathlib.Path(raw_dir)
    classes = _classes(attributes, attribute_list)
    return Listing(
        [
            _image(path, folder, split, classes)
            for split, folder in FOLDERS.items()
            for path in _annotations(raw_dir, folder, split_dir)
        ],
        {"attributes": tuple(classes)},
        target=None,
        budget="attributes",
        min_frames=1,
        clips_per_video=1,
        multi_label=("attributes",),
    )


def _classes(attributes, attribute_list):
    """Returns a dict of each label to the VISPR attributes it stands for."""
    if attributes in ATTRIBUTES:
        return ATTRIBUTES[attributes]
    if attributes != "all":
        raise ValueError(
            f"--attributes must be one of {', '.join(ATTRIBUTES)}, all. "
            f"Received: {attributes!r}."
        )
    if not attribute_list:
        raise ValueError(
            "--attributes=all needs --attribute_list, VISPR's attributes.tsv."
        )
    lines = read_text(pathlib.Path(attribute_list)).splitlines()[1:]
    found = [name for line in lines for name in line.split("\t")[1:2]]
    well_formed = all(ATTRIBUTE.fullmatch(name) for name in found)
    if not found or not well_formed or len(set(found)) < len(lines):
        raise ValueError(
            f"{attribute_list} is not VISPR's attributes.tsv: a heading, then "
            "lines of a number and an attribute, such as a4_gender."
        )
    return {name: {name} for name in found}


def _annotations(raw_dir, folder, split_dir):
    if not (raw_dir / "annotations").is_dir():
        return []
    if split_dir is None:
        found = sorted((raw_dir / "annotations" / folder).glob("*.json"))
        return [path for path in found if not names.is_system(path.name)]
    listed = read_lines(pathlib.Path(split_dir, f"{folder}.txt"))
    return [names.existing(raw_dir / line.strip()) for line in listed]


def _image(path, folder, split, classes):
    image, found = read_annotation(path)
    labels = tuple(int(bool(ids & found)) for ids in classes.values())
    return Video(f"{folder}/{image}", split, {"attributes": labels})


def read_annotation(path):
    """Reads the annotation of an image.

    Args:
        path: `pathlib.Path` of `{"image_path": ..., "labels": ["a4_gender",
            ...]}`.

    Returns:
        The name of the image's file, and the set of its attributes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it has another form.
    """
    text = read_text(path)
    try:
        annotation = json.loads(text)
        image, labels = annotation["image_path"], annotation["labels"]
        well_formed = (
            isinstance(image, str)
            and isinstance(labels, list)
            and all(isinstance(label, str) for label in labels)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        well_formed = False
    if not well_formed:
        raise ValueError(
            f'{path} is not {{"image_path": "...", "labels": ["a4_gender", '
            "...]}. Unpack it anew."
        )
    return pathlib.PurePosixPath(image).name, set(labels)
