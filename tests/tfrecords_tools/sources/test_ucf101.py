import collections

import pytest
from made_ucf101 import CLASSES
from made_ucf101 import lists
from made_ucf101 import name
from made_ucf101 import names
from made_videos import write_avi

from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import write
from tfrecords_tools.sources import ucf101


@pytest.fixture
def raw(tmp_path):
    """Groups 1 to 7 test and 8 to 25 train, as in the first official lists."""
    for video in names(range(1, 26)):
        path = tmp_path / "UCF-101" / video
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    lists(
        tmp_path / ucf101.LISTS,
        names(range(8, 26)),
        names(range(1, 8)),
        end="\r\n",
    )
    return tmp_path


def groups_of(listing):
    found = collections.defaultdict(set)
    for video in listing.videos:
        found[video.split].add(video.id[-11:-8])
    return found


def test_the_official_lists_split_and_whole_groups_validate(raw):
    listing = ucf101.list_videos(raw)
    assert listing.labels == {"action": CLASSES}
    assert len(listing.videos) == 100
    for video in listing.videos:
        action = CLASSES[video.labels["action"]]
        assert video.id.startswith(f"UCF-101/{action}/v_")
    found = groups_of(listing)
    assert found["test"] == {f"g{group:02d}" for group in range(1, 8)}
    assert len(found["validation"]) == 3
    assert not found["train"] & found["validation"]
    assert found == groups_of(ucf101.list_videos(raw))
    assert found != groups_of(ucf101.list_videos(raw, seed=1))


def test_another_split_has_lists_of_its_own_wherever_they_are(raw, tmp_path):
    elsewhere = tmp_path / "lists"
    lists(elsewhere, names(range(1, 20)), names(range(20, 26)), number=3)
    listing = ucf101.list_videos(raw, split="3", split_dir=elsewhere)
    assert groups_of(listing)["test"] == {f"g{i}" for i in range(20, 26)}
    with pytest.raises(FileNotFoundError, match="no list .*trainlist02.txt"):
        ucf101.list_videos(raw, split="2", split_dir=elsewhere)
    with pytest.raises(ValueError, match="must be 1, 2 or 3. Received: '4'"):
        ucf101.list_videos(raw, split="4")


def test_a_listed_video_that_is_missing_is_kept(raw):
    (raw / "UCF-101" / name(CLASSES[0], 1, 1)).unlink()
    ids = {video.id for video in ucf101.list_videos(raw).videos}
    assert name(CLASSES[0], 1, 1) in ids


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (names(range(8, 26)), names(range(1, 7)), "4 videos are in no list"),
        (
            names(range(8, 26)),
            names(range(1, 9)),
            "on the same 4 videos, such as A",
        ),
        (names([1]), names(range(2, 26)), "has videos of 1 groups"),
    ],
)
def test_contradicting_lists_are_refused(raw, train, test, says):
    lists(raw / ucf101.LISTS, train, test)
    with pytest.raises(ValueError, match=says):
        ucf101.list_videos(raw)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Dance/v_Dance_g01_c01.avi", "its class is not in classInd"),
        ("ApplyEyeMakeup/v_x.avi", "is not <Class>/v_<Class>_g<group>"),
        (f"{name(CLASSES[0], 1, 1)} 2", "is not that of its class, 1"),
    ],
)
def test_odd_lines_are_refused(raw, line, says):
    (raw / ucf101.LISTS / "testlist01.txt").write_text(line)
    with pytest.raises(ValueError, match=says):
        ucf101.list_videos(raw)


def test_classes_are_numbered_from_1_on(raw):
    (raw / ucf101.LISTS / "classInd.txt").write_text("2 Archery\n")
    with pytest.raises(ValueError, match="line 1: '2 Archery' is not '1 <Cl"):
        ucf101.list_videos(raw)


def test_clips_of_16_frames_keep_the_id_of_their_video(tmp_path):
    raw = tmp_path / "raw"
    train, test = names([2, 3], 1), names([1], 1)
    for video, count in zip(
        train + test, (16, 20, 20, 20, 37, 50), strict=True
    ):
        write_avi(raw / "UCF-101" / video, count, size=(32, 24))
    lists(raw / ucf101.LISTS, train, test)
    write.build("ucf101", raw, tmp_path / "out", size=(32, 24))
    folder = tmp_path / "out" / "ucf101"
    content = manifest.load(folder)
    assert (content["target"], content["budget"]) == ("action", None)
    found = collections.Counter(
        clip["video"].numpy().decode()
        for clip in read.clips(
            str(folder / "test-*"),
            labels=("action",),
            size=24,
            clips_per_video=content["clips_per_video"],
        )
    )
    assert found == {f"UCF-101/{test[0]}": 2, f"UCF-101/{test[1]}": 3}
    assert read.count(content, "test", 16) == 5
