"""What a source lists: videos, their splits and labels."""

import codecs
import collections
from typing import NamedTuple

from tfrecords_tools import names

SPLITS = ("train", "validation", "test")
MAX_BYTES = 1 << 28  # of a list or of annotations
UNKNOWN = -1  # in the label of a frame: nobody annotated it


class Video(NamedTuple):
    """A video before it is decoded."""

    id: str  # path below the raw folder
    split: str  # one of SPLITS
    labels: dict  # name to what `schema.encode` takes


class Listing(NamedTuple):
    """All videos of a dataset and what their labels mean."""

    videos: list
    labels: dict  # label name to class names
    target: str | None  # the label that f_T learns
    budget: str | None  # the label that f_B reads
    min_frames: int  # a shorter video is left out
    clips_per_video: int | None  # as `read.clips` takes it
    multi_label: tuple = ()  # labels of several classes at once
    per_frame: tuple = ()  # labels that each frame has for itself
    irregularities: tuple = ()  # what was repaired or left out; strings
    strict: bool = False  # whether an irregularity ends a build
    # Private labels of people who are in the test split, and nobody else is.
    held_out: tuple = ()


def find_files(raw_dir, suffix, prefix=""):
    """Finds the files of a dataset whose lists name `<folder>/<file>`.

    Args:
        raw_dir: `pathlib.Path` that they are below, however deeply nested.
        suffix: String that their names end in, as `names.walk` takes it.
        prefix: String that their names begin with.

    Returns:
        Dict of the `names.key` of `<folder>/<file>` to the path below
        `raw_dir`.

    Raises:
        ValueError: If two files have the same key.
    """
    found = {}
    for path in names.walk(raw_dir, suffix):
        if path.name.startswith(prefix):
            key = names.key(f"{path.parent.name}/{path.name}")
            id = path.relative_to(raw_dir).as_posix()
            if key in found:
                raise ValueError(
                    f"{raw_dir} has {key} twice, as {found[key]} and {id}. "
                    "Take one of them out."
                )
            found[key] = id
    return found


def check_listed(found, listed, split_dir):
    """Raises unless every video that was found is in a list.

    Raises:
        ValueError: If one is not; it is named.
    """
    unlisted = set(found) - set(listed)
    if unlisted:
        raise ValueError(
            f"{len(unlisted)} videos are in no list of {split_dir}, such as "
            f"{min(unlisted)}. Take them out of --raw_dir, or give the folder "
            "of the lists that they are in as --split_dir."
        )


def read_lines(path):
    """Returns the lines of a dataset's own list that are not blank.

    Raises:
        FileNotFoundError: If there is no such list.
        ValueError: If it is not text.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no list {path}. Put the dataset's own lists there, or "
            f"name the folder that holds {path.name} with --split_dir."
        )
    return [line for line in read_text(path).splitlines() if line.strip()]


def read_text(path):
    """Returns the text of a file in UTF-8, or in UTF-16 as Windows marks it.

    Args:
        path: `pathlib.Path`.

    Raises:
        FileNotFoundError: If it is not a file; a pipe might never end.
        ValueError: If it is not text.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(
            f"{path} has more than {MAX_BYTES} bytes: is it a list?"
        )
    content = path.read_bytes()
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is damaged: {error}.") from error


def deal_whole(videos, source, label, rng, shares):
    """Deals videos to splits so that those of one source stay together.

    Sources are dealt label by label, each to the split that is then farthest
    behind its share.

    Args:
        videos: List of `Video`.
        source: Callable that returns what a `Video` was cut from.
        label: Callable that returns the label of a `Video`.
        rng: `random.Random`.
        shares: Dict of split to its share of the videos; the sum is 1.

    Returns:
        The videos, in their order, each with the split it was dealt.
    """
    groups = collections.defaultdict(list)
    for video in sorted(videos):
        groups[source(video)].append(video)
    order = rng.sample(sorted(groups), len(groups))
    order.sort(key=lambda name: label(groups[name][0]))  # a stable sort
    split_of, dealt = {}, collections.Counter()
    for name in order:
        count = dealt.total() + len(groups[name])
        split = max(shares, key=lambda s: shares[s] * count - dealt[s])
        dealt[split] += len(groups[name])
        split_of[name] = split
    return [video._replace(split=split_of[source(video)]) for video in videos]


def deal(videos, key, rng, pattern):
    """Deals videos to splits so that all groups are split alike.

    Args:
        videos: List of `Video`.
        key: Callable that returns the group of a `Video`.
        rng: `random.Random`.
        pattern: Sequence of splits, which are dealt in turn.

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
