import collections
import os
import pathlib
import shutil
import unicodedata

import pytest
from made_videos import write_avi
from made_videos import write_pngs
from PIL import Image

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


def test_what_is_no_video_is_left_out_and_told(tmp_path):
    touch(tmp_path / "train" / "wave" / "ann" / "a.mp4")
    others = (
        "README.md",
        "LICENSE",
        "train/labels.csv",
        "train/wave/notes.txt",
        "train/wave/ann/about.json",
        "train/wave/ann/a.SRT",
        "train/wave/ann/notes.bin",
        "train/wave/ann/poster.png",
        "labels.npz",
    )
    for other in others:
        touch(tmp_path / other)
    picture = Image.new("RGB", (8, 8))
    for name, kind in (("a.thm", "JPEG"), ("cover", "PNG"), ("w", "WEBP")):
        others = (*others, name)
        picture.save(tmp_path / "train" / "wave" / "ann" / name, kind)
    (tmp_path / "train" / "wave" / "ann" / "gone.xyz").symlink_to("nowhere")
    write_pngs(tmp_path / "train" / "wave" / "ann" / "1", 1)
    listing = folder.list_videos(tmp_path)
    assert sorted(video.id for video in listing.videos) == [
        "train/wave/ann/1",
        "train/wave/ann/a.mp4",
    ]
    told = "\n".join(listing.irregularities)
    for other in (*others, "gone.xyz"):
        assert f"{other} is left out" in told


def test_a_file_that_may_not_be_read_is_left_out(tmp_path, monkeypatch):
    touch(tmp_path / "train" / "wave" / "ann" / "a.mp4")
    touch(tmp_path / "train" / "wave" / "ann" / "notes")

    def refused(path, **_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(folder.video.outline, "is_picture", refused)
    listing = folder.list_videos(tmp_path)
    assert [video.id for video in listing.videos] == ["train/wave/ann/a.mp4"]


def test_a_link_out_of_the_folder_is_not_opened(tmp_path, monkeypatch):
    place = tmp_path / "raw" / "train" / "wave" / "ann"
    touch(place / "a.mp4")
    (tmp_path / "secret").write_bytes(b"private")
    (place / "link").symlink_to(tmp_path / "secret")
    monkeypatch.setattr(folder.video, "opens", pytest.fail)
    listing = folder.list_videos(tmp_path / "raw")
    # The build refuses it by its name.
    assert "train/wave/ann/link" in [video.id for video in listing.videos]


def test_a_video_is_known_by_its_content_where_its_name_tells_nothing(tmp_path):
    film = tmp_path / "train" / "wave" / "ann" / "GOPR0001"
    film.parent.mkdir(parents=True)
    write_avi(tmp_path / "a.avi", 3)
    (tmp_path / "a.avi").rename(film)
    listing = folder.list_videos(tmp_path)
    assert [video.id for video in listing.videos] == ["train/wave/ann/GOPR0001"]
    film.rename(tmp_path / "train" / "wave" / "GOPR0001")
    with pytest.raises(ValueError, match="GOPR0001 is a video where a folder"):
        folder.list_videos(tmp_path)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("wave/ann/a.mp4", "wave is not train, validation or test"),
        ("train/a.mp4", "a.mp4 is a video where a folder is wanted"),
        ("train/wave/a.mp4", "a.mp4 is a video where a folder is wanted"),
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
    write_pngs(raw / "d", 6)
    csv = write_csv(
        tmp_path / "list.csv",
        "path,split,action,privacy",
        "a.avi,train,wave,face",
        "b,validation,wave,face;gender",
        "d/*.png,test,wave,;",
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_may_be_written_by_any_spreadsheet(tmp_path, delimiter, encoding):
    lines = [
        ("path", "split", "action", "privacy"),
        ("a.mp4", "Train", "wäve", '"face;gender"'),
        ("b.mp4", "VAL", "run", '";"'),
        ("c.mp4", "test", "run", "face"),
    ]
    csv = write_csv(
        tmp_path / "list.csv",
        *(delimiter.join(line) for line in lines),
        encoding=encoding,
    )
    listing = folder.list_videos(tmp_path, csv=csv)
    assert listing.labels == {
        "action": ("run", "wäve"),
        "privacy": ("face", "gender"),
    }
    assert [tuple(video) for video in listing.videos] == [
        ("a.mp4", "train", {"action": 1, "privacy": (1, 1)}),
        ("b.mp4", "validation", {"action": 0, "privacy": (0, 0)}),
        ("c.mp4", "test", {"action": 0, "privacy": (1, 0)}),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wave", "wave"),
        ("shaking hands", "Shaking  hands"),
        (unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")),
    ],
)
def test_labels_that_are_probably_one_are_refused(tmp_path, one, other):
    csv = write_csv(
        tmp_path / "list.csv",
        "path,split,action,privacy",
        f"a.mp4,train,{one},ann",
        f"b.mp4,test,{other},ann",
    )
    with pytest.raises(ValueError, match="labels .* are probably one"):
        folder.list_videos(tmp_path, csv=csv)
    touch(tmp_path / "raw" / "train" / "run" / one / "a.mp4")
    touch(tmp_path / "raw" / "test" / "run" / other / "b.mp4")
    with pytest.raises(ValueError, match="labels .* are probably one"):
        folder.list_videos(tmp_path / "raw")


@pytest.mark.parametrize("again", ["./a.mp4", "b/../a.mp4", "a.mp4"])
def test_a_path_that_is_written_in_two_ways_is_refused(tmp_path, again):
    csv = write_csv(
        tmp_path / "list.csv",
        "path,split,action,privacy",
        "a.mp4,train,run,ann",
        f"{again},train,run,ann",
    )
    with pytest.raises(ValueError, match="twice"):
        folder.list_videos(tmp_path, csv=csv)


def test_files_of_the_system_are_left_out_and_told(tmp_path):
    csv = write_csv(
        tmp_path / "list.csv",
        "path,split,action,privacy",
        "a.mp4,train,run,ann",
        "x/._a.mp4,train,run,ann",
        "Thumbs.db,train,x,ann",
    )
    listing = folder.list_videos(tmp_path, csv=csv)
    assert [video.id for video in listing.videos] == ["a.mp4"]
    assert listing.labels["action"] == ("run",)
    assert "2 files of the system" in listing.irregularities[0]
    raw = tmp_path / "raw"
    for name in ("a.MP4", "._a.MP4", "Thumbs.db", "desktop.ini"):
        touch(raw / "train" / "run" / "ann" / name)
    touch(raw / "__MACOSX" / "train" / "run" / "ann" / "._a.MP4")
    touch(raw / "train" / "desktop.ini")
    (video,) = folder.list_videos(raw).videos
    assert video.id == "train/run/ann/a.MP4"


def test_one_film_in_two_splits_is_refused_whatever_its_names(tmp_path):
    raw = tmp_path / "raw"
    write_avi(raw / "a.avi", 3, size=(32, 24))
    (raw / "link.avi").symlink_to("a.avi")
    os.link(raw / "a.avi", raw / "hard.avi")
    apart = unicodedata.normalize("NFD", "é.avi")
    (raw / apart).symlink_to("a.avi")
    write_pngs(raw / "v", 2)
    pairs = [
        ("a.avi", "link.avi"),
        ("a.avi", "hard.avi"),
        ("a.avi", unicodedata.normalize("NFC", apart)),
        ("a.avi", str(raw / "a.avi")),
        ("v", "v/*.png"),
    ]
    for one, other in pairs:
        csv = write_csv(
            tmp_path / "list.csv",
            "path,split,action,privacy",
            f"{one},train,run,ann",
            f"{other},test,run,ann",
        )
        with pytest.raises(ValueError, match="are the same file. Leave it"):
            write.build("folder", raw, tmp_path / "out", csv=csv)
    assert not (tmp_path / "out").exists()


def test_a_copy_in_another_split_is_refused(tmp_path):
    place = tmp_path / "raw" / "train" / "run" / "ann"
    other = tmp_path / "raw" / "test" / "run" / "ben"
    write_avi(place / "a.avi", 3, size=(32, 24))
    write_pngs(place / "v", 2)
    copies = [(place / "a.avi", other / "b.avi"), (place / "v", other / "w")]
    for source, copy in copies:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy_of = shutil.copytree if source.is_dir() else shutil.copy
        copy_of(source, copy)
        with pytest.raises(ValueError, match="are copies of the same file"):
            write.build("folder", tmp_path / "raw", tmp_path / "out")
        shutil.rmtree(other)


def test_what_is_alike_and_no_copy_is_taken(tmp_path):
    raw = tmp_path / "raw"
    for i, split in enumerate(("train", "test")):
        place = raw / split / "run" / "ann"
        write_pngs(place / "v", 2 + i)
        write_pngs(place / "w", 2)
        (place / "empty.avi").touch()
        (place / "noise.avi").write_bytes(bytes([i] * 99))
        os.mkfifo(place / "pipe.avi")
        shutil.copy(place / "noise.avi", place / "again.avi")
    for take in "vw":  # of each, one picture is the same
        one, other = (
            raw / split / "run" / "ann" / take / "rgb_000001.png"
            for split in ("train", "test")
        )
        shutil.copy(one, other)
    content = write.build("folder", raw, tmp_path / "out", size=(32, 24))
    taken = [sorted(s["videos"]) for s in content["splits"].values()]
    assert taken == [
        ["train/run/ann/v", "train/run/ann/w"],
        [],
        ["test/run/ann/v", "test/run/ann/w"],
    ]


@pytest.mark.parametrize(
    "place", ["train/run/line\nend.avi", "train/line\nend/ann/a.avi"]
)
def test_a_refusal_of_a_name_with_a_line_end_is_one_line(tmp_path, place):
    touch(tmp_path / "raw" / place)
    with pytest.raises(ValueError, match=r"line\\nend") as error:
        write.build("folder", tmp_path / "raw", tmp_path / "out")
    assert "\n" not in str(error.value)


def test_where_nothing_is_a_video_one_file_is_named(tmp_path):
    touch(tmp_path / "raw" / "train" / "run" / "ann" / "line\nend.npy")
    with pytest.raises(FileNotFoundError, match="end.npy is left out") as error:
        write.build("folder", tmp_path / "raw", tmp_path / "out")
    assert "\n" not in str(error.value)


def test_one_bad_file_does_not_take_the_build_with_it(tmp_path, capsys):
    raw = tmp_path / "raw"
    place = raw / "train" / "run" / "ann"
    write_avi(place / "good.avi", 3, size=(32, 24))
    for name in ("img_1.png", "flow_1.png"):
        touch(place / "two sorts" / name)
    touch(place / "no pictures" / "1.txt")
    touch(place / "nothing" / ".DS_Store")
    os.mkfifo(place / "pipe.avi")
    (place / "gone.avi").symlink_to("nowhere.avi")
    (place / "empty.avi").touch()
    write_avi(place / "b.avi", 3)
    (place / "b.avi").rename(place / "line\nend.avi")
    (place / "._good.avi").touch()
    content = write.build("folder", raw, tmp_path / "out", size=(32, 24))
    assert content["splits"]["train"]["videos"] == ["train/run/ann/good.avi"]
    skipped = {
        pathlib.PurePath(bad["video"]).name: bad["reason"]
        for bad in content["skipped"]
    }
    assert sorted(skipped) == [
        "empty.avi",
        "gone.avi",
        "line\\nend.avi",
        "no pictures",
        "nothing",
        "pipe.avi",
        "two sorts",
    ]
    assert "holds no numbered pictures (.png" in skipped["no pictures"]
    assert "\n" not in "".join(skipped.values())
    (line,) = content["irregularities"]
    assert "2 files of the system are left out, such as" in line
    said = manifest.summary(content)
    assert line in said
    assert "folder test: 0 videos in 0 shards: this split is empty" in said


def of_people(path, people, clips=10, header="path,action,privacy,source"):
    """Writes a CSV of clips of each person, each of a source of its own."""
    lines = [
        f"{person}/{i}.avi,{('run', 'wave')[i % 2]},{person},{person}-{i}"
        for person in people
        for i in range(clips)
    ]
    return write_csv(path, header, *lines)


def test_people_who_are_held_out_are_the_test_split(tmp_path):
    csv = of_people(tmp_path / "list.csv", "abcdef")
    found, again, other = (
        folder.list_videos(tmp_path, csv=csv, seed=seed, hold_out_people=2)
        for seed in (0, 0, 4)
    )
    assert found == again
    assert found.held_out != other.held_out
    assert found.labels["privacy"] == tuple("abcdef")
    people = collections.defaultdict(collections.Counter)
    for video in found.videos:
        people[video.split][video.id[0]] += 1
    assert people["test"] == dict.fromkeys(found.held_out, 10)
    assert len(found.held_out) == 2
    rest = people["train"] + people["validation"]
    assert rest == dict.fromkeys(set("abcdef") - set(found.held_out), 10)
    assert people["train"].total() == 32
    assert folder.list_videos(tmp_path, csv=csv).held_out == ()


@pytest.mark.parametrize(
    ("people", "count", "says"),
    [
        ("abcd", 1, "there are 4 people. Hold out 2 or more"),
        ("abcd", 3, "there are 4 people. Hold out 2 or more"),
        (("a", "b", "c;d", "e"), 2, "this CSV has several"),
    ],
)
def test_people_who_cannot_be_held_out_are_not(tmp_path, people, count, says):
    csv = of_people(tmp_path / "list.csv", people)
    with pytest.raises(ValueError, match=says):
        folder.list_videos(tmp_path, csv=csv, hold_out_people=count)


def test_splits_and_sources_that_people_share_are_kept_whole(tmp_path):
    csv = write_csv(
        tmp_path / "list.csv",
        "path,action,privacy,split",
        *(f"{person}.avi,run,{person},train" for person in "abcd"),
    )
    with pytest.raises(ValueError, match="--csv without a column split"):
        folder.list_videos(tmp_path, csv=csv, hold_out_people=2)
    touch(tmp_path / "raw" / "train" / "run" / "ann" / "a.mp4")
    with pytest.raises(ValueError, match="--csv without a column split"):
        folder.list_videos(tmp_path / "raw", hold_out_people=2)
    csv = write_csv(  # clips of one match, by their names
        tmp_path / "list.csv",
        "path,action,privacy",
        *(
            f"{person}/match_{i}.avi,run,{person}"
            for person in "abcd"
            for i in "12"
        ),
    )
    with pytest.raises(ValueError, match="such as match, show people who"):
        folder.list_videos(tmp_path, csv=csv, hold_out_people=2)


def test_a_single_person_to_train_on_is_too_few(tmp_path):
    # The only clip of d may be dealt to validation.
    lines = [f"{p}/{i}.avi,run,{p},{p}{i}" for p in "abc" for i in range(9)]
    lines += ["d.avi,run,d,d"]
    csv = write_csv(tmp_path / "list.csv", "path,action,privacy,source", *lines)
    outcomes = set()
    for seed in range(40):
        try:
            found = folder.list_videos(
                tmp_path, csv=csv, seed=seed, hold_out_people=2
            )
        except ValueError as error:
            assert "fewer than 2 people in train" in str(error)
            outcomes.add("refused")
        else:
            training = {v.id[0] for v in found.videos if v.split == "train"}
            assert len(training) == 2
            outcomes.add("built")
    assert outcomes == {"refused", "built"}


def test_the_manifest_names_who_is_held_out(tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    for person in "abcd":
        for i in range(3):
            write_pngs(raw / person / f"{i}.avi", 2)
    csv = of_people(tmp_path / "list.csv", "abcd", clips=3)
    content = write.build("folder", raw, out, csv=csv, hold_out_people=2)
    held_out = content["held_out_people"]
    tested = content["splits"]["test"]["videos"]
    assert sorted({video[0] for video in tested}) == held_out
    assert len(tested) == 6
    said = f"2 people are held out, who alone are in test: {held_out[0]}, "
    assert said in manifest.summary(content)
    with pytest.raises(ValueError, match="differ in videos"):
        write.build("folder", raw, out, csv=csv, hold_out_people=0)
    manifest.save({**content, "held_out_people": ["x"]}, out / "folder")
    with pytest.raises(ValueError, match="no private label is 'x'"):
        manifest.load(out / "folder")
    del content["held_out_people"]  # as earlier versions wrote it
    manifest.save(content, out / "folder")
    assert "held out" not in manifest.summary(manifest.load(out / "folder"))
