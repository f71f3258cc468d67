"""Finds one video in two splits, whatever its names, links and copies."""

import collections

from tfrecords_tools import names
from tfrecords_tools import shards
from tfrecords_tools import storage


def links(videos, files_of):
    """Yields a line for each file that two splits share.

    Args:
        videos: List of `listing.Video`.
        files_of: Dict of the id of each to a dict of its files, paths, to their
            `os.stat`.
    """
    seen = {}
    for video in videos:
        for file, stat in files_of[video.id].items():
            known = (stat.st_dev, stat.st_ino) if stat.st_ino else file
            other = seen.setdefault(known, video)
            yield from _across_splits(other, video, "the same file")


def copies(videos, files_of, raw_dir):
    """Yields a line for each video of which another split has a copy.

    Contents are read only of videos whose files have the sizes of another's. A
    folder of pictures is a copy if all of its files are: single pictures may
    well be alike, such as black ones.

    Args:
        videos, files_of: See `links`.
        raw_dir: `pathlib.Path` of the raw folder.
    """
    for alike in _of_one_size(videos, files_of):
        seen = {}
        for video in alike:
            content = _content(video, files_of, raw_dir)
            other = seen.setdefault(content or video.id, video)
            yield from _across_splits(other, video, "copies of the same file")


def _across_splits(one, other, what):
    if one.split != other.split:
        yield (
            f"{names.one_line(one.id)} ({one.split}) and "
            f"{names.one_line(other.id)} ({other.split}) are {what}"
        )


def _of_one_size(videos, files_of):
    """Returns lists of videos of several splits whose files are as long."""
    groups = collections.defaultdict(list)
    for video in videos:
        sizes = tuple(stat.st_size for stat in files_of[video.id].values())
        if any(sizes):  # pipes and devices have none
            groups[sizes].append(video)
    return [g for g in groups.values() if len({v.split for v in g}) > 1]


def _content(video, files_of, raw_dir):
    """Returns what the files of a video hold, as a tuple of strings; `None` if
    it will be skipped."""
    try:
        shards.check_place(raw_dir, video.id)
        return tuple(map(storage.sha256, files_of[video.id]))
    except (ValueError, OSError):
        return None
