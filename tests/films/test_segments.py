"""A film as several files."""

import json
import os

import numpy as np
import pytest
from made_films import read_film
from made_films import scene
from made_films import scenes
from made_films import write_film
from PIL import Image
from quick_anonymize import run


@pytest.fixture
def film(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_film(tmp_path / "in.mp4", scenes(70))


def test_segments_together_are_the_film(film):
    raw, _ = read_film(film)
    done = run("in.mp4", "-o", "out.mp4", "--segment=1")
    assert done.status == 0
    names = [f"out_000{i}.mp4" for i in (1, 2, 3)]
    assert sorted(os.listdir()) == [
        "in.mp4",
        *(name + end for name in names for end in ("", ".json")),
    ]
    found = [read_film(name) for name in names]
    assert [len(pictures) for pictures, _ in found] == [25, 25, 20]
    assert [times[0] for _, times in found] == [0, 0, 0]
    pictures = np.concatenate([pictures for pictures, _ in found])
    assert np.abs(255 - raw.astype(int) - pictures).mean() < 14
    with open("out_0003.mp4.json") as file:
        log = json.load(file)
    assert log["frames"] == 20
    assert log["output"]["name"] == "out_0003.mp4"


@pytest.mark.slow
def test_segments_that_exist_are_not_replaced(film):
    with open("out_0002.mp4", "w") as file:
        file.write("mine")
    done = run("in.mp4", "-o", "out.mp4", "--segment=1")
    assert done.status == 1
    assert "out_0002.mp4 exists. Say --force" in done.errors[-1]
    assert sorted(os.listdir()) == ["in.mp4", "out_0002.mp4"]
    assert run("in.mp4", "-o", "out.mp4", "--segment=1", "--force").status == 0
    assert len(read_film("out_0002.mp4")[0]) == 25


def test_a_film_that_breaks_off_leaves_whole_segments_alone(film):
    content = film.read_bytes()
    raw = bytearray(content)
    middle = content.index(b"mdat") + len(content) // 2
    raw[middle : middle + 2000] = b"\xff" * 2000
    film.write_bytes(raw)
    done = run("in.mp4", "-o", "out.mp4", "--segment=0.4", "--batch_size=5")
    assert done.status == 1
    made = [name for name in os.listdir() if name.endswith(".mp4")]
    assert len(made) > 1
    for name in made:
        if name != "in.mp4":
            assert len(read_film(name)[0]) == 10
            assert os.path.exists(f"{name}.json")
    assert not [name for name in os.listdir() if name.endswith(".partial")]


@pytest.mark.slow
def test_sound_is_not_cut(film):
    done = run("in.mp4", "-o", "out.mp4", "--segment=1", "-k")
    assert done.status == 1
    assert "do not go with --keep_audio" in done.errors[-1]


@pytest.mark.slow
def test_a_picture_among_films_stays_one_file(film):
    Image.fromarray(scene(0)).save("p.png")
    done = run("in.mp4", "p.png", "-o", "out", "--segment=2", "--start=0.1")
    assert done.status == 0
    assert sorted(os.listdir("out")) == [
        name + end
        for name in ("in_0001.mp4", "in_0002.mp4", "p.png")
        for end in ("", ".json")
    ]
