"""UCF101: AVI videos of 101 actions, in groups that share people and place."""

import pathlib
import random
import re

from tfrecords_tools import names as names_of_files
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import check_listed
from tfrecords_tools.sources.listing import find_files
from tfrecords_tools.sources.listing import read_lines

LISTS = "ucfTrainTestlist"
LAYOUT = (
    "UCF-101/<Class>/v_<Class>_g<group>_c<clip>.avi, and beside it "
    f"{LISTS}/classInd.txt, trainlist01.txt, ..."
)
SPLITS = ("1", "2", "3")
GROUP = re.compile(r"_g(\d+)_c\d+\.avi$")
VALIDATION = 1 / 6  # of the groups that train


def list_videos(raw_dir, *, seed=0, split="1", split_dir=None):
    """Lists UCF101's videos by its official lists.

    Some groups of the training list validate. They have the same numbers in all
    classes, since a number may stand for the same people in two of them.

    Args:
        raw_dir: Folder that holds `UCF-101/<Class>/*.avi`.
        seed: Int, for the choice of the groups that validate.
        split: String, `"1"`, `"2"` or `"3"`: which of the official lists.
        split_dir: Folder of the lists; `None` for `ucfTrainTestlist` in
            `raw_dir`.

    Returns:
        `Listing`; there is no private label. It has every video that a list
        names, even if `raw_dir` lacks it.

    Raises:
        FileNotFoundError: If a list is missing.
        ValueError: If there is no such split, a list is malformed, or lists
            and videos contradict each other.
    """
    if split not in SPLITS:
        raise ValueError(f"--split must be 1, 2 or 3. Received: {split!r}.")
    raw_dir = pathlib.Path(raw_dir)
    split_dir = pathlib.Path(split_dir or raw_dir / LISTS)
    found = find_files(raw_dir, ".avi", prefix="v_")
    classes, listed = (), {}
    if found:
        classes = read_classes(split_dir / "classInd.txt")
        listed = _listed(split_dir, split, classes, random.Random(seed))
        check_listed(found, listed, split_dir)
    return Listing(
        [
            Video(found.get(name, name), *split_and_labels)
            for name, split_and_labels in sorted(listed.items())
        ],
        {"action": classes},
        target="action",
        budget=None,
        min_frames=16,
        clips_per_video=None,
    )


def read_classes(path):
    """Reads `classInd.txt`.

    Args:
        path: `pathlib.Path`; its lines are a number, from 1 on, and a class.

    Returns:
        Tuple of class names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is malformed, or its number is another.
    """
    lines = [line.split() for line in read_lines(path)]
    for number, line in enumerate(lines, 1):
        if len(line) != 2 or line[0] != str(number):
            raise ValueError(
                f"{path}, line {number}: {' '.join(line)!r} is not "
                f"'{number} <Class>'."
            )
    return tuple(name for _, name in lines)


def _listed(split_dir, split, classes, rng):
    """Returns a dict of `<Class>/<file>` to a split and labels."""
    train, test = (
        _names(split_dir / f"{part}list0{split}.txt", classes)
        for part in ("train", "test")
    )
    both = train.keys() & test.keys()
    if both:
        raise ValueError(
            f"The lists 0{split} of {split_dir} train and test on the same "
            f"{len(both)} videos, such as {min(both)}."
        )
    groups = sorted({_group(name) for name in train})
    if len(groups) < 2:
        raise ValueError(
            f"{split_dir / f'trainlist0{split}.txt'} has videos of "
            f"{len(groups)} groups: one must train and another validate."
        )
    count = max(1, round(VALIDATION * len(groups)))
    validating = set(rng.sample(groups, count))
    listed = {name: ("test", labels) for name, labels in test.items()}
    for name, labels in train.items():
        validates = _group(name) in validating
        listed[name] = ("validation" if validates else "train", labels)
    return listed


def _group(name):
    return GROUP.search(name)[1]


def _names(path, classes):
    """Returns a dict of the names in a list to labels."""
    names = {}
    for line in read_lines(path):
        name, *number = line.split()
        name = names_of_files.key(name)
        folder = name.partition("/")[0]
        if not GROUP.search(name) or folder not in classes:
            raise ValueError(
                f"{path}: {line!r} is not <Class>/v_<Class>_g<group>_c<clip>"
                ".avi, or its class is not in classInd.txt."
            )
        action = classes.index(folder)
        if number and number != [str(action + 1)]:
            raise ValueError(
                f"{path}: the number of {line!r} is not that of its class, "
                f"{action + 1}."
            )
        names[name] = {"action": action}
    return names
