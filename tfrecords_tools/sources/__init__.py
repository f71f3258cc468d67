"""One module per dataset: which videos there are, their labels and splits."""

import collections
import importlib
from typing import NamedTuple

SPLITS = ("train", "validation", "test")

# Dataset to the module below this package that lists its videos.
SOURCES = {
    "puppets": "sbu",  # drawn in SBU's layout
    "sbu": "sbu",
    "ut_interaction": "ut_interaction",
}


class Video(NamedTuple):
    """A video before it is decoded."""

    id: str  # path below the raw folder
    split: str  # one of SPLITS
    labels: dict  # label name to class number, or to 0 or 1 for each class


class Listing(NamedTuple):
    """All videos of a dataset and what their labels mean."""

    videos: list
    labels: dict  # label name to class names
    target: str | None  # the label that f_T learns
    budget: str | None  # the label that f_B reads
    min_frames: int  # a shorter video is left out
    clips_per_video: int  # clips of a video in validation and test
    multi_label: tuple = ()  # labels of which a video may have many classes


def source(dataset):
    """The module that lists the videos of `dataset`.

    Raises:
        ValueError: If there is none.
    """
    if dataset not in SOURCES:
        raise ValueError(
            f"There is no dataset {dataset!r}. Choose one of "
            f"{', '.join(SOURCES)}."
        )
    return importlib.import_module(f"{__name__}.{SOURCES[dataset]}")


def deal(videos, key, rng, pattern):
    """Deals videos to splits so that each group meets each split alike.

    Args:
        videos: List of `Video`.
        key: Callable of a video: the group it belongs to.
        rng: `random.Random`.
        pattern: Sequence of splits, dealt round and round.

    Returns:
        The videos, in their order, each with the split it was dealt.
    """
    groups = collections.defaultdict(list)
    for video in sorted(videos):
        groups[key(video)].append(video)
    order = [
        video
        for group in sorted(groups)
        for video in rng.sample(groups[group], len(groups[group]))
    ]
    dealt = {
        video.id: pattern[i % len(pattern)] for i, video in enumerate(order)
    }
    return [video._replace(split=dealt[video.id]) for video in videos]
