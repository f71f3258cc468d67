import collections
import json

import pytest
from made_hmdb51 import write_lists
from made_videos import write_avi
from shared_data import SHARED
from shared_data import needs

from tfrecords_tools import manifest
from tfrecords_tools import write
from tfrecords_tools.sources import hmdb51

needs_lists = needs("hmdb51")
needs_pa = needs("pa_hmdb51")
REAL_LISTS = SHARED / "hmdb51" / hmdb51.LISTS
REAL_PA = SHARED / "pa_hmdb51" / "PrivacyAttributes"


def touch(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def by_split(listing):
    found = collections.defaultdict(set)
    for video in listing.videos:
        found[video.split].add(video.id)
    return found


def film(name):
    return hmdb51._film(name)


@pytest.fixture(scope="module")
def all_videos(tmp_path_factory):
    """Makes an empty file for every name of the original."""
    root = tmp_path_factory.mktemp("hmdb51")
    for path in REAL_LISTS.glob("*_test_split1.txt"):
        action = path.name.removesuffix("_test_split1.txt")
        for line in path.read_text().splitlines():
            touch(root, [f"{action}/{line.strip()[:-2]}"])
    return root


@needs_lists
@pytest.mark.parametrize("split", hmdb51.SPLITS)
def test_the_official_lists_train_70_and_test_30_of_each_action(
    all_videos, split
):
    listing = hmdb51.list_videos(all_videos, split=split, split_dir=REAL_LISTS)
    lines = (SHARED / "hmdb51" / "classInd.txt").read_text().splitlines()
    assert listing.labels["action"] == tuple(n.split()[1] for n in lines if n)
    counts = collections.Counter(
        (video.labels["action"], video.split == "test")
        for video in listing.videos
    )
    assert counts == {
        (action, tests): 30 if tests else 70
        for action in range(51)
        for tests in (False, True)
    }
    found = by_split(listing)
    assert len(found["validation"]) == pytest.approx(3570 / 7, abs=5)
    assert all((all_videos / video.id).is_file() for video in listing.videos)
    # No film is in two splits, and every action has a validation clip.
    assert not set(map(film, found["train"])) & set(
        map(film, found["validation"])
    )
    validated = {name.split("/")[0] for name in found["validation"]}
    assert len(validated) == 51
    for letter in "#(!&;[":
        assert any(letter in video.id for video in listing.videos), letter


@needs_lists
@needs_pa
def test_the_515_videos_of_pa_hmdb51_do_not_train(all_videos):
    annotated = {
        f"{path.stem}/{name}"
        for path in REAL_PA.glob("*.json")
        for name in json.loads(path.read_text())
    }
    assert len(annotated) == 515
    whole, without = (
        by_split(
            hmdb51.list_videos(
                all_videos, split_dir=REAL_LISTS, exclude_pa=folder
            )
        )
        for folder in (None, REAL_PA)
    )
    trained = without["train"] | without["validation"]
    assert not trained & annotated
    assert trained == (whole["train"] | whole["validation"]) - annotated
    assert len(trained) == 3570 - 286
    assert without["test"] == whole["test"]


NAMES = [
    f"{action}/{title}_{action}_f_cm_np1_fr_med_{clip}.avi"
    for action in ("run", "sword")
    for title in ("a#1", "b_(x)!", "c&d;e", "f_[HD]", "g", "run_h")
    for clip in range(2)
]


def test_names_survive_and_films_stay_whole(tmp_path):
    touch(tmp_path, NAMES)
    part_of = {name: 2 if "/g_" in name else 1 for name in NAMES}
    part_of[NAMES[0]] = 0
    write_lists(tmp_path / hmdb51.LISTS, part_of)
    listing = hmdb51.list_videos(tmp_path)
    assert listing.labels["action"] == ("run", "sword")
    assert {video.id for video in listing.videos} == set(NAMES[1:])
    found = by_split(listing)
    assert found["test"] == {name for name in NAMES if "/g_" in name}
    assert {film(name) for name in NAMES} == {
        "a#1",
        "b_(x)!",
        "c&d;e",
        "f_[HD]",
        "g",
        "run_h",
    }
    assert not set(map(film, found["train"])) & set(
        map(film, found["validation"])
    )
    assert found != by_split(hmdb51.list_videos(tmp_path, seed=3))


def test_such_names_are_built(tmp_path):
    raw = tmp_path / "raw"
    names = [name for name in NAMES if name.startswith("run/")]
    for name in names[:-1]:
        write_avi(raw / name, 17, size=(32, 24))
    write_avi(raw / names[-1], 15, size=(32, 24))
    write_lists(
        raw / hmdb51.LISTS, {n: 1 + (i == 2) for i, n in enumerate(names)}
    )
    content = write.build("hmdb51", raw, tmp_path / "out", size=(32, 24))
    assert content["skipped"] == [
        {"video": names[-1], "reason": "15 frames, less than 16."}
    ]
    content = manifest.load(tmp_path / "out" / "hmdb51")
    built = [v for part in content["splits"].values() for v in part["videos"]]
    assert sorted(built) == sorted(names[:-1])


def test_what_is_in_no_list_and_odd_lines_are_refused(tmp_path):
    touch(tmp_path, NAMES)
    with pytest.raises(
        FileNotFoundError, match="no lists <action>_test_split1"
    ):
        hmdb51.list_videos(tmp_path)
    write_lists(tmp_path / hmdb51.LISTS, dict.fromkeys(NAMES[1:], 1))
    with pytest.raises(ValueError, match="1 videos are in no list .* run/a#1"):
        hmdb51.list_videos(tmp_path)
    for odd in (f"{NAMES[0]}", "run/x.avi"):
        part = 3 if odd in NAMES else 1
        write_lists(tmp_path / hmdb51.LISTS, {odd: part})
        with pytest.raises(ValueError, match="is not <film>_run_<details>.avi"):
            hmdb51.list_videos(tmp_path)
    with pytest.raises(ValueError, match="Received: '0'"):
        hmdb51.list_videos(tmp_path, split="0")


def test_annotations_that_do_not_fit_are_refused(tmp_path):
    touch(tmp_path, NAMES)
    write_lists(tmp_path / hmdb51.LISTS, dict.fromkeys(NAMES, 1))
    folder = tmp_path / "pa"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match="holds no <action>.json"):
        hmdb51.list_videos(tmp_path, exclude_pa=folder)
    for content in ("{", "[]"):
        (folder / "run.json").write_text(content)
        with pytest.raises(ValueError, match="run.json is damaged"):
            hmdb51.list_videos(tmp_path, exclude_pa=folder)
    (folder / "run.json").write_text('{"x.avi": {}}')
    with pytest.raises(
        ValueError, match="1 videos that are in no list .*run/x"
    ):
        hmdb51.list_videos(tmp_path, exclude_pa=folder)
