"""Parts of frames that stay raw."""

import json

import numpy as np
import pytest
from made_films import SIZE
from made_films import scene
from PIL import Image
from quick_anonymize import run

from priv_keras.films import pipeline
from priv_keras.films import regions
from priv_keras.films.frame import Frame

slow = pytest.mark.slow


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(scene(3)).save("in.png")
    mask = np.zeros((SIZE[1], SIZE[0]), "uint8")
    mask[5:20, 30:50] = 255
    Image.fromarray(mask).save("mask.png")
    return scene(3)


@pytest.mark.parametrize(
    ("args", "raw"),
    [
        (["--only_region=8,4,16,12"], lambda x, y: not inside(x, y)),
        (
            ["--keep_region=8,4,16,12", "--keep-region=mask.png"],
            lambda x, y: inside(x, y) or masked(x, y),
        ),
        pytest.param(
            ["--only_region=mask.png"],
            lambda x, y: not masked(x, y),
            marks=slow,
        ),
        pytest.param(
            ["--only_region=0,0,64,24", "--keep_region=8,4,16,12"],
            lambda x, y: y >= 24 or inside(x, y),
            marks=slow,
        ),
    ],
)
def test_regions_stay_raw_and_all_else_does_not(picture, args, raw):
    assert run("in.png", "-o", "out.png", *args).status == 0
    expected = np.array(
        [[raw(x, y) for x in range(SIZE[0])] for y in range(SIZE[1])]
    )
    found = np.asarray(Image.open("out.png"))
    np.testing.assert_array_equal(
        found, np.where(expected[..., None], picture, 255 - picture)
    )
    with open("out.png.json") as file:
        log = json.load(file)
    assert log["left_raw"] == pytest.approx(expected.mean())
    assert args[0] in log["flags"]


def inside(x, y):
    return 8 <= x < 24 and 4 <= y < 16


def masked(x, y):
    return 30 <= x < 50 and 5 <= y < 20


@pytest.mark.parametrize("processed", [(16, 12), (13, 11), (100, 90), (10, 90)])
def test_a_pixel_stays_raw_only_if_all_that_it_shows_does(processed):
    raw = regions.raw(SIZE, processed, "film", keep=["8,4,20,16"])
    scale = np.array(SIZE) / processed
    for y, x in np.argwhere(raw):
        left, top = x * scale[0], y * scale[1]
        assert left >= 7.5
        assert top >= 3.5
        assert left + scale[0] <= 28.5
        assert top + scale[1] <= 20.5
    assert raw.any()
    assert not regions.raw(SIZE, processed, "film", only=["0,0,64,48"]).any()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("60,0,5,5", "in.png has frames of 64x48, and the region 60,0,5,5"),
        pytest.param("0,0,0,5", "the region 0,0,0,5", marks=slow),
        ("small.png", "and the mask small.png has 32x24"),
    ],
)
def test_a_region_outside_of_the_frame_is_refused(picture, place, said):
    Image.new("L", (32, 24)).save("small.png")
    done = run("in.png", "-o", "out.png", f"--only_region={place}")
    assert done.status == 1
    assert said in done.errors[-1]


@pytest.mark.slow
def test_a_region_that_is_no_rectangle_and_no_file_is_refused(picture):
    done = run("in.png", "--only_region=1,2,3")
    assert done.status == 1
    assert "must be x,y,w,h, as in 0,0,320,240, or a picture" in done.errors[-1]


@pytest.mark.slow
def test_a_model_that_covers_nothing_has_no_options_of_covers(picture):
    done = run("in.png", "--mosaic=8", "--threshold=0.4")
    assert done.status == 1
    assert "--threshold, --mosaic: only baselines that cover" in done.errors[-1]


def test_a_trained_model_covers_whole_frames_unless_told(picture, tmp_path):
    (tmp_path / "model").mkdir()
    args = ("in.png", "-o", "out.png", "--model=model")
    done = run(*args, "--keep_region=0,0,9,9")
    assert done.status == 1
    assert "measured on whole frames" in done.errors[-1]
    assert run(*args, "--keep_region=0,0,9,9", "--partial").status == 0


def test_frames_that_are_delayed_meet_their_own(tmp_path):
    frames = [np.full((4, 6, 3), i, "uint8") for i in range(9)]
    raw = np.zeros((4, 6), bool)
    raw[:, :2] = True

    def late(batches):
        held = [255 - frames for frames in batches]
        yield from held

    stream = regions.composited(late, raw)
    given = (Frame(pixels, i, 1) for i, pixels in enumerate(frames))
    for i, found in enumerate(pipeline.anonymized(given, stream, 2)):
        assert (found.pixels[:, :2] == i).all()
        assert (found.pixels[:, 2:] == 255 - i).all()
