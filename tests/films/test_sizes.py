import json
import re
from fractions import Fraction

import cv2
import numpy as np
import pytest
from made_cards import card_of
from made_films import SIZE
from made_films import read_film
from made_films import scene
from made_films import scenes
from made_films import write_film
from PIL import Image
from quick_anonymize import run

import priv_keras
from priv_keras.films import sizes
from priv_keras.films.frame import Format
from priv_keras.films.video import Video

CARD = {**card_of("lite"), "frame_size": [32, 24], "trained_size": [22, 22]}


@pytest.mark.parametrize(
    ("size", "aspect", "expected"),
    [
        ((640, 480), 1, (32, 24)),
        ((1920, 1080), 1, (42, 24)),  # the whole width, at the same scale
        ((1080, 1920), 1, (14, 24)),  # of a phone held upright
        ((720, 576), Fraction(16, 15), (32, 24)),  # pixels are wide
        ((31, 24), 1, (31, 24)),  # has the height already
        ((1, 1000), 1, (2, 24)),
        ((16, 12), 1, (32, 24)),  # as small films are enlarged for training
    ],
)
def test_a_film_gets_the_height_of_training(size, aspect, expected):
    format = Format(size, pixel_aspect=Fraction(aspect))
    assert sizes.processed("trained", format, CARD) == expected
    assert sizes.processed("native", format, CARD) == size
    assert sizes.processed((5, 7), format, CARD) == (5, 7)
    assert sizes.processed("trained", format, None) == size


def test_an_early_card_names_the_square_alone():
    early = {k: v for k, v in CARD.items() if k != "frame_size"}
    format = Format((640, 480))
    assert sizes.processed("trained", format, early) == (30, 22)


def test_a_size_that_needs_too_much_memory_is_refused():
    with pytest.raises(ValueError, match="film.mp4 has frames of .* the limit"):
        sizes.processed("trained", Format((200_000, 1)), CARD, "film.mp4")
    huge = Format(SIZE, pixel_aspect=Fraction(10**9))
    with pytest.raises(ValueError, match="the limit is"):
        sizes.processed("trained", huge, CARD)


def striped(i):
    """Returns a scene under stripes that are finer than 24 lines can show."""
    return (
        scene(i, (64, 96)) // 2
        + 100 * (np.arange(96) % 2).astype("uint8")[:, None, None]
    )


def test_frames_pass_at_the_height_of_training_and_get_their_size_back(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    raw = [striped(i) for i in range(6)]
    write_film(tmp_path / "in.mp4", raw)
    Image.fromarray(scene(3)).save("p.png")
    done = run("in.mp4", "p.png", "-o", "out", card=CARD)
    assert done.status == 0
    assert "anonymized at a height of 24 pixels" in done.errors[0]
    found, _ = read_film("out/in.mp4")
    assert found.shape == (6, 96, 64, 3)
    for picture, before in zip(found, raw, strict=True):
        small = 255 - cv2.resize(before, (16, 24), interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, (64, 96), interpolation=cv2.INTER_LANCZOS4)
        assert np.abs(picture.astype(int) - large).mean() < 4
        # Without it, there would be as much detail as before.
        assert np.abs(picture.astype(int) - (255 - before)).mean() > 20
    small = 255 - cv2.resize(scene(3), (32, 24), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, SIZE, interpolation=cv2.INTER_LANCZOS4)
    np.testing.assert_array_equal(np.asarray(Image.open("out/p.png")), large)


def logged(path):
    with open(f"{path}.json") as file:
        return json.load(file)


def test_an_output_may_have_the_size_of_processing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "in.mp4", scenes(3, (160, 90)), aspect=Fraction(2))
    for name, args in {
        "small.mp4": ("--output_size=processed",),
        "own.mp4": ("--output_size=processed", "--resolution=20x90"),
    }.items():
        assert run("in.mp4", "-o", name, *args, card=CARD).status == 0
    found, _ = read_film("small.mp4")
    assert found.shape == (3, 24, 86, 3)  # 16:9 twice as wide
    assert logged("small.mp4")["size"] == [86, 24]
    assert logged("small.mp4")["anonymized_at"] == [86, 24]
    assert logged("small.mp4")["model"]["training_size"] == [32, 24]
    with Video("own.mp4") as film:
        assert film.format.size == (20, 90)
        assert film.format.pixel_aspect == 16  # looks as wide as before


def test_a_film_that_is_enlarged_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "in.mp4", scenes(3, (16, 12)))
    done = run("in.mp4", "-o", "out.mp4", card=CARD)
    assert done.status == 0
    said = "frames were enlarged from 16x12 to 32x24"
    assert done.errors[-1] == f"warning: in.mp4: {said}"
    assert logged("out.mp4")["warnings"] == [said]
    assert read_film("out.mp4")[0].shape == (3, 12, 16, 3)


@pytest.mark.slow
def test_what_was_measured_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "in.mp4", scenes(2))
    for args, card, said in (
        ((), None, "does not say at which frame size .*, so frames keep their"),
        (("--resolution=native",), CARD, "frames of 32x24; nothing is known"),
        (("--resolution=40x40",), CARD, "frames of 32x24; nothing is known"),
    ):
        done = run("in.mp4", "-o", "out.mp4", "--force", *args, card=card)
        assert re.search(said, done.errors[0])


class Inverter:
    card = CARD

    def stream(self, batches):
        return (255 - frames for frames in batches)


def test_frames_of_a_video_come_at_the_height_of_training(tmp_path):
    path = write_film(tmp_path / "in.mp4", scenes(2, (120, 90)))
    for options, shape in (
        ({}, (24, 32, 3)),
        ({"size": "native"}, (90, 120, 3)),
        ({"size": (10, 20)}, (20, 10, 3)),
    ):
        film = priv_keras.anonymized_video(path, Inverter(), **options)
        assert next(film).shape == shape
