"""Tests of the folder that a model hub takes."""

import json

import numpy as np
import pytest
from made_cards import card_of

import priv_keras
from priv_keras.deployment import card
from priv_keras.deployment import hub
from priv_keras.deployment import saved_model
from priv_keras.deployment import tflite
from priv_keras.networks.anonymizer import ANONYMIZERS

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 21, 30, 3), "uint8")
FLAGS = "--gamma=1.5\n--data_dir=/home/ann/shards\n--shared_dir=~ann\n"
FLAGS += "--target_weights=../ann/f_t.weights.h5\n"
SCORE = {"value": 0.25, "interval": [0.1, 0.4], "name": "floor_kernel"}
FIGURES = {
    "target": {**SCORE, "value": 0.75},
    "raw_target": SCORE,
    "attackers": [SCORE],
    "raw_attackers": [SCORE],
    "strongest": SCORE,
    "chosen": None,
    "judge": "standard",
    "attacks": [],
    "chance": {"actions": 0.1, "budget_labels": 0.1},
}


def exports(root, **more):
    """Returns the folders of a SavedModel and of a TFLite file."""
    network = ANONYMIZERS["lite"](0.25)
    about = {**card_of("lite", 0.25), "flags": FLAGS, **more}
    about["data"] = {"dataset": "puppets, options 12ab"}
    saved_model.export_saved_model(network, root / "anonymizer", about)
    with card.published(root / "tflite_float32", about) as partial:
        (partial / tflite.TFLITE_FILE).write_bytes(b"weights")
    return [root / "anonymizer", root / "tflite_float32"]


def metadata(page):
    """Returns what stands above a page, whose values are JSON."""
    _, head, _ = page.split("---\n", 2)
    pairs = (line.split(": ", 1) for line in head.splitlines())
    return {key: json.loads(value) for key, value in pairs}


def test_what_was_exported_is_loaded_from_a_copy_of_the_folder(tmp_path):
    folder = tmp_path / "hub"
    made = exports(tmp_path / "export")
    hub.write(folder, made)
    (folder / ".cache").mkdir()  # as the hub's own program leaves one
    found = priv_keras.Anonymizer.from_preset(str(folder))
    before = priv_keras.Anonymizer.load(made[0])
    np.testing.assert_array_equal(found(FRAMES), before(FRAMES))
    assert card.check(folder / "tflite_float32")
    rules = (folder / ".gitattributes").read_text()
    assert "*.tflite filter=lfs" in rules


def test_no_path_of_a_machine_is_published(tmp_path):
    folder = tmp_path / "hub"
    hub.write(folder, exports(tmp_path / "export"))
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"ann/" not in content and b"~ann" not in content, path
    assert "--gamma=1.5" in (folder / "README.md").read_text()


def test_the_page_has_the_figures_for_people_and_for_programs(tmp_path):
    folder = tmp_path / "hub"
    hub.write(folder, exports(tmp_path / "export", figures=FIGURES))
    page = (folder / "README.md").read_text()
    assert "A_T 0.750 [0.100, 0.400]" in page
    assert "Nothing is known about other attackers" in page
    (found,) = metadata(page)["model-index"][0]["results"]
    assert found["dataset"] == {"name": "puppets", "type": "puppets"}
    assert [(x["type"], x["value"]) for x in found["metrics"]] == [
        ("A_T", 0.75),
        ("A_B", 0.25),
    ]


def test_an_anonymizer_that_was_not_judged_has_no_figures(tmp_path):
    hub.write(tmp_path / "hub", exports(tmp_path / "export", figures=None))
    page = (tmp_path / "hub" / "README.md").read_text()
    assert "Not judged." in page
    assert "model-index" not in metadata(page)


def test_an_export_that_was_changed_is_not_published(tmp_path):
    made = exports(tmp_path / "export")
    (made[1] / "added").touch()
    with pytest.raises(ValueError, match="added .* is not what"):
        hub.write(tmp_path / "hub", made)
    assert not list(tmp_path.glob("hub*"))
