import codecs
import collections
import inspect
import json
import os
import random
import subprocess
import sys
import unicodedata

import pytest

from tfrecords_tools import sources
from tfrecords_tools.sources import listing as listed
from tfrecords_tools.sources.listing import Video


def test_every_source_lists_videos_and_names_its_layout(tmp_path):
    annotated = tmp_path / "annotations"
    annotated.mkdir()
    (tmp_path / "raw").mkdir()
    (annotated / "walk.json").write_text("{}")
    for dataset in sources.SOURCES:
        source = sources.source(dataset)
        assert source.LAYOUT
        choices = {"annotations": annotated} if dataset == "pa_hmdb51" else {}
        listing = source.list_videos(tmp_path / "raw", seed=0, **choices)
        assert listing.videos == []
        known = {*listing.labels, None}
        assert {listing.target, listing.budget} <= known
        assert {*listing.multi_label, *listing.per_frame} <= known
    with pytest.raises(ValueError, match="no dataset 'kinetics'. .*, sbu"):
        sources.source("kinetics")


def flags_of_build():
    # Runs in a process, since flags of two programs do not fit into one.
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
        if dataset != "puppets":  # the puppets have a single split
            assert offered == takes.keys() - {"raw_dir", "seed"}, dataset
        if "split" in offered:
            assert flags["SPLITS"][dataset] == list(source.SPLITS)
            assert takes["split"].default == source.SPLITS[0]


SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}


def deal_whole(videos, seed=0):
    return listed.deal_whole(
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


def a_ucf101(root):
    (root / "UCF-101" / "Archery").mkdir(parents=True)
    names = [f"Archery/v_Archery_g0{group}_c01.avi" for group in range(1, 5)]
    for name in names:
        (root / "UCF-101" / name).touch()
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Archery\n")
    lines = [f"{name} 1\n" for name in names[:3]]
    (lists / "trainlist01.txt").write_text("".join(lines))
    (lists / "testlist01.txt").write_text(f"{names[3]}\n")
    return {}, list(lists.iterdir())


def an_hmdb51(root):
    (root / "run").mkdir()
    lines = []
    for clip in range(4):
        name = f"a_#{clip}_run_f_cm_np1_fr_med_0.avi"
        (root / "run" / name).touch()
        lines.append(f"{name} {1 + clip % 2}\n")
    lists = root / "testTrainMulti_7030_splits"
    lists.mkdir()
    path = lists / "run_test_split1.txt"
    path.write_text("".join(lines))
    pa = root / "pa"
    pa.mkdir()
    (pa / "run.json").write_text(json.dumps({lines[0][:-3]: {"face": []}}))
    return {"exclude_pa": pa}, [path, pa / "run.json"]


def a_vispr(root):
    folder = root / "annotations" / "train2017"
    folder.mkdir(parents=True)
    path = folder / "2017_1.json"
    path.write_text('{"image_path": "2017_1.jpg", "labels": ["a4_gender"]}')
    (root / "train2017.txt").write_text("annotations/train2017/2017_1.json\n")
    for name in ("val2017", "test2017"):
        (root / f"{name}.txt").touch()
    return {"split_dir": root}, [path, root / "train2017.txt"]


def an_sbu(root):
    takes = [f"s01s02/01/00{take}" for take in range(1, 4)]
    lines = [f"SBU/s01s02/{take},1,20,0,0\n" for take in takes]
    for take in takes:
        (root / take).mkdir(parents=True)
    (root / "bdq_train.txt").write_text("".join(lines[:2]))
    (root / "bdq_val.txt").write_text(lines[2])
    return {"split_dir": root}, [root / "bdq_train.txt", root / "bdq_val.txt"]


def a_folder(root):
    path = root / "list.csv"
    path.write_text(
        'path,split,action,privacy\n"a,b",train,run,x;y\nc,val,run,\n'
        "d/*.png,test,walk,y\n"
    )
    return {"csv": path}, [path]


@pytest.mark.parametrize(
    ("dataset", "make"),
    [
        ("folder", a_folder),
        ("hmdb51", an_hmdb51),
        ("sbu", an_sbu),
        ("ucf101", a_ucf101),
        ("vispr", a_vispr),
    ],
)
def test_damaged_lists_are_read_or_refused_in_a_line(dataset, make, tmp_path):
    choices, paths = make(tmp_path)
    source = sources.source(dataset)
    assert source.list_videos(tmp_path, **choices).videos
    rng = random.Random(0)
    refused = 0
    for _ in range(200):
        path = rng.choice(paths)
        content = path.read_bytes()
        path.write_bytes(mutated(rng, content))
        try:
            listing = source.list_videos(tmp_path, **choices)
        except (ValueError, FileNotFoundError) as error:
            refused += 1
            assert "\n" not in str(error)
            assert any(p.name in str(error) for p in (*paths, tmp_path))
        else:
            for video in listing.videos:
                assert video.split in listed.SPLITS
                for name, label in video.labels.items():
                    classes = range(len(listing.labels[name]))
                    assert label in classes or len(label) == len(classes)
        path.write_bytes(content)
    assert refused > 50


def messed_up(root):
    """Adds what systems add to files, and spells names and texts as they do."""
    for path in [p for p in root.rglob("*") if p.is_file()]:
        copy = root / "__MACOSX" / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\26\7")
        if path.suffix == ".avi":
            path.rename(path.with_suffix(".AVI"))
        else:
            path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    for folder in [root, *(p for p in root.rglob("*") if p.is_dir())]:
        for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
            (folder / name).touch()
    for folder in [p for p in root.rglob("[0-9]*") if p.is_dir()]:
        copy = root / "__MACOSX" / folder.relative_to(root)
        copy.mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize(
    ("dataset", "make"),
    [
        ("folder", a_folder),
        ("hmdb51", an_hmdb51),
        ("sbu", an_sbu),
        ("ucf101", a_ucf101),
        ("vispr", a_vispr),
    ],
)
def test_what_systems_add_changes_no_list(dataset, make, tmp_path):
    choices, _ = make(tmp_path)
    source = sources.source(dataset)
    before = source.list_videos(tmp_path, **choices)
    messed_up(tmp_path)
    after = source.list_videos(tmp_path, **choices)
    assert after.labels == before.labels
    assert [
        video._replace(id=video.id.replace(".AVI", ".avi"))
        for video in after.videos
    ] == before.videos
    if dataset in ("hmdb51", "ucf101"):
        assert all(video.id.endswith(".AVI") for video in after.videos)
    files = [tmp_path / video.id for video in after.videos]
    assert dataset in ("folder", "vispr") or all(f.exists() for f in files)


@pytest.mark.parametrize("dataset", ["hmdb51", "ucf101"])
def test_names_in_another_unicode_form_are_found(dataset, tmp_path):
    make = {"hmdb51": an_hmdb51, "ucf101": a_ucf101}[dataset]
    choices, lists = make(tmp_path)
    composed, apart = (unicodedata.normalize(f, "é") for f in ("NFC", "NFD"))
    before = "a_#" if dataset == "hmdb51" else "_g0"
    for path in tmp_path.rglob("*.avi"):
        name = path.name.replace(before, composed + before)
        path.rename(path.with_name(name))
    for path in lists:
        text = path.read_text()
        path.write_text(text.replace(before, apart + before))
    videos = sources.source(dataset).list_videos(tmp_path, **choices).videos
    assert videos
    assert all((tmp_path / video.id).exists() for video in videos)


def test_a_file_that_is_there_twice_is_refused(tmp_path):
    choices, _ = a_ucf101(tmp_path)
    copy = tmp_path / "copy" / "Archery" / "v_Archery_g01_c01.avi"
    copy.parent.mkdir(parents=True)
    copy.touch()
    with pytest.raises(ValueError, match="v_Archery_g01_c01.avi twice"):
        sources.source("ucf101").list_videos(tmp_path, **choices)


def test_annotations_that_would_not_end_are_not_opened(tmp_path):
    choices, paths = a_vispr(tmp_path)
    paths[0].unlink()
    os.mkfifo(paths[0])
    with pytest.raises(FileNotFoundError, match="no file .*2017_1.json"):
        sources.source("vispr").list_videos(tmp_path, **choices)
    paths[0].unlink()
    paths[0].write_text("[" * 100_000)
    with pytest.raises(ValueError, match="2017_1.json is not"):
        sources.source("vispr").list_videos(tmp_path, **choices)
    os.truncate(paths[0], listed.MAX_BYTES + 1)
    with pytest.raises(ValueError, match="2017_1.json has more than"):
        sources.source("vispr").list_videos(tmp_path, **choices)


def mutated(rng, content):
    """Cuts out, puts in or changes some bytes at a random place."""
    at = rng.randrange(len(content))
    new = bytes(
        rng.choice(b'\x00\xff 1a,;"\n_[{') for _ in range(rng.randrange(3))
    )
    return content[:at] + new + content[at + rng.randrange(4) :]
