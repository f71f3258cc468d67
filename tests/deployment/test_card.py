import hashlib
import json

import pytest

from priv_keras.deployment import card
from priv_keras.runs import results

DESCRIBED = {
    "format": "tflite_int8",
    "anonymizer": "lite",
    "arguments": {"width": 0.5, "dtype_policy": "mixed_bfloat16"},
    "turns": 70,
    "date": "2025-01-01T00:00:00+00:00",
    "frame_size": [160, 120],
    "trained_size": [112, 96],
    "psnr": 38.25,
    "data": {"dataset": "puppets, options abc"},
    "versions": {"TensorFlow": "2.21.0"},
    "flags": "--gamma=1.5\n",
    "figures": None,
}


def score(value, **names):
    return {**names, "accuracy": value, "interval": [value - 0.1, value + 0.1]}


RESULT = {
    "turns": 70,
    "raw": {
        "target": score(0.9),
        "attackers": [score(0.8, name="weak"), score(0.99, name="strong")],
    },
    "anonymized": {
        "target": score(0.85),
        "attackers": [score(0.2, name="weak"), score(0.3, name="strong")],
    },
    "attacks": [
        score(0.15, attack="static", name="weak"),
        {"attack": "inversion", "name": "unet", "psnr": 12.0},
    ],
    "chance": {
        "actions": {"majority": 0.25},
        "budget_labels": {"majority": 0.1},
    },
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    with card.published(folder, DESCRIBED) as partial:
        (partial / "variables").mkdir()
        (partial / "variables" / "data").write_bytes(b"weights")
        (partial / "graph.pb").write_bytes(b"graph")
    return folder


def test_a_card_lists_every_file_and_holds(folder):
    found = card.check(folder)
    assert set(found["files"]) == {"graph.pb", "variables/data"}
    assert found["files"]["graph.pb"] == hashlib.sha256(b"graph").hexdigest()
    assert found["flags"] == "--gamma=1.5\n"


def test_a_page_says_what_the_card_says(folder):
    text = (folder / "card.md").read_text()
    assert "112x96 pixels, cut from frames of 160x120 pixels." in text
    for said in ("Not judged.", "38.2", "puppets", "--gamma=1.5"):
        assert said in text
    assert "`--anonymizer=lite` (width 0.5, dtype_policy mixed_bfloat16)" in (
        text
    )
    card.amend(folder, card.figures(RESULT))
    text = (folder / "card.md").read_text()
    assert "Not judged." not in text
    assert "A_B^2 0.300 [0.200, 0.400], the strongest of 2" in text
    assert "| A_T | 0.850 [0.750, 0.950] | 0.900 [0.800, 1.000] | 0.250 |" in (
        text
    )
    assert "| A_B, static: weak | 0.150 [0.050, 0.250] |  |  |" in text
    assert card.SCOPE in text
    assert card.check(folder)["figures"]["target"]["value"] == 0.85


def test_a_page_says_of_a_baseline_that_nobody_trained_it():
    made = {**DESCRIBED, "anonymizer": "downsample_4", "turns": 0, "files": {}}
    made["arguments"] = {"dtype_policy": "float32"}
    text = card.page({**made, "scope": card.SCOPE})
    assert "The baseline `downsample_4` (dtype_policy float32) of " in text
    assert "which nobody trained" in text


def test_a_page_names_attackers_that_were_stopped(folder):
    result = json.loads(json.dumps(RESULT))
    weak, strong = result["anonymized"]["attackers"]
    weak["converged"], strong["converged"] = False, True
    card.amend(folder, card.figures(result))
    text = (folder / "card.md").read_text()
    assert "Still learning when --attacker_steps ended: weak. With" in text


def test_a_page_says_that_a_run_ended_at_chance(folder):
    result = json.loads(json.dumps(RESULT))
    card.amend(folder, card.figures(result))
    assert "AT CHANCE" not in (folder / "card.md").read_text()
    chance = result["chance"]["actions"]["majority"]
    result["anonymized"]["target"]["interval"] = [chance, 1.0]
    card.amend(folder, card.figures(result))
    assert "**THIS RUN ENDED AT CHANCE" in (folder / "card.md").read_text()


def test_a_page_marks_networks_below_the_floor(folder):
    result = json.loads(json.dumps(RESULT))
    for side in ("raw", "anonymized"):
        floor = score(0.25, name="floor_linear", converged=True)
        result[side]["attackers"].append(floor)
    card.amend(folder, card.figures(result))
    text = (folder / "card.md").read_text()
    assert "| A_B, weak (below the floor) | 0.200" in text
    assert "| A_B, strong | 0.300" in text
    assert "show nothing about f_A: weak." in text


def test_a_page_names_an_attack_that_reads_more(folder):
    more = [
        score(0.95, attack=results.RAW_VIDEO, name="c3d"),
        score(0.6, attack="inversion", name="weak"),
    ]
    attacked = {**RESULT, "attacks": [*RESULT["attacks"], *more]}
    found = {**DESCRIBED, "scope": "", "files": {}}
    page = card.page({**found, "figures": card.figures(attacked)})
    assert "Another attack reads more: inversion (weak), 0.600" in page
    # An attack on raw clips is in their column.
    assert "| A_B, video, on raw clips: c3d |  | 0.950 [" in page
    plain = card.page({**found, "figures": card.figures(RESULT)})
    assert "reads more" not in plain


def test_attributes_have_a_cmap():
    result = json.loads(json.dumps(RESULT).replace("accuracy", "cmap"))
    assert card.figures(result) == card.figures(RESULT)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda f: (f / "graph.pb").write_bytes(b"grapf"), "graph.pb"),
        (lambda f: (f / "variables" / "data").unlink(), "variables/data"),
        (lambda f: (f / "more.pb").write_bytes(b""), "more.pb"),
    ],
)
def test_a_file_that_the_card_does_not_describe_is_refused(folder, harm, named):
    harm(folder)
    with pytest.raises(ValueError, match=f"^{named} in .* is not what card"):
        card.check(folder)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"files": 3}', "[" * 100_000, " " * 2_000_000]
)
def test_a_damaged_card_is_refused(folder, text):
    (folder / "card.json").write_text(text)
    with pytest.raises(ValueError, match="card.json is damaged"):
        card.check(folder)


@pytest.mark.parametrize(
    "said",
    [
        {"trained_size": [112]},
        {"trained_size": ["\x1b[2J", 112]},
        {"trained_size": [0, 112]},
        {"files": {"../../x": 3}},
        {"anonymizer": ["lite"]},
        {"arguments": {"width": [[]]}},
        {"turns": "\n"},
        {"psnr": {}},
        {"flags": None},
    ],
)
def test_a_card_of_other_types_is_refused(folder, said):
    known = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**known, **said}))
    with pytest.raises(ValueError, match="card.json is damaged") as error:
        card.check(folder)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def test_names_do_not_command_a_terminal(folder):
    (folder / "\x1b[2J\n").write_bytes(b"")
    with pytest.raises(ValueError, match=r"'\\x1b\[2J\\n' in .* is not what"):
        card.check(folder)


def test_files_elsewhere_are_not_looked_at(folder):
    known = json.loads((folder / "card.json").read_text())
    known["files"]["../../etc/passwd"] = "0" * 64
    (folder / "card.json").write_text(json.dumps(known))
    with pytest.raises(ValueError, match="etc/passwd in .* it is missing"):
        card.check(folder)


def test_a_card_of_an_earlier_version_holds(folder):
    known = json.loads((folder / "card.json").read_text())
    del known["arguments"], known["frame_size"]
    (folder / "card.json").write_text(json.dumps(known))
    card.check(folder)
    card.amend(folder, card.figures(RESULT))
    assert "`--anonymizer=lite`, after 70 turns" in (
        (folder / "card.md").read_text()
    )


def test_without_a_card_nothing_is_checked(tmp_path):
    assert card.check(tmp_path) is None


def test_what_fails_leaves_what_was_there(folder):
    before = card.check(folder)
    with (
        pytest.raises(RuntimeError),
        card.published(folder, DESCRIBED) as partial,
    ):
        (partial / "half").write_bytes(b"")
        raise RuntimeError
    assert card.check(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
