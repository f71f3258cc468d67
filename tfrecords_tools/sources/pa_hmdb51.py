"""PA-HMDB51: five private attributes of each frame of 515 videos of HMDB51.

The annotations are one JSON file per action. They are not faultless: what is
wrong with a range of frames is listed, never passed over in silence.
"""

import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfrecords_tools import names
from tfrecords_tools.sources.listing import UNKNOWN
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import find_files
from tfrecords_tools.sources.listing import read_text

LAYOUT = "<action>/*.avi, as HMDB51's, and the annotations <action>.json"
# Attribute to what its values 0, 1, 2... mean (Sec. 5.1, and the viewer that
# the annotators used).
VALUES = {
    "skin_color": ("cannot tell", "white", "brown or yellow", "black"),
    "face": ("invisible", "partly visible", "visible"),
    "gender": ("cannot tell", "male", "female"),
    "nudity": ("none", "partial", "semi-nude"),
    "relationship": ("none", "intimate"),
}
ATTRIBUTES = tuple(VALUES)
VALUE_NAMES = tuple(
    f"{attribute}: {value}"
    for attribute, values in VALUES.items()
    for value in values
)
OTHER_KEYS = ("review", "note")
# A range far beyond any video of HMDB51 would take all memory.
MOST_FRAMES = 100_000


class Irregularity(NamedTuple):
    """Something in an annotation that the layout does not allow for."""

    video: str
    attribute: str | None
    frames: tuple | None  # first and last, as written
    what: str

    def __str__(self):
        where = [self.video, self.attribute or ""]
        where += [f"frames {self.frames}"] if self.frames else []
        return f"{' '.join(filter(None, where))}: {self.what}"


class Annotation(NamedTuple):
    """What is known of one video.

    Attributes:
        values: Dict of attribute to a bool array `(frames, values)`: what each
            frame shows: several values if people differ, none if the frame was
            not annotated.
        note: String, the annotator's remark.
        irregularities: Tuple of `Irregularity`, all repaired.
    """

    values: dict
    note: str
    irregularities: tuple

    @property
    def frames(self):
        """The number of frames up to the last annotated one, an int."""
        return len(self.values["face"])

    @property
    def known(self):
        """Whether every attribute of a frame has a value, bool `(frames,)`."""
        each = [values.any(axis=1) for values in self.values.values()]
        return np.all(each, axis=0)

    def can_tell(self):
        """Returns the binary labels of Sec. 5.5, int array `(frames, 5)`.

        A label is 1 if the frame shows any value of the attribute but 0, and
        `UNKNOWN` if it was not annotated.
        """
        each = [
            np.where(v.any(axis=1), v[:, 1:].any(axis=1), UNKNOWN)
            for v in self.values.values()
        ]
        return np.stack(each, axis=1)

    def all_values(self):
        """Returns the multi-class labels, int array `(frames, 15)`.

        Each value of each attribute has a column of 0 and 1, or `UNKNOWN` if
        the frame was not annotated.
        """
        each = [
            np.where(v.any(axis=1, keepdims=True), v, UNKNOWN)
            for v in self.values.values()
        ]
        return np.concatenate(each, axis=1)


def parse(source, irregular="repair"):
    """Reads the annotations of one action.

    What is irregular is listed and repaired: if ranges overlap, the first in
    the file counts, as in the viewer that the annotators used; a range with
    impossible values or frames is left out; 0, "cannot tell", gives way to a
    value beside it. Frames that no range covers stay without a value, since
    annotators left frames out on purpose.

    Args:
        source: Path of a JSON file, or its text.
        irregular: `"repair"`, or `"refuse"` to raise an error.

    Returns:
        Dict of a video's file name to its `Annotation`.

    Raises:
        ValueError: If the file does not have PA-HMDB51's layout at all, or if
            it has irregularities that are refused, which are listed.
        FileNotFoundError: If there is no such file.
    """
    if irregular not in ("repair", "refuse"):
        raise ValueError(
            "`irregular` must be 'repair' or 'refuse'. Received: "
            f"{irregular!r}."
        )
    name, text = _read(source)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{name} must hold an object of videos. Received: "
            f"{type(content).__name__}."
        )
    found = {video: _video(name, video, a) for video, a in content.items()}
    faults = [str(fault) for a in found.values() for fault in a.irregularities]
    if faults and irregular == "refuse":
        raise ValueError(
            f"{name} has {len(faults)} irregularities; --irregular=repair "
            "repairs them: " + "; ".join(faults)
        )
    return found


def _read(source):
    if isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
        return "The text", source
    path = pathlib.Path(source)
    return str(path), read_text(path)


def _video(name, video, content):
    if not isinstance(content, dict):
        raise ValueError(
            f"{name}: {video} must be an object of attributes. Received: "
            f"{type(content).__name__}."
        )
    faults = [
        Irregularity(video, None, None, f"unknown key {key!r}")
        for key in content
        if key not in (*ATTRIBUTES, *OTHER_KEYS)
    ]
    ranges = {
        attribute: list(_ranges(video, attribute, content, faults))
        for attribute in ATTRIBUTES
    }
    ends = [last for found in ranges.values() for _, last, _ in found]
    frames = max(ends, default=-1) + 1
    values = {
        attribute: _fill(video, attribute, found, frames, faults)
        for attribute, found in ranges.items()
    }
    return Annotation(values, str(content.get("note", "")), tuple(faults))


def _ranges(video, attribute, content, faults):
    """Yields the first frame, last frame and values of each usable range."""

    def fault(what, frames=None):
        faults.append(Irregularity(video, attribute, frames, what))

    written = content.get(attribute)
    if not isinstance(written, list):
        fault(
            "is missing" if written is None else f"is not a list: {written!r}"
        )
        return
    for item in written:
        if not isinstance(item, list) or len(item) != 3:
            fault(f"not [first, last, value]: {item!r}")
            continue
        first, last, value = item
        if not _is_range(first, last):
            fault(f"not a range of frames: {item!r}")
            continue
        chosen = value if isinstance(value, list) else [value]
        allowed = range(len(VALUES[attribute]))
        if not chosen or not all(
            type(v) is int and v in allowed for v in chosen
        ):
            fault(f"not one of its values: {value!r}", (first, last))
            continue
        if 0 in chosen and len(set(chosen)) > 1:
            fault(f"0 beside a value: {value!r}", (first, last))
            chosen = [v for v in chosen if v]
        yield first, last, chosen


def _is_range(first, last):
    return (
        type(first) is int
        and type(last) is int
        and 0 <= first <= last < MOST_FRAMES
    )


def _fill(video, attribute, ranges, frames, faults):
    """Returns each frame's values; lists overlaps and what no range covers."""

    def fault(what, first, last):
        frames = (int(first), int(last))
        faults.append(Irregularity(video, attribute, frames, what))

    values = np.zeros((frames, len(VALUES[attribute])), bool)
    for first, last, chosen in ranges:
        covered = first + np.flatnonzero(values[first : last + 1].any(axis=1))
        if len(covered):
            fault("in two ranges", covered[0], covered[-1])
        free = ~values[first : last + 1].any(axis=1)
        values[first : last + 1][np.ix_(free, chosen)] = True
    edges = np.diff(~values.any(axis=1), prepend=False, append=False)
    gaps = np.flatnonzero(edges).reshape(-1, 2)
    for first, end in gaps:
        fault("in no range", first, end - 1)
    return values


def load(folder, irregular="repair"):
    """Reads all annotations of a folder.

    Args:
        folder: Folder of `<action>.json`.
        irregular: String, as `parse` takes it.

    Returns:
        Dict of action to what `parse` returns.

    Raises:
        FileNotFoundError: If there are no annotations.
        ValueError: As `parse` does.
    """
    paths = [
        path
        for path in sorted(pathlib.Path(folder).glob("*.json"))
        if not names.is_system(path.name)
    ]
    if not paths:
        raise FileNotFoundError(
            f"{folder} holds no <action>.json: give PA-HMDB51's folder "
            "PrivacyAttributes."
        )
    return {path.stem: parse(path, irregular) for path in paths}


def list_videos(raw_dir, *, seed=0, annotations=None, irregular="repair"):
    """Lists PA-HMDB51's 515 videos, all of which test (Sec. 5.5).

    Each frame has its own labels: `attributes`, whether one can tell, and
    `values`, what the frame shows.

    Args:
        raw_dir: Folder of HMDB51's videos, `<action>/*.avi`.
        seed: Not used: there is nothing to deal.
        annotations: Folder of `<action>.json`.
        irregular: String, as `parse` takes it. Annotations that end before or
            after their video are irregular too; `write.build` finds them.

    Returns:
        `Listing`. It has every annotated video, even if `raw_dir` lacks it.

    Raises:
        FileNotFoundError: If there are no annotations.
        ValueError: As `parse` does.
    """
    if not annotations:
        raise ValueError(
            "--annotations must name PA-HMDB51's folder PrivacyAttributes."
        )
    loaded = load(annotations, irregular)
    actions = tuple(sorted(loaded))
    raw_dir = pathlib.Path(raw_dir)
    found = find_files(raw_dir, ".avi")
    annotated = {
        names.key(f"{action}/{file}"): annotation
        for action in actions
        for file, annotation in sorted(loaded[action].items())
    }
    videos = [
        Video(found.get(name, name), "test", _labels(name, annotation, actions))
        for name, annotation in annotated.items()
    ]
    return Listing(
        videos if found else [],
        {"action": actions, "attributes": ATTRIBUTES, "values": VALUE_NAMES},
        target="action",
        budget="attributes",
        min_frames=1,
        clips_per_video=None,
        per_frame=("attributes", "values"),
        irregularities=tuple(
            str(fault) for a in annotated.values() for fault in a.irregularities
        ),
        strict=irregular == "refuse",
    )


def _labels(name, annotation, actions):
    return {
        "action": actions.index(name.partition("/")[0]),
        "attributes": annotation.can_tell().tolist(),
        "values": annotation.all_values().tolist(),
    }
