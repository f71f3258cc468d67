"""Tests of the trained anonymizers that come with the package."""

import json
import re
import shutil

import numpy as np
import pytest
from made_cards import card_of
from run_programs import run

import priv_keras
from priv_keras.deployment import card
from priv_keras.deployment import presets
from priv_keras.deployment import saved_model
from priv_keras.networks.anonymizer import ANONYMIZERS

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 21, 30, 3), "uint8")


@pytest.mark.parametrize("name", presets.names())
def test_each_is_small_judged_and_plays(name):
    folder = presets.folder(name)
    weights = (folder / "variables").iterdir()
    assert sum(path.stat().st_size for path in weights) < 10**6
    anonymizer = priv_keras.Anonymizer.from_preset(name)
    assert anonymizer(FRAMES).shape == FRAMES.shape
    figures = anonymizer.card["figures"]
    assert figures["judge"] == "standard"
    assert len(figures["attackers"]) > 1
    text = json.dumps(anonymizer.card)
    assert not re.search(r"--\w+=(/|~)", text), "a path of one machine"
    assert name in presets.listing()
    assert f"{name} was trained on" in presets.caution(name)


def test_there_are_some():
    assert presets.names()


def test_what_is_no_preset_is_refused():
    with pytest.raises(ValueError, match="no preset '../x', only "):
        priv_keras.Anonymizer.from_preset("../x")


def test_weights_and_a_card_are_enough(tmp_path):
    network = ANONYMIZERS["lite"](0.25)
    saved_model.export_saved_model(network, tmp_path / "whole", None)
    with card.published(tmp_path / "part", card_of("lite", 0.25)) as partial:
        shutil.copytree(tmp_path / "whole" / "variables", partial / "variables")
    found = priv_keras.Anonymizer.load(tmp_path / "part")
    whole = priv_keras.Anonymizer.load(tmp_path / "whole", trusted=True)
    np.testing.assert_array_equal(found(FRAMES), whole(FRAMES))
    (tmp_path / "part" / card.NAME).unlink()
    with pytest.raises(ValueError, match="no card.json"):
        priv_keras.Anonymizer.load(tmp_path / "part")


def test_they_are_listed_and_named_in_an_error(tmp_path):
    film = tmp_path / "film.mp4"
    film.touch()
    status, out, _ = run("anonymize", "--list_presets")
    assert status == 0
    assert all(name in out for name in presets.names())
    assert "hold for no other film" in out
    nearly = presets.names()[0][:-1]
    status, _, err = run("anonymize", film, f"--model={nearly}")
    assert status == 1
    assert f"Did you mean {presets.names()[0]}?" in err
