"""PA-HMDB51: what each frame of 515 videos of HMDB51 shows of five attributes.

The annotations are one JSON file per action. They are not faultless: what is
wrong with a range of frames is listed, never passed over in silence.
"""

import json
import pathlib
from typing import NamedTuple

import numpy as np

from tfrecords_tools.sources.listing import UNKNOWN
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video

LAYOUT = "<action>/*.avi, as HMDB51's, and the annotations <action>.json"
# Attribute to what its values 0, 1, 2... say (Sec. 5.1, and the viewer that
# the annotators used).
VALUES = {
    "skin_color": ("cannot tell", "white", "brown or yellow", "black"),
    "face": ("invisible", "partly visible", "visible"),
    "gender": ("cannot tell", "male", "female"),
    "nudity": ("none", "partial", "semi-nude"),
    "relationship": ("none", "intimate"),
}
ATTRIBUTES = tuple(VALUES)
OTHER_KEYS = ("review", "note")


class Irregularity(NamedTuple):
    """Something that the layout does not allow for."""

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
            frame shows. More than one value where people differ, and none
            where nobody said.
        note: String, the annotator's.
        irregularities: Tuple of `Irregularity`, all repaired.
    """

    values: dict
    note: str
    irregularities: tuple

    @property
    def frames(self):
        """Int, up to the last frame that is annotated."""
        return len(self.values["face"])

    @property
    def known(self):
        """Bool array `(frames,)`: where every attribute has a value."""
        each = [values.any(axis=1) for values in self.values.values()]
        return np.all(each, axis=0)

    def can_tell(self):
        """The binary labels of Sec. 5.5, int array `(frames, 5)`.

        1 where the frame shows any value of the attribute but 0, `UNKNOWN`
        where nobody said.
        """
        each = [
            np.where(v.any(axis=1), v[:, 1:].any(axis=1), UNKNOWN)
            for v in self.values.values()
        ]
        return np.stack(each, axis=1)

    def all_values(self):
        """The multi-class labels, int array `(frames, 15)`: for each attribute
        a column of 0 or 1 for each value, `UNKNOWN` where nobody said."""
        each = [
            np.where(v.any(axis=1, keepdims=True), v, UNKNOWN)
            for v in self.values.values()
        ]
        return np.concatenate(each, axis=1)


def parse(source, irregular="repair"):
    """Reads the annotations of one action.

    Repairs, each listed: of ranges that overlap, the first in the file counts,
    as in the viewer that the annotators used; a range whose values or frames
    cannot be is left out; 0, "cannot tell", gives way to a value beside it.
    Frames that no range covers stay without a value, since nobody knows:
    annotators left frames out on purpose.

    Args:
        source: Path of a JSON file, or its text.
        irregular: `"repair"`, or `"refuse"` for an error.

    Returns:
        Dict of the video's file name to `Annotation`.

    Raises:
        ValueError: If the file is not of PA-HMDB51's layout at all; or, where
            irregularities are refused, lists them.
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
    except ValueError as error:
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
    try:
        return str(path), path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text: {error}.") from error


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


# A range far beyond any video of HMDB51 would take all memory.
MOST_FRAMES = 100_000


def _ranges(video, attribute, content, faults):
    """Yields first frame, last frame and values of what can be used."""

    def fault(what, frames=None):
        faults.append(Irregularity(video, attribute, frames, what))

    written = content.get(attribute)
    if not isinstance(written, list):
        fault("is missing" if written is None else f"is no list: {written!r}")
        return
    for item in written:
        if not isinstance(item, list) or len(item) != 3:
            fault(f"no [first, last, value]: {item!r}")
            continue
        first, last, value = item
        if not _is_range(first, last):
            fault(f"no range of frames: {item!r}")
            continue
        chosen = value if isinstance(value, list) else [value]
        allowed = range(len(VALUES[attribute]))
        if not chosen or not all(
            type(v) is int and v in allowed for v in chosen
        ):
            fault(f"no value of it: {value!r}", (first, last))
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
    """Values of each frame; lists overlaps and what no range covers."""

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
        irregular: As of `parse`.

    Returns:
        Dict of action to what `parse` returns.

    Raises:
        FileNotFoundError: If there are none.
        ValueError: As `parse` does.
    """
    paths = sorted(pathlib.Path(folder).glob("*.json"))
    if not paths:
        raise FileNotFoundError(
            f"{folder} holds no <action>.json: give PA-HMDB51's folder "
            "PrivacyAttributes."
        )
    return {path.stem: parse(path, irregular) for path in paths}


def list_videos(raw_dir, *, seed=0, annotations=None, irregular="repair"):
    """Lists PA-HMDB51's 515 videos, all to test on (Sec. 5.5).

    Each frame has its own labels: `attributes`, whether one can tell, and
    `values`, what it shows.

    Args:
        raw_dir: Folder of HMDB51's videos, `<action>/*.avi`.
        seed: Not used: there is nothing to deal.
        annotations: Folder of `<action>.json`.
        irregular: As of `parse`. Annotations that end before their video, or
            after, are irregular too; `write.build` finds them.

    Returns:
        `Listing`. A video that is annotated and that `raw_dir` lacks is in it.

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
    found = {
        f"{path.parent.name}/{path.name}": path.relative_to(raw_dir).as_posix()
        for path in raw_dir.glob("**/*.avi")
    }
    videos, irregularities = [], []
    for number, action in enumerate(actions):
        for file, annotation in sorted(loaded[action].items()):
            name = f"{action}/{file}"
            labels = {
                "action": number,
                "attributes": annotation.can_tell().tolist(),
                "values": annotation.all_values().tolist(),
            }
            videos.append(Video(found.get(name, name), "test", labels))
            irregularities += map(str, annotation.irregularities)
    return Listing(
        videos if found else [],
        {
            "action": actions,
            "attributes": ATTRIBUTES,
            "values": tuple(
                f"{attribute}: {value}"
                for attribute, values in VALUES.items()
                for value in values
            ),
        },
        target="action",
        budget="attributes",
        min_frames=1,
        clips_per_video=None,
        per_frame=("attributes", "values"),
        irregularities=tuple(irregularities),
        strict=irregular == "refuse",
    )
