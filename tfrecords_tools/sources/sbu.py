"""SBU Kinect Interaction: folders of PNG frames of two people."""

import itertools
import pathlib
import random
import re

from tfrecords_tools import names
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import deal
from tfrecords_tools.sources.listing import read_lines

# Sources disagree on the names of 4, 5, 7 and 8: the number is the label.
ACTIONS = (
    "1 approaching",
    "2 departing",
    "3 kicking",
    "4 punching",
    "5 pushing",
    "6 hugging",
    "7 shaking hands",
    "8 exchanging",
)
# The order of the two does not matter.
PAIRS = (
    ("s01s02", "s02s01"),
    ("s01s03",),
    ("s01s07", "s07s01"),
    ("s02s03", "s03s02"),
    ("s02s06", "s06s02"),
    ("s02s07",),
    ("s03s04", "s04s03"),
    ("s03s05", "s05s03"),
    ("s03s06", "s06s03"),
    ("s04s02",),
    ("s04s06", "s06s04"),
    ("s05s02",),
    ("s07s03",),
)
PAIR_OF = {name: pair for pair, names in enumerate(PAIRS) for name in names}
LAYOUT = "sXXsYY/<action 01-08>/<take 001->/rgb_000001.png"
PATH = re.compile(r"(s\d\ds\d\d)/(0[1-8])/(\d{3})$")
LINE = re.compile(r"(.+),\d+,\d+,(\d+),(\d+)$")
# 12 of 20 train, 3 validate, 5 test.
PATTERN = tuple(
    {"t": "train", "v": "validation", "e": "test"}[letter]
    for letter in "tvtettetvttettetvtet"
)
SPLITS = ("standard", "actors")
# The splits of held-out sets, one of each pair that has two.
HELD_OUT = (
    "test",
    "validation",
    "test",
    "test",
    "validation",
    "test",
    "test",
    "validation",
)


def list_videos(raw_dir, *, seed=0, split="standard", split_dir=None):
    """Lists SBU's videos, or others in its layout.

    The split "actors" holds out whole sets, the folders `sXXsYY`: who acts on
    whom, recorded in one go. A set is held out only if the same two have
    another one, with their parts exchanged, which trains. 8 pairs have two and
    give one set each, 5 to test and 3 to validate. So each pair that is tested
    is known from training, without which it could not be recognised, but from
    another recording and in other parts. The sets of the other 5 pairs train.

    Args:
        raw_dir: Folder that holds `sXXsYY/<action>/<take>/rgb_*.png`, with or
            without a second `sXXsYY` above the action.
        seed: Int, for the random choice of splits.
        split: String, `"standard"` or `"actors"`.
        split_dir: Folder of `bdq_train.txt` and `bdq_val.txt`: 188 videos to
            train, of which a fifth validates, and 94 to test. Without it,
            videos are dealt at random, alike for every pair and action.

    Returns:
        `Listing`. It has every video that a list names, even if `raw_dir`
        lacks it.

    Raises:
        ValueError: If a folder's set is not one of SBU's 21, the lists and the
            folders contradict each other, there is no such split, or too few
            pairs have two sets.
    """
    if split not in SPLITS or (split == "actors" and split_dir):
        raise ValueError(
            "--split must be standard, or actors without --split_dir. "
            f"Received: {split!r}."
        )
    videos = sorted(_found(pathlib.Path(raw_dir)))
    rng = random.Random(seed)
    if split == "actors" and videos:
        videos = _held_out(videos, rng)
    elif split_dir is None:
        videos = deal(videos, _group, rng, PATTERN)
    elif videos:
        videos = _listed(videos, pathlib.Path(split_dir), rng)
    return Listing(
        videos,
        {"action": ACTIONS, "actors": tuple(names[0] for names in PAIRS)},
        target="action",
        budget="actors",
        min_frames=8,  # shorter ones would be padding for the most part
        clips_per_video=1,
    )


def _group(video):
    return video.labels["actors"], video.labels["action"]


def _found(raw_dir):
    for folder in raw_dir.glob("**/[0-9][0-9][0-9]"):
        below = folder.relative_to(raw_dir)
        id = below.as_posix()
        match = PATH.search(id)
        if match and not any(map(names.is_system, below.parts)):
            yield Video(id, "", _labels(match, folder))


def _labels(match, origin):
    pair, action, _ = match.groups()
    if pair not in PAIR_OF:
        raise ValueError(
            f"{origin} is of set {pair}, which SBU does not have. Its sets: "
            f"{', '.join(sorted(PAIR_OF))}."
        )
    return {"action": int(action) - 1, "actors": PAIR_OF[pair]}


def _held_out(videos, rng):
    """Splits videos by their sets."""
    found = {_set(video) for video in videos}
    twice = [names for names in PAIRS if len(found.intersection(names)) == 2]
    if len(twice) < 2:
        raise ValueError(
            "--split=actors holds out sets of pairs that have two, such as "
            f"s01s02 and s02s01: {len(twice)} of the pairs in --raw_dir have. "
            "At least 2 must, one to test and one to validate."
        )
    held_out = {
        rng.choice(names): split
        for names, split in zip(
            rng.sample(twice, len(twice)), itertools.cycle(HELD_OUT)
        )
    }
    return [
        video._replace(split=held_out.get(_set(video), "train"))
        for video in videos
    ]


def _set(video):
    return PATH.search(video.id)[1]


def _listed(videos, split_dir, rng):
    """Splits videos by the lists, however deeply their folders are nested."""
    found = {PATH.search(video.id)[0]: video for video in videos}
    listed = {
        "train": read_list(split_dir / "bdq_train.txt"),
        "test": read_list(split_dir / "bdq_val.txt"),
    }
    unlisted = found.keys() - {**listed["train"], **listed["test"]}.keys()
    if unlisted:
        raise ValueError(
            f"{len(unlisted)} videos are in no list of {split_dir}, such as "
            f"{min(unlisted)}. Leave out --split_dir to deal them at random."
        )
    both = listed["train"].keys() & listed["test"]
    if both:
        raise ValueError(
            f"The lists of {split_dir} train and test on the same "
            f"{len(both)} videos, such as {min(both)}."
        )
    # A video that is missing on disk is kept, so that the build reports it.
    train, test = (
        [
            found.get(name, Video(name, "", labels))._replace(split=split)
            for name, labels in names.items()
        ]
        for split, names in listed.items()
    )
    pattern = ("train", "train", "validation", "train", "train")
    return deal(train, _group, rng, pattern) + test


def read_list(path):
    """Reads `bdq_train.txt` or `bdq_val.txt`.

    Args:
        path: `pathlib.Path`; its lines are path, start, frames, pair, action.

    Returns:
        Dict of `sXXsYY/<action>/<take>` to a dict of labels, as in `Video`.

    Raises:
        FileNotFoundError: If there is no such list.
        ValueError: If a line has another form, or its numbers contradict its
            path.
    """
    labels = {}
    for line in read_lines(path):
        match = LINE.match(line.strip())
        name = match and PATH.search(match[1])
        if not name:
            raise ValueError(
                f"{path}: {line!r} is not SBU/sXXsYY/sXXsYY/<action>/<take>,"
                "<start>,<frames>,<pair>,<action>."
            )
        expected = _labels(name, path)
        if (int(match[2]), int(match[3])) != (
            expected["actors"],
            expected["action"],
        ):
            raise ValueError(
                f"{path}: the numbers of {line!r} are not those of its path."
            )
        labels[name[0]] = expected
    return labels
