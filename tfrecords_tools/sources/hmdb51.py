"""HMDB51: AVI clips of 51 actions, cut from films and web videos."""

import json
import pathlib
import random
import re

from tfrecords_tools import names
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import check_listed
from tfrecords_tools.sources.listing import deal_whole
from tfrecords_tools.sources.listing import find_files
from tfrecords_tools.sources.listing import read_lines
from tfrecords_tools.sources.listing import read_text

LISTS = "testTrainMulti_7030_splits"
LAYOUT = f"<action>/*.avi, and beside them {LISTS}/<action>_test_split1.txt"
SPLITS = ("1", "2", "3")
PARTS = {"0": None, "1": "train", "2": "test"}  # 0 is not used
SHARES = {"train": 6 / 7, "validation": 1 / 7}  # 60 and 10 of each action
# What follows the names of the film and of the action.
TAIL = r"_[a-z]_[a-z]{2}_np\d+_[a-z]{2}_[a-z]{3}_\d+\.avi$"


def list_videos(raw_dir, *, seed=0, split="1", split_dir=None, exclude_pa=None):
    """Lists HMDB51's videos by its official lists.

    A seventh of the training list validates. Clips of one film stay in one
    split, whatever actions they show.

    Args:
        raw_dir: Folder that holds `<action>/*.avi`.
        seed: Int, for the choice of the films that validate.
        split: String, `"1"`, `"2"` or `"3"`: which of the official lists.
        split_dir: Folder of the 51 lists of each split; `None` for
            `testTrainMulti_7030_splits` in `raw_dir`.
        exclude_pa: Folder of PA-HMDB51's `<action>.json`, whose 515 videos
            then neither train nor validate (Sec. 5.5); `None` to keep them.

    Returns:
        `Listing`; there is no private label. It has every video that a list
        names, even if `raw_dir` lacks it.

    Raises:
        FileNotFoundError: If there are no lists or no annotations.
        ValueError: If there is no such split, a list is malformed, or lists,
            annotations and videos contradict each other.
    """
    if split not in SPLITS:
        raise ValueError(f"--split must be 1, 2 or 3. Received: {split!r}.")
    raw_dir = pathlib.Path(raw_dir)
    found = find_files(raw_dir, ".avi")
    actions, videos = (), []
    if found:
        split_dir = pathlib.Path(split_dir or raw_dir / LISTS)
        excluded = _annotated(pathlib.Path(exclude_pa)) if exclude_pa else set()
        actions, part_of = _listed(split_dir, split)
        check_listed(found, part_of, split_dir)
        _check_known(excluded, part_of, exclude_pa)
        for name in part_of:
            if name in excluded and part_of[name] == "train":
                part_of[name] = None
        videos = _videos(actions, part_of, random.Random(seed))
    return Listing(
        [video._replace(id=found.get(video.id, video.id)) for video in videos],
        {"action": actions},
        target="action",
        budget=None,
        min_frames=16,
        clips_per_video=None,
    )


def _videos(actions, part_of, rng):
    number = {action: i for i, action in enumerate(actions)}
    videos = [
        Video(name, part, {"action": number[name.partition("/")[0]]})
        for name, part in sorted(part_of.items())
        if part
    ]
    return [video for video in videos if video.split == "test"] + deal_whole(
        [video for video in videos if video.split == "train"],
        lambda video: _film(video.id),
        lambda video: video.labels["action"],
        rng,
        SHARES,
    )


def _film(name):
    action, _, file = name.partition("/")
    return re.sub(f"_{re.escape(action)}{TAIL}", "", file)


def _listed(split_dir, split):
    """Returns actions, and a dict of `<action>/<file>` to part of the split."""
    end = f"_test_split{split}.txt"
    paths = {
        path.name.removesuffix(end): path
        for path in split_dir.glob(f"*{end}")
        if not names.is_system(path.name)
    }
    if not paths:
        raise FileNotFoundError(
            f"There are no lists <action>{end} in {split_dir}. Unpack "
            f"{LISTS} there, or name its folder with --split_dir."
        )
    part_of = {}
    for action, path in sorted(paths.items()):
        for line in read_lines(path):
            file, _, part = names.key(line.strip()).rpartition(" ")
            if part not in PARTS or not _is_of(action, file):
                raise ValueError(
                    f"{path}: {line!r} is not <film>_{action}_<details>.avi "
                    "and 0, 1 or 2."
                )
            part_of[f"{action}/{file}"] = PARTS[part]
    return tuple(sorted(paths)), part_of


def _is_of(action, file):
    return re.search(f"_{re.escape(action)}{TAIL}", file)


def _annotated(folder):
    """Returns the `<action>/<file>` of the videos that PA-HMDB51 annotates."""
    paths = [
        path
        for path in sorted(folder.glob("*.json"))
        if not names.is_system(path.name)
    ]
    if not paths:
        raise FileNotFoundError(
            f"--exclude_pa={folder} holds no <action>.json. Name the folder "
            "PrivacyAttributes of PA-HMDB51."
        )
    annotated = set()
    for path in paths:
        text = read_text(path)
        try:
            files = json.loads(text).keys()
        except (ValueError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is damaged: {error}.") from error
        annotated |= {names.key(f"{path.stem}/{file}") for file in files}
    return annotated


def _check_known(excluded, part_of, folder):
    unknown = excluded - part_of.keys()
    if unknown:
        raise ValueError(
            f"--exclude_pa={folder} has {len(unknown)} videos that are in no "
            f"list of HMDB51, such as {min(unknown)}."
        )
