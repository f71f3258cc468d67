import collections
import pathlib

import pytest
from made_videos import write_avi
from made_videos import write_pngs

from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import verify
from tfrecords_tools import write
from tfrecords_tools.sources import folder

SPLITS = ("train", "validation", "test")


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def write_csv(path, *lines, **how):
    path.write_text("".join(f"{line}\n" for line in lines), **how)
    return path


def test_folders_name_split_action_and_private_label(tmp_path):
    touch(tmp_path / "train" / "wave" / "ann" / "a.mp4")
    touch(tmp_path / "train" / "wave" / "ann" / ".DS_Store")
    touch(tmp_path / "val" / "run" / "ben" / "#1 [x]!.avi")
    write_pngs(tmp_path / "test" / "wave" / "ben" / "take 7", 2)
    listing = folder.list_videos(tmp_path)
    assert listing.labels == {
        "action": ("run", "wave"),
        "privacy": ("ann", "ben"),
    }
    assert {video.id: video[1:] for video in listing.videos} == {
        "train/wave/ann/a.mp4": ("train", {"action": 1, "privacy": 0}),
        "val/run/ben/#1 [x]!.avi": ("validation", {"action": 0, "privacy": 1}),
        "test/wave/ben/take 7": ("test", {"action": 1, "privacy": 1}),
    }
    assert listing.multi_label == ()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("wave/ann/a.mp4", "wave is not train, validation or test"),
        ("train/a.mp4", "a.mp4 is a file where a folder is wanted"),
        ("train/wave/a.mp4", "a.mp4 is a file where a folder is wanted"),
        ("train/wave/ann/notes.txt", "notes.txt is neither a video"),
        ("train/wave/ann/1/notes.txt", "1 holds no numbered pictures"),
    ],
)
def test_what_does_not_fit_the_folders_is_named(tmp_path, file, says):
    touch(tmp_path / file)
    with pytest.raises(ValueError, match=says):
        folder.list_videos(tmp_path)


def test_a_csv_names_paths_splits_and_labels(tmp_path):
    csv = write_csv(
        tmp_path / "list.csv",
        "split, privacy, path, action",
        'val,ann,"a, b.mp4",wave',
        "train,ben,frames/*.png,run",
        "test,ann,/elsewhere/c.avi,wave",
        encoding="utf-8-sig",  # as spreadsheets write it
    )
    listing = folder.list_videos(tmp_path, csv=csv)
    assert listing.labels == {
        "action": ("run", "wave"),
        "privacy": ("ann", "ben"),
    }
    assert listing.multi_label == ()
    assert [tuple(video) for video in listing.videos] == [
        ("a, b.mp4", "validation", {"action": 1, "privacy": 0}),
        ("frames/*.png", "train", {"action": 0, "privacy": 1}),
        ("/elsewhere/c.avi", "test", {"action": 1, "privacy": 0}),
    ]


def test_a_semicolon_makes_all_labels_vectors(tmp_path):
    csv = write_csv(
        tmp_path / "list.csv",
        "path,split,action,privacy",
        "a.mp4,train,wave,face; gender",
        "b.mp4,train,wave,",
        "c.mp4,train,wave,;",
        "d.mp4,train,wave,gender",
    )
    listing = folder.list_videos(tmp_path, csv=csv)
    assert listing.multi_label == ("privacy",)
    assert listing.labels["privacy"] == ("face", "gender")
    assert [video.labels["privacy"] for video in listing.videos] == [
        (1, 1),
        (0, 0),
        (0, 0),
        (0, 1),
    ]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "first line must name the columns path, action, privacy"),
        (["path,action"], "It has: path, action"),
        (["path,action,privacy,splits"], "may name split and source"),
        (["path,action,privacy,path"], "each once"),
        (["path,action,privacy", "a,b"], "line 2 has more or fewer values"),
        (["path,action,privacy", "a,b,c,d"], "line 2 has more or fewer values"),
        (["path,action,privacy", ",b,c"], "line 2 has no path"),
        (["path,action,privacy", "a,b,"], "a has no private label"),
        (["path,action,privacy", "a,b,c", "a,b,c"], "has a twice"),
        (
            ["path,action,privacy,split", "a,b,c,dev"],
            "split 'dev' is not train",
        ),
        (["path,action,privacy", "a,b,c"], "its 1 source videos are too few"),
    ],
)
def test_a_csv_that_is_not_as_it_must_be_is_refused(tmp_path, lines, says):
    csv = write_csv(tmp_path / "list.csv", *lines)
    with pytest.raises(ValueError, match=says):
        folder.list_videos(tmp_path, csv=csv)


def test_a_csv_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="--csv: there is no file"):
        folder.list_videos(tmp_path, csv=tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("run/match_c01.avi", "match"),
        ("kick/match-clip-2.mp4", "match"),
        ("match_7/*.png", "match"),
        ("a/match_7", "match"),
        ("v_Run_g01_c02.avi", "v_Run_g01"),
        ("video12.mp4", "video12"),
        ("a/001", "001"),
        ("summer.mp4", "summer"),
    ],
)
def test_a_clip_is_of_the_source_that_its_name_tells(path, source):
    assert folder.source({"path": path}) == source


@pytest.mark.parametrize("column", [False, True])
def test_a_random_split_keeps_the_clips_of_a_source_together(tmp_path, column):
    sources = [f"match{i}" for i in range(20) for _ in range(2)]
    if column:
        header = "path,action,privacy,source"
        lines = [f"{i}.mp4,run,ann,{s}" for i, s in enumerate(sources)]
    else:  # one match shows two actions
        header = "path,action,privacy"
        lines = [
            f"{('run', 'kick')[i % 2]}/{s}_c{i % 2}.mp4,act,ann"
            for i, s in enumerate(sources)
        ]
    csv = write_csv(tmp_path / "list.csv", header, *lines)
    videos, again, other = (
        folder.list_videos(tmp_path, csv=csv, seed=seed).videos
        for seed in (0, 0, 1)
    )
    assert videos == again != other
    splits = collections.defaultdict(set)
    for video, source in zip(videos, sources, strict=True):
        splits[source].add(video.split)
    assert {len(found) for found in splits.values()} == {1}
    counts = collections.Counter(video.split for video in videos)
    assert [counts[split] for split in SPLITS] == [24, 6, 10]


def test_videos_folders_and_globs_are_built_from_a_csv(tmp_path, capsys):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_avi(raw / "a.avi", 5, size=(32, 24))
    write_pngs(raw / "b", 6)
    csv = write_csv(
        tmp_path / "list.csv",
        "path,split,action,privacy",
        "a.avi,train,wave,face",
        "b,validation,wave,face;gender",
        "b/*.png,test,wave,;",
        "c/*.png,test,wave,;",
    )
    content = write.build("folder", raw, out, size=(32, 24), csv=csv)
    (bad,) = content["skipped"]
    assert bad["video"] == "c/*.png"
    assert "does not exist" in bad["reason"]
    shards = out / "folder"
    content = manifest.load(shards)
    assert content["multi_label"] == ["privacy"]
    assert [content["splits"][s]["frames"] for s in SPLITS] == [[5], [6], [6]]
    found = {
        split: next(
            iter(
                read.clips(
                    str(shards / f"{split}-*"),
                    labels=("action", "privacy"),
                    shapes=manifest.label_shapes(content),
                    frames=4,
                    size=24,
                )
            )
        )["privacy"]
        .numpy()
        .tolist()
        for split in SPLITS
    }
    assert found == {"train": [1, 0], "validation": [1, 1], "test": [0, 0]}
    assert verify.main(["verify", str(shards)]) == 0


def test_other_labels_of_the_same_videos_are_other_shards(tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_pngs(raw / "a", 6)
    csv = pathlib.Path(tmp_path, "list.csv")
    line = "a,train,{},ann"
    write_csv(csv, "path,split,action,privacy", line.format("run"))
    write.build("folder", raw, out, csv=csv, command="build --this")
    write_csv(csv, "path,split,action,privacy", line.format("walk"))
    with pytest.raises(
        ValueError, match="differ in videos.*with `build --this`"
    ):
        write.build("folder", raw, out, csv=csv)
