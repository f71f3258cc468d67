"""Tests of what is refused before TensorFlow or any data is loaded."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver

from flags import parsing
from flags import training
from priv_keras.networks import budgets
from priv_keras.runs import checkpoints
from tfrecords_tools import manifest

ROOT = pathlib.Path(__file__).parents[2]
LABELS = {"action": ["kick", "hug"], "actors": ["a and b", "a and c"]}


def described(folder, **options):
    """Writes a manifest of shards that do not exist."""
    folder.mkdir(parents=True)
    split = {"shards": [], "videos": [], "frames": []}
    content = {
        "dataset": folder.name,
        "options": {"size": [160, 120]},
        "labels": LABELS,
        "multi_label": [],
        "per_frame": [],
        "target": "action",
        "budget": "actors",
        "clips_per_video": 1,
        "splits": {s: split for s in ("train", "validation", "test")},
        "skipped": [],
        "irregularities": [],
        **options,
    }
    manifest.save(content, folder)


@pytest.fixture
def folder(tmp_path):
    """Returns a folder that holds manifests in `data`, and a run in `run`."""
    described(tmp_path / "data" / "sbu")
    described(tmp_path / "data" / "ucf101", budget=None)
    described(tmp_path / "held" / "folder", held_out_people=["a and b"])
    games = tmp_path / "run" / "checkpoints"
    games.mkdir(parents=True)
    name = f"{checkpoints.stem_of(2)}-{'0' * 12}.weights.h5"
    (games / name).write_bytes(b"")
    (tmp_path / "run" / "config.flags").write_text(
        f"--scale=tiny\n--dataset=sbu\n--data_dir={tmp_path}/data\n"
    )
    (tmp_path / "run" / "labels.json").write_text(
        json.dumps({"actions": LABELS["action"], "budget_labels": ["x"]})
    )
    (tmp_path / "file.txt").write_text("")
    (tmp_path / "f_t.weights.h5").write_text("")
    return tmp_path


LITTLE = "--run_dir=new --scale=tiny --baseline=downsample_4"
HELD = f"{LITTLE} --dataset=folder --data_dir=held"
TRAIN = "train --run_dir=new --scale=tiny"
SBU = f"{TRAIN} --dataset=sbu --data_dir=data"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("evaluate --run_dir=rum", "Did you mean run?"),
        ("export --run_dir=nope", "There is no folder --run_dir=nope"),
        ("export --run_dir=data", "holds no trained game"),
        ("evaluate --run_dir=run", "The budget_labels of --data_dir are"),
        ("export --run_dir=run", "The budget_labels of --data_dir are"),
        ("evaluate --run_dir=run --data_dir=x", "No shards in x/sbu"),
        (
            "evaluate --run_dir=run --baseline=downsample_4",
            "holds a trained run. Choose another folder",
        ),
        (f"evaluate {HELD}", "no attacker can name"),
        (f"linkage {LITTLE} --dataset=sbu --data_dir=data", "holds nobody out"),
        (f"linkage {LITTLE}", "--dataset=puppets holds nobody out"),
        (
            f"linkage {HELD} --attackers=resnet_v1_50 --attacker_width=1"
            " --attacker_weights=imagenet",
            "is not for linkage",
        ),
        ("linkage --run_dir=nope", "There is no folder --run_dir=nope"),
        ("export --run_dir=run --baseline=downsample_4", "holds no run of"),
        ("export --run_dir=run --baseline=face_box_blur", "needs a detector"),
        ("export --run_dir=run --format=tflight", "tflite"),
        ("evaluate --run_dir=run --checkpoint=first", "last"),
        ("human_study build --out=s --run_dir=nope", "There is no folder"),
        ("human_study build --out=s --run_dir=run", "The budget_labels of"),
        (f"{TRAIN} --budgets=mobilenet_v3_1.0", "mean mobilenet_v2_1.0?"),
        (f"{TRAIN} --budgets=mobilenet_v2_nan", "and a width above 0"),
        (f"{TRAIN} --attackers=resnet_v1_51", "Did you mean resnet_v1_50?"),
        (f"{TRAIN} --attackers=", "Name one or several attackers"),
        (f"{TRAIN} --attackers=resnet_v1_50,resnet_v1_50", "each once"),
        (f"{TRAIN} --attackers=convnet_1", "of other families"),
        (f"{TRAIN} --baseline=downsample_4", "train plays a game"),
        (f"{TRAIN} --anonymizer=light", "Did you mean lite?"),
        (f"{TRAIN} --target_weights=f_t.weight.h5", "mean f_t.weights.h5?"),
        (f"{TRAIN} --budget_weights=f_b.h5", "f_b.h5 is not there"),
        (
            f"{TRAIN} --budget_weights=imagenet --budgets=mobilenet_v2_0.6",
            "there are no weights of other widths",
        ),
        (f"{TRAIN} --attacker_weights=imagenet", "needs --attacker_width=1"),
        (f"{TRAIN} --method=grl --most_confident=sample", "for --method=entr"),
        (f"{TRAIN} --method=kbeam --reversal_warm_up=3", "for --method=grl"),
        (
            f"{TRAIN} --recipe=none --warm_up_from_raw",
            "Give --warm_up_together as well",
        ),
        (f"{TRAIN} --strategy=mirrored --clip_norm=1", "--clip_norm=1.0"),
        (f"{TRAIN} --strategy=multi_worker", "environment variable TF_CONFIG"),
        (f"{TRAIN} --resume", "There is no run to resume"),
        ("train --run_dir=data --scale=tiny", "files of something else"),
        ("train --run_dir=run --scale=tiny", "another configuration"),
        ("train --run_dir=file.txt --scale=tiny", "file.txt is not a folder"),
        ("train --run_dir=file.txt/a --scale=tiny", "file.txt is not a folder"),
        ("train --run_dir=/proc/a/b --scale=tiny", "/proc cannot be written"),
        (f"{TRAIN} --shared_dir=/proc/x", "--shared_dir=/proc/x: /proc cannot"),
        (f"{TRAIN} --dataset=sbu", "needs --data_dir"),
        (f"{TRAIN} --dataset=hmdb51 --data_dir=data", "No shards in data/hmdb"),
        (f"{TRAIN} --dataset=ucf101 --data_dir=data", "has no budget_labels"),
        (f"{SBU} --attribute_weights=1,2", "has one class for each clip"),
        (
            f"{SBU} --budget_dataset=vispr --budget_batch_size=2",
            "No shards in data/vispr",
        ),
        (
            f"{TRAIN} --budget_dataset=vispr --data_dir=data",
            "No shards in data/vispr",
        ),
        (
            f"{SBU} --recipe=none --budget_dataset=folder "
            "--attacks=retrained,video",
            "--attacks=video needs clips",
        ),
        ("sweep --sweep_dir=s --methods=entropi", "Did you mean entropy?"),
        ("report nope", "nope"),
        (
            "build --dataset=sbu --out_dir=o --raw_dir=ran",
            "no ran. Did you",
        ),
        (
            "build --dataset=sbu --out_dir=o --raw_dir=run --hold_out_people=2",
            "--hold_out_people is only for --dataset=folder",
        ),
        ("build --dataset=puppets --out_dir=/proc/o", "/proc cannot be writt"),
        ("build --dataset=folder --out_dir=o --raw_dir=run --csv=x", "no x."),
        ("verify data", "There are shards in its folders sbu, ucf101"),
        ("anonymize file.txt -o a.mp4 --model=downsampl_4", "mean downsample"),
    ],
)
def test_is_refused_without_tensorflow_and_without_data(folder, command, says):
    before = sorted(folder.rglob("*"))
    name, *args = command.split()
    package = "tfrecords_tools" if name in ("build", "verify") else "priv_keras"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"{package}.{name}", *args],
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PRIV_KERAS_CACHE": str(folder / "cache"),
        },
    )
    said, imported = [], ""
    for line in done.stderr.splitlines():
        if line.startswith("import time:"):
            imported += f"{line}\n"
        else:
            said.append(line)
    (line,) = said
    assert done.returncode == 1
    assert line.startswith("error: ") and says in line
    assert "| flags" in imported
    assert "| tensorflow\n" not in imported
    assert "| keras\n" not in imported
    # No puppets are drawn, and nothing half-written is left.
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    [
        "mobilenet_v2_1",
        "mobilenet_v2_0.35",
        "mobilenet_v2_10",
        "mobilenet_v2_",
        "mobilenet_v2_0",
        "mobilenet_v2_0.0",
        "mobilenet_v2_-1",
        "mobilenet_v2_nan",
        "mobilenet_v2_inf",
        "mobilenet_v2_1e-1",
        "mobilenet_v2_1_0",
        "mobilenet_v2_.5",
        *(
            "mobilenet_v2_١",
            "mobilenet_v2_1\n",
            "convnet_0.25",
            "convnet_0",
            "mobilenet_v1_1",
            "1",
            "resnet",
        ),
    ],
)
def test_flags_and_networks_agree_on_names_of_budget_models(name):
    with flagsaver.flagsaver():
        try:
            parsing.with_scale(["train", f"--budgets={name}"])
            accepted = training.BUDGETS.value == [name]
        except absl_flags.Error:
            accepted = False
    try:
        budgets.parse(name)
    except ValueError:
        assert not accepted
    else:
        # A list strips the white space around each name.
        assert accepted or name != name.strip()
