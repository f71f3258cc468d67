import collections
import inspect
import json
import random
import subprocess
import sys

import pytest

from tfrecords_tools import sources
from tfrecords_tools.sources import Video


def test_every_source_lists_videos_and_names_its_layout(tmp_path):
    for dataset in sources.SOURCES:
        source = sources.source(dataset)
        assert source.LAYOUT
        listing = source.list_videos(tmp_path, seed=0)
        assert listing.videos == []
        known = {*listing.labels, None}
        assert {listing.target, listing.budget, *listing.multi_label} <= known
    with pytest.raises(ValueError, match="no dataset 'kinetics'. .*, sbu"):
        sources.source("kinetics")


def flags_of_build():
    # A process: flags of two programs do not go together in one.
    names = "DATASET_NAMES", "CHOICES", "SPLITS"
    code = (
        "import json; from flags import build; "
        f"print(json.dumps({{n: getattr(build, n) for n in {names}}}))"
    )
    return json.loads(subprocess.check_output([sys.executable, "-c", code]))


def test_the_flags_of_a_dataset_are_what_its_source_takes():
    flags = flags_of_build()
    assert list(sources.SOURCES) == flags["DATASET_NAMES"]
    for dataset in sources.SOURCES:
        source = sources.source(dataset)
        takes = inspect.signature(source.list_videos).parameters
        offered = {n for n, of in flags["CHOICES"].items() if dataset in of}
        if dataset != "puppets":  # which are drawn to be split one way
            assert offered == takes.keys() - {"raw_dir", "seed"}, dataset
        if "split" in offered:
            assert flags["SPLITS"][dataset] == list(source.SPLITS)
            assert takes["split"].default == source.SPLITS[0]


SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}


def deal_whole(videos, seed=0):
    return sources.deal_whole(
        videos,
        lambda video: video.id.split("_")[0],
        lambda video: video.labels["action"],
        random.Random(seed),
        SHARES,
    )


def test_whole_sources_are_dealt_by_shares_and_alike_for_labels():
    videos = [
        Video(f"{action}-{source}_{clip}", "", {"action": action})
        for action in range(5)
        for source in range(20)
        for clip in range(1 + source % 3)
    ]
    dealt = deal_whole(videos)
    assert [video.id for video in dealt] == [video.id for video in videos]
    assert dealt == deal_whole(videos[::-1])[::-1] != deal_whole(videos, 1)
    split_of = collections.defaultdict(set)
    for video in dealt:
        split_of[video.id.split("_")[0]].add(video.split)
    assert {len(splits) for splits in split_of.values()} == {1}
    for action in (None, *range(5)):
        splits = [
            video.split
            for video in dealt
            if action is None or video.labels["action"] == action
        ]
        shares = [splits.count(split) / len(splits) for split in SHARES]
        tolerance = 0.02 if action is None else 0.1
        assert shares == pytest.approx([0.6, 0.15, 0.25], abs=tolerance)
