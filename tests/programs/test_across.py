"""Tests of whole runs across datasets (Sec. 3.4).

One dataset has actions, the other has private attributes.
"""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from documented_tags import compared
from made_hmdb51 import write_lists
from made_ucf101 import ucf101_shards
from made_videos import write_avi
from made_vispr import vispr_shards

from tfrecords_tools import write
from tfrecords_tools.sources import hmdb51

# Tags that a method has no figure for.
NEVER = {
    "entropy": {"anonymizer/budget_loss", "anonymizer/strongest_budget"},
    "grl": {
        "anonymizer/budget_entropy",
        "anonymizer/privacy_cost",
        "anonymizer/strongest_budget",
    },
    "kbeam": {
        "anonymizer/budget_entropy",
        "anonymizer/privacy_cost",
        "anonymizer/loss",
        "anonymizer/steps",
        "target/loss",
    },
}
ROOT = pathlib.Path(__file__).parents[2]


def hmdb51_shards(folder):
    """Builds shards of two actions, and of one video each for PA-HMDB51.

    The videos of PA-HMDB51 are on the training list.
    """
    for action in ("jump", "walk"):
        names = [f"{i}_{action}_f_cm_np1_ba_med_0.avi" for i in range(10)]
        for name in names:
            write_avi(folder / "videos" / action / name, 20)
        write_lists(
            folder / "videos" / hmdb51.LISTS,
            {f"{action}/{n}": 1 + (i > 7) for i, n in enumerate(names)},
        )
        video = {
            "skin_color": [[0, 19, 1]],
            "face": [[0, 9, 2], [10, 19, 0]],
            "gender": [[0, 4, 1], [5, 19, 0]],
            "nudity": [[0, 9, 0], [12, 19, 1]],
            "relationship": [[0, 19, 0]],
        }
        annotations = folder / "PrivacyAttributes" / f"{action}.json"
        annotations.parent.mkdir(exist_ok=True)
        annotations.write_text(json.dumps({names[0]: video}))
    raw, out = folder / "videos", folder / "shards"
    write.build("hmdb51", raw, out, exclude_pa=annotations.parent)
    write.build("pa_hmdb51", raw, out, annotations=annotations.parent)


def run(*command):
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("across")
    ucf101_shards(folder)
    vispr_shards(folder)
    return folder / "shards"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["grl", "kbeam", "entropy"])
def test_every_method_trains_across_datasets(tmp_path, shards, method):
    args = [
        "--scale=tiny",
        f"--flagfile={ROOT}/flags/recipes/smoke.flags",
        "--dataset=ucf101",
        "--budget_dataset=vispr",
        f"--method={method}",
        f"--data_dir={shards}",
        f"--run_dir={tmp_path}/run",
        f"--shared_dir={shards.parent}/shared",
        "--size=32",
        "--frame_width=43",
        "--frame_height=32",
        "--frames=16",
        "--batch_size=2",
        "--budget_batch_size=4",
        "--budgets=mobilenet_v2_0.35,mobilenet_v2_0.35",
        "--gate_batches=2",
        "--restart_every=1",
        "--max_restart_steps=1",
        "--ascent_steps=2",
        "--attribute_weights=1,2,1,1,1,1,3",
        "--max_iter=1",
    ]
    known = list(shards.parent.glob("shared/*"))
    done = run("tests.helpers.small_networks", "train", *args)
    assert done.returncode == 0, done.stderr
    # What no method changes is computed only once.
    assert ("warm-up of f_T: validation" in done.stdout) == (not known)
    assert len(list(shards.parent.glob("shared/raw/*.json"))) == 2
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    attacker = result["anonymized"]["attackers"][0]
    assert attacker["clips"] == 8  # VISPR's test images
    assert 0 <= attacker["cmap"] <= 1
    assert len(attacker["average_precisions"]) == 7
    assert result["anonymized"]["target"]["videos"] == 12  # UCF101's
    # Attributes have no confusion matrix.
    of_one = {"confusion/(raw|anonymized)/private"}
    assert compared(tmp_path / "run") == (NEVER[method] | of_one, set())
    # cMAP counts only attributes that some clip shows.
    shown = [share for share in attacker["prevalence"] if share > 0]
    assert result["chance"]["budget_labels"]["majority"] == pytest.approx(
        sum(shown) / len(shown)
    )


@pytest.mark.slow
def test_pa_hmdb51_tests_what_other_datasets_taught(tmp_path, shards):
    hmdb51_shards(tmp_path)
    five = shards.parent / "shards_of_sec55" / "vispr"
    shutil.copytree(five, tmp_path / "shards" / "vispr")
    done = run(
        "priv_keras.train",
        "--scale=tiny",
        f"--flagfile={ROOT}/flags/recipes/smoke.flags",
        f"--flagfile={ROOT}/flags/recipes/pa_hmdb51.flags",
        f"--data_dir={tmp_path}/shards",
        f"--run_dir={tmp_path}/run",
        "--size=32",
        "--frame_width=43",
        "--frame_height=32",
        "--frames=16",
        "--batch_size=2",
        "--budget_batch_size=4",
        "--max_iter=1",
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    for side in ("raw", "anonymized"):
        assert result[side]["target"]["videos"] == 2
        (attacker,) = result[side]["attackers"]
        assert (attacker["clips"], attacker["videos"]) == (40, 2)  # frames
        # The nudity of two frames of each video is not known.
        expected = [1, 0.5, 0.25, 8 / 18, 0]
        assert attacker["prevalence"] == pytest.approx(expected)
        # No frame shows a relationship, so there is nothing to find.
        assert [p is None for p in attacker["average_precisions"]] == [
            *[False] * 4,
            True,
        ]


def test_shards_of_other_attributes_do_not_test_these(tmp_path, shards):
    hmdb51_shards(tmp_path)
    shutil.copytree(shards / "vispr", tmp_path / "shards" / "vispr")
    refused = run(
        "priv_keras.train",
        "--scale=tiny",
        f"--flagfile={ROOT}/flags/recipes/pa_hmdb51.flags",
        f"--data_dir={tmp_path}/shards",
        f"--run_dir={tmp_path}/run",
    )
    assert refused.returncode == 1
    assert "of vispr with --attributes=sec55" in refused.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--dataset=ucf101"], "ucf101 has no budget_labels"),
        (
            [
                "--dataset=ucf101",
                "--budget_dataset=vispr",
                "--budget_batch_size=4",
                "--budget_frames=1",
                "--attribute_weights=1,2",
            ],
            "--attribute_weights has 2 numbers",
        ),
        (
            [
                "--dataset=ucf101",
                "--budget_dataset=vispr",
                "--budget_batch_size=4",
                "--budget_frames=1",
                "--attacks=retrained,video",
            ],
            "--attacks=video needs clips of --frames frames with",
        ),
        (
            ["--dataset=ucf101", "--budget_dataset=vispr"],
            "--budget_dataset needs --budget_batch_size",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path, shards, flags, says):
    refused = run(
        "priv_keras.train",
        "--scale=paper",
        f"--data_dir={shards}",
        f"--run_dir={tmp_path}/run",
        *flags,
    )
    assert refused.returncode != 0
    assert says in " ".join((refused.stderr + refused.stdout).split())
    assert not (tmp_path / "run").exists()
