"""Tests of the drawn dataset."""

import itertools

import cv2
import numpy as np
import pytest

from tfrecords_tools.puppets import cast
from tfrecords_tools.puppets import clip as puppet
from tfrecords_tools.puppets import generate
from tfrecords_tools.puppets import scene

APPROACHING, DEPARTING, KICKING, HUGGING, SHAKING = 1, 2, 3, 6, 7
SMALL = (64, 48)
CLEAR = (320, 240)


@pytest.fixture
def white_light(monkeypatch):
    """Shows colours as they are painted."""
    monkeypatch.setattr(scene, "lit", lambda rng, frames: frames)


@pytest.fixture
def one_set(monkeypatch):
    monkeypatch.setattr(cast, "SETS", ("s04s02",))


def painted(frames, colour):
    return (frames == np.array(colour, np.uint8)).all(-1)


def place(frame, number):
    """Returns the mean column of pixels in the colour of an actor's shirt."""
    shirt = cast.ACTORS[number - 1].top.colour
    return np.nonzero(painted(frame, shirt))[1].mean()


def distance(frame, first, second):
    return abs(place(frame, first) - place(frame, second))


def files(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_sets_are_those_of_sbu():
    pairs = {frozenset((name[:3], name[3:])) for name in cast.SETS}
    assert len(cast.SETS) == len(set(cast.SETS)) == 21
    assert len(pairs) == 13
    assert {int(actor[1:]) for actor in itertools.chain(*pairs)} == {
        *range(1, 8)
    }
    assert len(cast.ACTIONS) == 8


@pytest.mark.parametrize("action", range(1, 9))
def test_clip_repeats_and_follows_the_seed(action):
    first = puppet.draw((1, 2), action, size=SMALL, seed=5)
    again = puppet.draw((1, 2), action, size=SMALL, seed=5)
    other = puppet.draw((1, 2), action, size=SMALL, seed=6)
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).mean() > 0.5


def test_clip_shape():
    counts = set()
    for seed in range(8):
        frames = puppet.draw((6, 7), 8, size=(37, 53), seed=seed)
        assert frames.dtype == np.uint8
        assert frames.shape[1:] == (53, 37, 3)
        assert 10 <= len(frames) <= 46
        counts.add(len(frames))
    assert len(counts) > 4


def test_every_action_moves_differently():
    clips = [
        puppet.draw((3, 5), action, size=SMALL, seed=2)
        for action in range(1, 9)
    ]
    for first, second in itertools.combinations(clips, 2):
        difference = np.abs(first.astype(int) - second)
        assert (difference.max((1, 2, 3)) > 60).mean() > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_distance_of_the_actors(white_light, seed):
    def ends(action):
        frames = puppet.draw((1, 6), action, size=CLEAR, seed=seed)
        return distance(frames[0], 1, 6), distance(frames[-1], 1, 6)

    far, near = ends(APPROACHING)
    assert far > 1.8 * near
    near, far = ends(DEPARTING)
    assert far > 1.8 * near
    apart, close = ends(HUGGING)
    assert close < 0.6 * apart


def test_seeds_mirror_the_sides(white_light):
    lefts = {
        place(frames[0], 1) < place(frames[0], 3)
        for frames in (
            puppet.draw((1, 3), SHAKING, size=CLEAR, seed=seed)
            for seed in range(6, 14)
        )
    }
    assert lefts == {True, False}


@pytest.mark.parametrize("number", range(1, 8))
def test_look_does_not_depend_on_the_seed(white_light, number):
    partner = number % 7 + 1
    stranger = partner % 7 + 1
    shirt = cast.ACTORS[number - 1].top.colour
    for seed, action in ((1, KICKING), (3, DEPARTING)):
        seen = puppet.draw((number, partner), action, size=CLEAR, seed=seed)
        gone = puppet.draw((stranger, partner), action, size=CLEAR, seed=seed)
        # About 700 pixels of plain cloth, fewer between printed shapes.
        assert painted(seen, shirt).sum((1, 2)).min() > 100
        assert not painted(gone, shirt).any()


@pytest.mark.parametrize("seed", range(3))
def test_room_knows_neither_actors_nor_action(seed):
    def corners(actors, action):
        frames = puppet.draw(actors, action, size=(160, 120), seed=seed)
        top, bottom = frames[:, :14], frames[:, -5:]
        sides = [
            edge[:, :, part]
            for edge in (top, bottom)
            for part in (slice(14), slice(-14, None))
        ]
        return frames, np.concatenate(sides, 1)

    frames, room = corners((1, 2), SHAKING)
    assert len(np.unique(room.reshape(-1, 3), axis=0)) > 1
    for actors, action in (((5, 3), SHAKING), ((7, 4), KICKING)):
        others, same = corners(actors, action)
        np.testing.assert_array_equal(room, same)
        assert (frames != others).any((1, 2, 3)).all()


def test_rooms_and_lights_differ_between_seeds():
    corners = [
        puppet.draw((1, 2), SHAKING, size=SMALL, seed=seed)[0, 0, 0]
        for seed in range(8)
    ]
    assert len(np.unique(corners, axis=0)) == 8


@pytest.mark.parametrize(
    ("actors", "action", "size", "message"),
    [
        ((1, 1), 1, SMALL, "two different numbers"),
        ((0, 1), 1, SMALL, "1 to 7"),
        ((1, 8), 1, SMALL, "1 to 7"),
        ((1, 2), 0, SMALL, "action=0"),
        ((1, 2), 9, SMALL, "action=9"),
        ((1, 2), 1, (64, 0), r"size=\(64, 0\)"),
    ],
)
def test_clip_refuses(actors, action, size, message):
    with pytest.raises(ValueError, match=message):
        puppet.draw(actors, action, size=size, seed=0)


def test_generate_layout(tmp_path, one_set, monkeypatch, capsys):
    drawn = {}
    draw = puppet.draw

    def spy(actors, action, **keywords):
        drawn[action] = actors, draw(actors, action, **keywords)
        return drawn[action][1]

    monkeypatch.setattr(puppet, "draw", spy)
    root = tmp_path / "new" / "puppets"
    assert generate.generate(root, size=(33, 24), takes=1) == root
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"drawing puppets of 33x24 into {root}: 8 clips ..."
    assert sorted(drawn) == list(range(1, 9))
    wanted = set()
    for action, (actors, frames) in drawn.items():
        assert actors == (4, 2)
        for number, frame in enumerate(frames, start=1):
            name = f"s04s02/{action:02d}/001/rgb_{number:06d}.png"
            wanted.add(name)
            read = cv2.imread(str(root / name))[..., ::-1]
            np.testing.assert_array_equal(read, frame)
    assert set(files(root)) == wanted
    assert list(root.parent.iterdir()) == [root]


def test_takes_and_seeds_differ(tmp_path, one_set, monkeypatch):
    monkeypatch.setattr(cast, "ACTIONS", cast.ACTIONS[:2])
    generate.generate(tmp_path / "a", size=(16, 12), takes=2, seed=1)
    generate.generate(tmp_path / "b", size=(16, 12), takes=1, seed=1)
    generate.generate(tmp_path / "c", size=(16, 12), takes=1, seed=2)
    a, b, c = (files(tmp_path / name) for name in "abc")
    first = {name: data for name, data in a.items() if "/001/" in name}
    assert first == b
    assert b != c
    first, second = (
        a[f"s04s02/01/{take:03d}/rgb_000001.png"] for take in (1, 2)
    )
    assert first != second


def test_workers_do_not_matter(tmp_path, one_set):
    for workers in (1, 2):
        root = tmp_path / str(workers)
        generate.generate(root, size=(16, 12), takes=1, workers=workers)
    assert files(tmp_path / "1") == files(tmp_path / "2")


def test_generate_does_not_overwrite(tmp_path, one_set):
    keep = tmp_path / "keep.txt"
    keep.write_text("mine")
    with pytest.raises(FileExistsError, match="exists already"):
        generate.generate(tmp_path, size=(16, 12), takes=1)
    assert list(tmp_path.iterdir()) == [keep]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_interruption_leaves_nothing(tmp_path, one_set, monkeypatch, error):
    write = generate._write

    def fail(job):
        if job[2] == 3:
            raise error
        assert not (tmp_path / "puppets").exists()
        write(job)

    monkeypatch.setattr(generate, "_write", fail)
    with pytest.raises(error):
        generate.generate(tmp_path / "puppets", size=(16, 12), takes=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [{"takes": 0}, {"workers": 0}])
def test_generate_refuses(tmp_path, wrong):
    with pytest.raises(ValueError, match="want 1 or more"):
        generate.generate(tmp_path / "puppets", **wrong)
    assert not list(tmp_path.iterdir())
