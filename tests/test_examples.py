"""Every example runs, on tiny data."""

import importlib.util
import itertools
import pathlib

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import small_networks
from made_cards import card_of
from made_films import scenes
from made_films import write_film
from made_shards import build_sbu
from run_programs import TINY

from priv_keras.deployment import saved_model
from priv_keras.evaluation import floors
from priv_keras.evaluation.two_step import Protocol
from priv_keras.experiment.shards import Cut
from priv_keras.networks.anonymizer import ANONYMIZERS

FOLDER = pathlib.Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_own_networks_play_a_game():
    game = example("own_networks").main(epochs=1)
    assert game.turns_played() == 8


def test_a_stream_is_anonymized_frame_by_frame(tmp_path, capsys):
    film = tmp_path / "film.mp4"
    write_film(film, scenes(7))
    model = tmp_path / "anonymizer"
    network = ANONYMIZERS["lite"](0.25)
    saved_model.export_saved_model(network, model, card_of("lite"))
    assert example("anonymize_stream").main(film, model) == 7
    assert capsys.readouterr().out == "7 frames\n"


def run_notebook(path, **parameters):
    """Runs the cells of a notebook, with some of its parameters replaced.

    Returns:
        Dict of the names that it leaves behind.
    """
    names = {"__name__": "__main__"}
    for cell in path.read_text().split("\n# %%")[1:]:
        head, _, code = cell.partition("\n")
        exec(compile(code, path, "exec"), names)
        if "parameters" in head:
            assert parameters.keys() <= names.keys()
            names.update(parameters)
    return names


@pytest.mark.slow
def test_the_notebook_plays_judges_and_shows_a_game(tmp_path, monkeypatch):
    build_sbu(tmp_path)
    monkeypatch.setattr(plt, "show", plt.close)
    for name in ("MobileNet", "MobileNetV2"):
        monkeypatch.setattr(keras.applications, name, small_networks.build)
    left = run_notebook(
        FOLDER / "demo_notebook.py",
        FOLDER=tmp_path / "sbu",
        CUT=Cut(frames=2, size=32, frame_size=(43, 32)),
        BATCH=2,
        WARM_UP=5,
        EPOCHS=1,
        TURNS=2,
        ATTACK=2,
        ATTACKERS=("mobilenet_v1_0.25",),
    )
    assert left["game"].turns_played() == 2
    for side in ("raw", "anonymized"):
        attacker, *simple = left["found"][side]["attackers"]
        assert [found["name"] for found in simple] == [*floors.NAMES]
        assert 0 <= attacker["accuracy"] <= 1
    raw, anonymized = np.split(left["picture"], 2)
    assert raw.std() > 0 and (raw != anonymized).any()


@pytest.mark.slow
def test_a_filter_of_ones_own_is_judged(tmp_path):
    build_sbu(tmp_path)
    module = example("judge_any_filter")
    module.SIZE, module.FRAMES = 32, 2
    found = module.main(
        tmp_path / "sbu",
        protocol=Protocol(
            steps=2,
            steps_per_epoch=1,
            patience=2,
            learning_rate=1e-3,
            batch_size=4,
            frames=1,
        ),
        attackers=("mobilenet_v1_0.25",),
    )
    for side in ("raw", "anonymized"):
        for attacker in found[side]["attackers"]:
            assert 0 <= attacker["accuracy"] <= 1
        assert 0 <= found[side]["target"]["accuracy"] <= 1


def test_a_list_of_ones_own_clips_names_person_and_action(tmp_path):
    for person in ("anna", "ben"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "wave_01.mp4").touch()
    example("own_dataset").write_list(tmp_path, tmp_path / "clips.csv")
    lines = (tmp_path / "clips.csv").read_text().splitlines()
    assert lines == [
        "path,action,privacy,source",
        "anna/wave_01.mp4,wave,anna,anna/wave_01.mp4",
        "ben/wave_01.mp4,wave,ben,ben/wave_01.mp4",
    ]


@pytest.mark.slow
def test_ones_own_clips_are_built_and_trained_on(tmp_path):
    frames = itertools.count(8)  # no film is a copy of another
    for person in ("anna", "ben", "cleo"):
        for action in ("wave", "walk"):
            for take in range(4):
                film = tmp_path / "raw" / person / f"{action}_{take:02d}.mp4"
                film.parent.mkdir(parents=True, exist_ok=True)
                write_film(film, scenes(next(frames)))
    out = tmp_path / "out"
    example("own_dataset").main(tmp_path / "raw", out, *TINY)
    assert (out / "run" / "result.json").exists()
