"""UT-Interaction, segmented: short AVI clips of two people."""

import pathlib
import re

from tfrecords_tools import names
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video

ACTIONS = (
    "hand shaking",
    "hugging",
    "kicking",
    "pointing",
    "punching",
    "pushing",
)
SEQUENCES = 20
FOLDS = 6
LAYOUT = "set1/<clip>_<sequence 1-20>_<action 0-5>.avi"
NAME = re.compile(r"\d+_(\d+)_(\d)$")


def list_videos(raw_dir, *, fold=0, seed=0):
    """Lists the videos `<clip>_<sequence>_<action>.avi` below `raw_dir`.

    The private label is the sequence: which two people are seen, in which
    clothes and before which background. Some people appear in several. In fold
    k, a clip tests if (sequence + action) mod 6 is k, validates if it is k + 1,
    and trains otherwise, so that no (sequence, action) is in two splits.

    Args:
        raw_dir: Folder that holds `set1/` and `set2/`.
        fold: Int in [0, 5].
        seed: Not used: the folds are fixed.

    Returns:
        `Listing`.

    Raises:
        ValueError: If `fold` or a file's name is out of range.
    """
    if fold not in range(FOLDS):
        raise ValueError(f"--fold must be 0 to {FOLDS - 1}. Received: {fold}.")
    raw_dir = pathlib.Path(raw_dir)
    return Listing(
        [_video(p, raw_dir, fold) for p in names.walk(raw_dir, ".avi")],
        {
            "action": ACTIONS,
            "actors": tuple(f"sequence_{i + 1:02d}" for i in range(SEQUENCES)),
        },
        target="action",
        budget="actors",
        min_frames=16,
        clips_per_video=3,
    )


def _video(path, raw_dir, fold):
    match = NAME.match(path.stem)
    sequence, action = map(int, match.groups()) if match else (0, 0)
    if sequence not in range(1, SEQUENCES + 1) or action >= len(ACTIONS):
        raise ValueError(
            f"{path} is not named <clip>_<sequence 1-20>_<action 0-5>.avi."
        )
    part = (sequence + action - fold) % FOLDS
    split = {0: "test", 1: "validation"}.get(part, "train")
    id = path.relative_to(raw_dir).as_posix()
    return Video(id, split, {"action": action, "actors": sequence - 1})
