"""Tests of games on shards that hold people out, from train to linkage."""

import json

import pytest
from made_videos import write_avi
from run_programs import TINY
from run_programs import run

from priv_keras.evaluation import linkage
from tfrecords_tools import write


@pytest.fixture
def shards(tmp_path):
    lines = ["path,action,privacy,source"]
    for person in "abcdef":
        for action in ("run", "wave"):
            for i in range(3):
                name = f"{person}{action}{i}"
                write_avi(tmp_path / "raw" / f"{name}.avi", 6)
                lines.append(f"{name}.avi,{action},{person},{name}")
    csv = tmp_path / "list.csv"
    csv.write_text("\n".join(lines))
    out = tmp_path / "shards"
    write.build("folder", tmp_path / "raw", out, csv=csv, hold_out_people=2)
    return out


@pytest.mark.slow
def test_a_game_on_held_out_people_is_judged_by_linkage(shards, tmp_path):
    run_dir = tmp_path / "run"
    args = [*TINY, "--dataset=folder", f"--data_dir={shards}", "--nopictures"]
    status, out, err = run("train", *args, f"--run_dir={run_dir}")
    assert status == 0, err
    assert f"priv_keras.linkage --run_dir={run_dir}" in out
    assert "the strongest of" not in out
    assert not (run_dir / "result.json").exists()
    assert (run_dir / "export" / "anonymizer").is_dir()

    status, _, err = run("evaluate", f"--run_dir={run_dir}")
    assert (status, "priv-keras-linkage" in err) == (1, True)

    status, out, err = run("linkage", f"--run_dir={run_dir}")
    assert status == 0, err
    result = json.loads((run_dir / "linkage.json").read_text())
    assert (result["method"], result["turns"]) == ("entropy", 3)
    assert len(result["held_out_people"]) == 2
    assert list(result["attackers"]) == [
        "floor_discriminants",
        "mobilenet_v1_0.25",
    ]
    for found in result["attackers"].values():
        assert list(found) == list(linkage.KINDS)
        for kind in found.values():
            # Each clip is paired with those of the 11 other videos.
            counts = (kind["people"], kind["clips"], kind["pairs"])
            assert counts == (2, 12, 12 * 11)
    assert "lazily informed" in out and "2 people whom no attacker" in out
    kept = (run_dir / "evaluation").rglob("*")
    assert {path.suffix for path in kept if path.is_file()} == {".json"}

    (run_dir / "linkage.json").unlink()
    status, _, err = run("linkage", f"--run_dir={run_dir}")
    assert status == 0, err
    assert json.loads((run_dir / "linkage.json").read_text()) == result
