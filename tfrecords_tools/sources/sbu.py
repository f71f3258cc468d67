"""SBU Kinect Interaction: folders of PNG frames of two people."""

import pathlib
import random
import re

from tfrecords_tools.sources import Listing
from tfrecords_tools.sources import Video
from tfrecords_tools.sources import deal

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
# The order of the two counts for nothing.
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
LAYOUT = re.compile(r"(s\d\ds\d\d)/(0[1-8])/(\d{3})$")
# 12 of 20 train, 3 validate, 5 test.
PATTERN = tuple(
    {"t": "train", "v": "validation", "e": "test"}[letter]
    for letter in "tvtettetvttettetvtet"
)


def list_videos(raw_dir, *, fold=0, seed=0, split_dir=None):
    """Lists SBU's videos, or others in its layout.

    Args:
        raw_dir: Folder that holds `sXXsYY/<action>/<take>/rgb_*.png`, with or
            without a second `sXXsYY` above the action.
        fold: Not used: there are no folds.
        seed: Int, of the split.
        split_dir: Folder of `bdq_train.txt` and `bdq_val.txt`: 188 videos to
            train, of which a fifth validates, and 94 to test. Without it,
            videos are dealt at random, alike for every pair and action.

    Returns:
        `Listing`.

    Raises:
        ValueError: If a folder's set is none of SBU's 21.
    """
    videos = sorted(_found(pathlib.Path(raw_dir)))
    rng = random.Random(seed)
    if split_dir is None:
        videos = deal(videos, _group, rng, PATTERN)
    else:
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
        id = folder.relative_to(raw_dir).as_posix()
        match = LAYOUT.search(id)
        if match:
            yield Video(id, "", _labels(match[1], match[2], folder))


def _labels(pair, action, path):
    if pair not in PAIR_OF:
        raise ValueError(
            f"{path} is of set {pair}, which SBU has not. Its sets: "
            f"{', '.join(sorted(PAIR_OF))}."
        )
    return {"action": int(action) - 1, "actors": PAIR_OF[pair]}


def _listed(videos, split_dir, rng):
    split_of = {
        name: split
        for split, file in (("train", "bdq_train.txt"), ("test", "bdq_val.txt"))
        for name in read_list(split_dir / file)
    }
    unlisted = [v.id for v in videos if LAYOUT.search(v.id)[0] not in split_of]
    if unlisted:
        raise ValueError(
            f"{len(unlisted)} videos are in no list of {split_dir}, as "
            f"{unlisted[0]}. Leave out --split_dir to deal them at random."
        )
    videos = [
        video._replace(split=split_of[LAYOUT.search(video.id)[0]])
        for video in videos
    ]
    train = [video for video in videos if video.split == "train"]
    pattern = ("train", "train", "validation", "train", "train")
    dealt = deal(train, _group, rng, pattern)
    return dealt + [video for video in videos if video.split == "test"]


def read_list(path):
    """Reads `bdq_train.txt` or `bdq_val.txt`.

    Returns:
        Dict: `sXXsYY/<action>/<take>` to (pair, action), class numbers.

    Raises:
        ValueError: If a line's numbers contradict its path.
    """
    labels = {}
    for line in path.read_text().split():
        name, _, _, pair, action = line.split(",")
        match = LAYOUT.search(name)
        expected = _labels(match[1], match[2], name)
        if (int(pair), int(action)) != (expected["actors"], expected["action"]):
            raise ValueError(
                f"{path}: the numbers of {line!r} are not its path's."
            )
        labels[match[0]] = (int(pair), int(action))
    return labels
