"""Tests of whole runs on tiny shards, from command line to exported model."""

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import termios
import time
import types

import numpy as np
import pytest
import tensorflow as tf
from absl import flags as absl_flags
from absl.testing import flagsaver
from broken_shards import flip
from broken_shards import spoil_frames
from broken_shards import without
from disks import fill
from disks import mounted
from documented_tags import compared
from made_videos import sbu_folder
from played_games import events
from run_programs import SMALL
from run_programs import SMALL_NETWORKS
from run_programs import program
from run_programs import run
from run_programs import start
from toys import cluster
from traces import traces

import priv_keras
from priv_keras import baselines
from priv_keras import train
from priv_keras.deployment import card
from priv_keras.experiment import game
from priv_keras.experiment import judge
from priv_keras.runs import checkpoints
from tfrecords_tools import write


@pytest.fixture(scope="module")
def shards(once):
    def sbu_shards(folder):
        write.build("sbu", sbu_folder(folder / "raw"), folder / "shards")

    return once(sbu_shards) / "shards"


# Runs `train` on a machine with two devices.
TWO_DEVICES = """
import tensorflow as tf
from tests.helpers import small_networks
small_networks.install()
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
from priv_keras import train
train.run()
"""


def read_screen(screen):
    """Yields what a program writes to a pseudo-terminal until it ends."""
    with contextlib.suppress(OSError):  # raised at the end
        while True:
            yield os.read(screen, 4096).decode(errors="replace")


@pytest.fixture(scope="module")
def on_a_terminal(shards, once):
    """Returns a run that was not stopped, its output, and what a user saw."""

    def run_on_a_terminal(folder):
        args = [*SMALL, f"--data_dir={shards}", f"--run_dir={folder / 'run'}"]
        screen, errors = pty.openpty()
        size = struct.pack("4H", 24, 120, 0, 0)  # rows, columns, pixels
        fcntl.ioctl(errors, termios.TIOCSWINSZ, size)
        process = start(*SMALL_NETWORKS, "train", *args, stderr=errors)
        os.close(errors)
        shown = "".join(read_screen(screen))
        out, _ = process.communicate()
        assert process.returncode == 0, shown
        (folder / "said.json").write_text(json.dumps([out, shown]))

    folder = once(run_on_a_terminal)
    return folder / "run", *json.loads((folder / "said.json").read_text())


@pytest.fixture(scope="module")
def whole(on_a_terminal):
    return on_a_terminal[0]


def kill_in_game(run_dir, args):
    """Starts a run, and kills it once it has saved a turn."""
    process = program("train", *args)
    while not checkpoints.files(run_dir / "checkpoints", checkpoints.TURNS):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (run_dir / "result.json").exists()


@pytest.fixture(scope="module")
def killed_and_resumed(shards, once):
    """Returns a run that was killed after its first turn and then resumed."""

    def run_killed_and_resumed(folder):
        args = [*SMALL, f"--data_dir={shards}", f"--run_dir={folder / 'run'}"]
        kill_in_game(folder / "run", args)
        status, out, err = run("train", *args, "--resume")
        assert status == 0, err
        assert "\r" not in err  # because it is not a terminal
        (folder / "out.txt").write_text(out)

    folder = once(run_killed_and_resumed)
    return folder / "run", (folder / "out.txt").read_text()


@pytest.fixture
def run_dir(whole, tmp_path):
    """Returns a copy of a run that a test may judge and export again."""
    return shutil.copytree(whole, tmp_path / "run")


@pytest.mark.slow
def test_a_killed_run_goes_on_to_a_complete_run_folder(killed_and_resumed):
    run_dir, out = killed_and_resumed
    assert "resumed after turn" in out
    assert "warm-up of f_T" not in out
    assert "A_B^1, the strongest of 1 attackers" in out
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").open()]
    assert [line["turn"] for line in lines if "loss" in line] == [1, 2, 3]
    assert {path.name for path in run_dir.iterdir()} == {
        "before_after.png",
        "before_after.webp",
        "checkpoints",
        "config.flags",
        "evaluation",
        "export",
        "labels.json",
        "metrics.jsonl",
        "result.json",
        "tensorboard",
    }


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(whole, killed_and_resumed):
    """One was shown on a terminal, and the other was not."""
    expected, found = traces(whole), traces(killed_and_resumed[0])
    for name in expected:
        assert expected[name]
        assert found[name] == expected[name], name


# Tags that the documentation lists, but such a run does not write: those of
# restarts, of a game against the loss of f_B, of attributes, and of the clock.
WITHOUT = {
    *(f"restart_budget_[0-9]+/{x}" for x in ("steps", "gate_accuracy")),
    "restart_budget_[0-9]+/gave_up",
    "anonymizer/budget_loss",
    "anonymizer/strongest_budget",
    "precision_recall/(raw|anonymized)/private/.+/pr_curves",
    "speed/input_wait_share",
}


@pytest.mark.slow
def test_event_files_have_what_readme_lists(whole, killed_and_resumed):
    """They have it for every turn, also in the run that was killed."""
    for run_dir in (whole, killed_and_resumed[0]):
        assert compared(run_dir) == (WITHOUT, set())
        steps = {}
        for tag, step in events(run_dir / "tensorboard"):
            steps.setdefault(tag, []).append(step)
        for tag in ("target/loss", "budget_0/steps", "pictures/moving"):
            assert sorted(steps[tag]) == [1, 2, 3]
        assert sorted(steps["speed/seconds_per_turn"]) == [1, 2, 3]


@pytest.mark.slow
def test_on_a_terminal_each_phase_is_a_bar(on_a_terminal):
    _, out, shown = on_a_terminal
    assert "turn    3/3  validation A_T" in out
    for phase in (
        "warm-up of f_A",
        "warm-up of f_T",
        "warm-up of f_B^0",
        "decoding train clips",
        "filtering test clips",
        "mobilenet_v1_0.25 on raw clips",
        "f_T on raw clips",
    ):
        assert f"\r{phase}:" in shown, shown
    assert re.search(r"\rgame: .*/3 .*A_T 0\.\d+ A_B 0\.\d+ ", shown), shown


@pytest.mark.slow
def test_tensorboard_is_told_of_each_checkpoint_that_is_judged(whole, tmp_path):
    """Judging again replaces the events; an earlier checkpoint adds its own."""
    run_dir = shutil.copytree(whole, tmp_path / "run")
    first = set(traces(run_dir)["events"])
    evaluate(run_dir)
    assert set(traces(run_dir)["events"]) == first
    checkpoints.files(run_dir / "checkpoints", checkpoints.TURNS)[-1].unlink()
    evaluate(run_dir)
    both = set(traces(run_dir)["events"])
    assert first < both
    for tag in ("anonymized/A_B", "confusion/anonymized/private"):
        assert {step for step, found, _ in both if found == tag} == {2, 3}


def evaluate(run_dir):
    status, _, err = run("evaluate", f"--run_dir={run_dir}")
    assert status == 0, err


@pytest.mark.slow
def test_sigterm_in_an_epoch_loses_no_turn(shards, tmp_path):
    one_epoch = [*SMALL, "--turns_per_epoch=3", f"--data_dir={shards}"]
    status, _, err = run("train", *one_epoch, f"--run_dir={tmp_path / 'a'}")
    assert status == 0, err
    args = [*one_epoch, f"--run_dir={tmp_path / 'b'}"]
    process = program("train", *args)
    metrics = tmp_path / "b" / "metrics.jsonl"
    while not metrics.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143, err
    status, out, err = run("train", *args, "--resume")
    assert status == 0, err
    assert "resumed after turn" in out
    expected, found = traces(tmp_path / "a"), traces(tmp_path / "b")
    for each in (expected, found):  # the signal saved another one
        each["games"] = each["games"][3]
    for name in expected:
        assert found[name] == expected[name], name


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["gone", "damaged"])
def test_a_shard_that_breaks_while_a_run_reads_it_is_named(
    shards, tmp_path, fault
):
    shutil.copytree(shards, tmp_path / "shards")
    run_dir = tmp_path / "run"
    args = [*SMALL, f"--data_dir={tmp_path / 'shards'}", f"--run_dir={run_dir}"]
    process = program("train", *args)
    while not checkpoints.files(run_dir / "checkpoints", checkpoints.TURNS):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    broken = next((tmp_path / "shards" / "sbu").glob("train-*"))
    if fault == "gone":
        broken.unlink()
    else:
        content = broken.read_bytes()
        broken.write_bytes(content[:100] + bytes(len(content) - 100))
    _, err = process.communicate()
    assert process.returncode == 1
    assert "shard" in error(err).lower()


@pytest.mark.slow
def test_a_run_goes_on_when_its_full_disk_has_room_again(
    shards, whole, tmp_path
):
    with mounted(tmp_path / "disk", "size=500m") as disk:
        run_dir = disk / "run"
        args = [*SMALL, f"--data_dir={shards}", f"--run_dir={run_dir}"]
        process = program("train", *args)
        games = run_dir / "checkpoints"
        while not checkpoints.files(games, checkpoints.TURNS):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        fill(disk / "filler")
        _, err = process.communicate()
        assert process.returncode == 1
        assert error(err).startswith("error: The disk is full")
        saved = checkpoints.files(games, checkpoints.TURNS)
        assert all(map(checkpoints.is_whole, saved))
        (disk / "filler").unlink()
        status, out, err = run("train", *args, "--resume")
        assert status == 0, err
        assert "resumed after turn" in out
        expected, found = traces(whole), traces(run_dir)
        for name in expected:
            assert found[name] == expected[name], name


def test_a_folder_that_cannot_be_written_is_named(shards, tmp_path):
    with mounted(tmp_path / "disk", "ro") as disk:
        args = [*SMALL, f"--data_dir={shards}", f"--run_dir={disk / 'run'}"]
        status, _, err = run("train", *args)
        assert status == 1
        assert "cannot be written (Read-only file system)" in error(err)
        assert str(disk) in error(err)


@pytest.mark.slow
def test_a_run_without_its_broken_records_is_one_that_never_had_them(
    shards, tmp_path
):
    """This also holds if the run is killed and resumed."""
    names = ("never", "broken")
    for name in names:
        shutil.copytree(shards, tmp_path / name)
    never, broken = (
        next((tmp_path / name / "sbu").glob("train-*")) for name in names
    )
    without(never, [1, 4])
    args = [*SMALL, f"--data_dir={never.parents[1]}"]
    status, _, err = run("train", *args, f"--run_dir={tmp_path / 'a'}")
    assert status == 0, err

    spoil_frames(broken, 4)
    flip(broken, 1, 60)
    run_dir = tmp_path / "b"
    args = [*SMALL, "--bad_records=skip:2", f"--data_dir={broken.parents[1]}"]
    args.append(f"--run_dir={run_dir}")
    kill_in_game(run_dir, args)
    status, out, err = run("train", *args, "--resume")
    assert status == 0, err
    assert (
        out.count(f"left out 2 broken of the records of sbu/{broken.name}") == 2
    )
    expected, found = traces(tmp_path / "a"), traces(run_dir)
    for name in expected:
        assert found[name] == expected[name], name


@pytest.mark.slow
def test_a_game_on_two_devices_is_judged_and_exported(shards, tmp_path):
    args = [*SMALL, "--max_iter=1", f"--data_dir={shards}"]
    args += ["--strategy=mirrored", f"--run_dir={tmp_path / 'run'}"]
    process = start("-c", TWO_DEVICES, *args)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "A_B^1, the strongest of 1 attackers" in out
    assert (tmp_path / "run" / "export" / "anonymizer").is_dir()


@pytest.mark.slow
def test_of_two_workers_the_first_writes_a_run_to_judge(shards, tmp_path):
    run_dir = tmp_path / "run"
    args = [*SMALL, "--max_iter=1", f"--data_dir={shards}"]
    args += ["--strategy=multi_worker", f"--run_dir={run_dir}"]
    workers = start_two(*args)
    said = [worker.communicate(timeout=600) for worker in workers]
    for worker, (_, err) in zip(workers, said, strict=True):
        assert worker.returncode == 0, err
    assert f"priv_keras.evaluate --run_dir={run_dir}" in said[0][0]
    assert said[1][0] == ""
    assert len((run_dir / "metrics.jsonl").read_text().splitlines()) == 2
    assert (run_dir / "export" / "anonymizer").is_dir()
    status, out, err = run("evaluate", f"--run_dir={run_dir}")
    assert status == 0, err
    assert "A_B^1, the strongest of 1 attackers" in out


def start_two(*args):
    """Starts `train` as two workers, and returns their processes."""
    return [
        start(*SMALL_NETWORKS, "train", *args, TF_CONFIG=config)
        for config in cluster(2)
    ]


def end(workers):
    """Waits for workers, and asserts that each ends with status 0."""
    for worker in workers:
        _, err = worker.communicate(timeout=600)
        assert worker.returncode == 0, err


@pytest.mark.slow
def test_where_a_worker_is_killed_the_other_says_so_and_both_go_on(
    shards, tmp_path
):
    run_dir = tmp_path / "run"
    args = [*SMALL, "--strategy=multi_worker", "--max_iter=9", "--keep=9"]
    args += [f"--data_dir={shards}", f"--run_dir={run_dir}"]
    games, saved = run_dir / "checkpoints", []
    for victim, more in ((0, []), (1, ["--resume"])):
        workers = start_two(*args, *more)
        while checkpoints.files(games, checkpoints.TURNS) == saved:
            for worker in workers:
                assert worker.poll() is None, worker.communicate()
            time.sleep(0.05)
        workers[victim].kill()
        workers[victim].communicate()
        survivor = workers[1 - victim]
        _, err = survivor.communicate(timeout=120)
        assert survivor.returncode == 1
        assert error(err).startswith("error: Another worker is gone (")
        assert "--resume" in error(err)
        saved = checkpoints.files(games, checkpoints.TURNS)
        assert all(map(checkpoints.is_whole, saved))
        assert checkpoints.turn_of(saved[-1]) < 9
    end(start_two(*args, "--resume"))
    assert (run_dir / "export" / "anonymizer").is_dir()
    assert set(saved) < set(checkpoints.files(games, checkpoints.TURNS))
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").open()]
    assert [x["turn"] for x in lines if "loss" in x] == list(range(1, 10))


def test_the_result_names_every_attacker(whole):
    result = json.loads((whole / "result.json").read_text())
    for side in ("raw", "anonymized"):
        (attacker,) = result[side]["attackers"]
        assert attacker["name"] == "mobilenet_v1_0.25"
        assert 0 <= attacker["accuracy"] <= 1
        assert 0 <= result[side]["target"]["accuracy"] <= 1
    assert result["chance"]["actions"]["majority"] >= 0.5
    assert result["turns"] == 3


def test_the_exported_anonymizer_serves_any_size(whole):
    folder = whole / "export" / "anonymizer"
    frames = np.random.randint(0, 256, (2, 21, 30, 3), "uint8")
    model = tf.saved_model.load(str(folder))  # kept alive for its variables
    served = model.serve(frames)
    assert served.shape == frames.shape
    assert served.dtype == tf.uint8


def test_evaluate_and_export_take_the_flags_of_the_run(run_dir):
    before = json.loads((run_dir / "result.json").read_text())
    status, out, err = run("evaluate", f"--run_dir={run_dir}")
    assert status == 0, err
    after = json.loads((run_dir / "result.json").read_text())
    assert after == before
    status, out, err = run("export", f"--run_dir={run_dir}", "--force")
    assert status == 0, err
    assert "the anonymizer after 3 turns" in out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_judge_that_is_stopped_leaves_no_output_of_f_a(run_dir, number):
    process = program(
        "evaluate",
        f"--run_dir={run_dir}",
        "--seed=1",
        "--attacker_steps=1000000",
    )
    cache = run_dir / "evaluation" / "cache"
    while not list(cache.rglob("*")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode in (128 + number, -number), err
    assert not cache.exists()


@pytest.mark.slow
def test_every_format_is_exported_with_the_figures_of_the_run(
    run_dir, tmp_path
):
    result = json.loads((run_dir / "result.json").read_text())
    trained = card.check(run_dir / "export" / "anonymizer")
    assert trained["figures"] == card.figures(result)  # `train` put them there
    assert trained["flags"] == (run_dir / "config.flags").read_text()
    assert trained["frame_size"] == [43, 32]
    assert trained["trained_size"] == [32, 32]
    formats = ["tflite_float32", "tflite_float16", "tflite_int8"]
    status, out, err = run(
        "export",
        f"--run_dir={run_dir}",
        f"--format={','.join(formats)}",
        "--calibration_frames=16",
        f"--to_hub={tmp_path / 'hub'}",
        "--force",
    )
    assert status == 0, err
    assert str(tmp_path) not in (tmp_path / "hub" / "README.md").read_text()
    frames = np.random.randint(0, 256, (2, 21, 30, 3), "uint8")
    assert (
        priv_keras.Anonymizer.load(tmp_path / "hub").card["format"]
        == "savedmodel"
    )
    for name in formats:
        anonymize = priv_keras.Anonymizer.load(tmp_path / "hub" / name)
        assert anonymize(frames).shape == frames.shape
        assert anonymize.card["format"] == name
        assert anonymize.card["figures"] == trained["figures"]
        assert f"{anonymize.card['psnr']:.1f} dB (PSNR)" in out
    (run_dir / "result.json").unlink()
    status, out, err = run("export", f"--run_dir={run_dir}", "--force")
    assert status == 0, err
    page = run_dir / "export" / "anonymizer" / "card.md"
    assert "Not judged." in page.read_text()
    status, _, err = run("evaluate", f"--run_dir={run_dir}")
    assert status == 0, err
    assert "Not judged." not in page.read_text()


@pytest.mark.slow
def test_every_attack_of_the_list_is_in_the_result(run_dir):
    before = json.loads((run_dir / "result.json").read_text())
    status, out, err = run(
        "evaluate",
        f"--run_dir={run_dir}",
        "--attacks=retrained,fine_tuned,static,video,inversion,few_labels",
        "--label_shares=0.5,1",
        "--inversion_steps=10",
    )
    assert status == 0, err
    after = json.loads((run_dir / "result.json").read_text())
    assert after["anonymized"] == before["anonymized"]
    assert [(a["attack"], a["name"]) for a in after["attacks"]] == [
        ("fine_tuned", "budget_0"),
        ("static", "mobilenet_v1_0.25"),
        ("video, on raw clips", "c3d"),
        ("video", "c3d"),
        ("inversion", "unet"),
        ("inversion", "mobilenet_v1_0.25"),
        ("0.5 of the labels", "mobilenet_v1_0.25"),
        ("1 of the labels", "mobilenet_v1_0.25"),
    ]
    for attack in after["attacks"]:
        assert f"{attack['attack']:24}{attack['name']:24}" in out
    unet = after["attacks"][4]
    assert 0 < unet["psnr"] < 100
    assert unet["before"]["ssim"] < 1


def check_export_of_baseline(run_dir):
    status, _, err = run("export", f"--run_dir={run_dir}", "--force")
    assert status == 0, err
    exported = priv_keras.Anonymizer.load(run_dir / "export" / "anonymizer")
    frames = np.random.default_rng(0).integers(0, 256, (2, 30, 41, 3), "uint8")
    shown = priv_keras.Anonymizer.of(baselines.build("downsample_8"))
    np.testing.assert_array_equal(exported(frames), shown(frames))
    assert exported.card["anonymizer"] == "downsample_8"
    assert exported.card["figures"]["attackers"]
    for more, said in (
        ("--format=tflite", "a baseline can be exported only as savedmodel"),
        ("--baseline=face_box_blur", "needs a detector"),
    ):
        status, _, err = run("export", f"--run_dir={run_dir}", "--force", more)
        assert status == 1
        assert said in error(err)


@pytest.mark.slow
def test_a_baseline_is_judged_as_a_run_is(shards, whole, tmp_path):
    args = ["--baseline=downsample_8", f"--data_dir={shards}", *SMALL]
    status, out, err = run("evaluate", *args, f"--run_dir={tmp_path / 'run'}")
    assert status == 0, err
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["method"] == "downsample_8"
    kept = (tmp_path / "run" / "evaluation").rglob("*")
    kept = {path for path in kept if path.suffix != ".json"}
    # No clips; and the weights of f_T of raw clips, from which a game starts.
    assert [path.name[:7] for path in kept if path.is_file()] == ["target-"]
    assert "f_T on anonymized clips" in out
    assert "\ndownsample_8  " in out
    check_export_of_baseline(tmp_path / "run")
    # The figures of raw clips are those of a run with the same flags.
    trained = json.loads((whole / "result.json").read_text())
    assert result["raw"] == trained["raw"]
    status, _, err = run("evaluate", *args, f"--run_dir={whole}")
    assert status == 1
    assert "holds a trained run" in error(err)


@pytest.mark.slow
def test_covers_are_judged_and_share_their_detections(shards, tmp_path):
    shared = tmp_path / "shared"
    args = [f"--data_dir={shards}", f"--shared_dir={shared}", *SMALL]
    found = []
    for look in ("black", "blur"):
        run_dir = tmp_path / look
        status, out, err = run(
            "evaluate",
            f"--baseline=face_box_{look}",
            *args,
            f"--run_dir={run_dir}",
            "--attacks=retrained,inversion",
            "--inversion_steps=2",
        )
        assert status == 0, err
        result = json.loads((run_dir / "result.json").read_text())
        assert result["method"] == f"face_box_{look}"
        # There is nobody in these videos, and the result says so.
        assert result["untouched"] == 1
        assert "Frames that it left as they are: 100%" in out
        found.append(set((shared / "detections").iterdir()))
        assert not (run_dir / "evaluation" / "detections").exists()
    assert found[0] == found[1]
    assert len(found[0]) > 0


@pytest.mark.slow
def test_other_shards_are_never_shown_the_figures_of_these(
    run_dir, shards, tmp_path
):
    raw = shards.parent / "raw"
    write.build("sbu", raw, tmp_path / "out", seed=1)
    known = set((run_dir / "evaluation").glob("*/*.json"))
    status, _, err = run(
        "evaluate", f"--run_dir={run_dir}", f"--data_dir={tmp_path / 'out'}"
    )
    assert status == 0, err
    fresh = set((run_dir / "evaluation").glob("*/*.json")) - known
    assert sorted(path.parent.name for path in fresh) == [
        "anonymized",
        "raw",  # the attacker
        "raw",  # f_T
    ]


@pytest.mark.slow
def test_a_run_with_nothing_to_keep_ends_before_its_game(shards, tmp_path):
    args = [*SMALL, f"--data_dir={shards}", f"--run_dir={tmp_path / 'run'}"]
    refused(*args, "--noforce", says="There is nothing to keep: f_T reads")
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert not (tmp_path / "run" / "export").exists()


@pytest.mark.slow
def test_a_plan_plays_nothing(shards, tmp_path):
    args = [*SMALL, f"--data_dir={shards}", f"--run_dir={tmp_path / 'run'}"]
    status, out, err = run("train", *args, "--plan")
    assert status == 0, err
    parts = ("warm-up of f_T", "game, f_A", "mobilenet_v1_0.25", "whole run")
    for part in parts:
        assert re.search(rf"^{part}.* \d+\.\d$", out, re.MULTILINE), part
    assert re.search(r"^f_A .* [\d,]+ parameters$", out, re.MULTILINE)
    assert not (tmp_path / "run").exists()


def test_a_run_that_ended_at_chance_exports_nothing(monkeypatch, capsys):
    score = {"name": "a", "accuracy": 0.3, "interval": [0.2, 0.4]}
    side = {"attackers": [score], "target": score}
    result = {
        "raw": side,
        "anonymized": side,
        "method": "grl",
        "turns": 3,
        "untouched": 0,
        "attacks": [],
        "chance": dict.fromkeys(
            ("actions", "budget_labels"), {"majority": 0.25}
        ),
    }
    absl_flags.FLAGS.mark_as_parsed()
    data = types.SimpleNamespace(held_out_people=[])
    exported = []
    monkeypatch.setattr(game, "checkpoint_of", lambda run_dir: None)
    monkeypatch.setattr(judge, "trained", lambda data, path: None)
    monkeypatch.setattr(judge, "judge", lambda *_: result)
    monkeypatch.setattr(train, "export", lambda *_: exported.append(True))
    for forced, status in ((False, 3), (True, 0)):
        with flagsaver.flagsaver(force=forced):
            assert train.end(data, "run", True) == status
        assert "ENDED AT CHANCE" in capsys.readouterr().out
        assert bool(exported) == forced
    score["interval"] = [0.26, 0.4]
    assert train.end(data, "run", True) == 0
    assert "AT CHANCE" not in capsys.readouterr().out


def test_a_folder_of_another_run_or_another_meaning_is_refused(
    whole, shards, tmp_path
):
    args = [*SMALL, f"--data_dir={shards}", f"--run_dir={whole}"]
    refused(*args, "--gamma=9", says="Differing: --gamma=1.5 --gamma=9.0")
    refused(*args, says="Add --resume to go on")
    sets = ("s02s03", "s03s02", "s01s03")
    write.build("sbu", sbu_folder(tmp_path / "raw", sets), tmp_path / "out")
    path = tmp_path / "out" / "sbu" / "manifest.json"
    path.write_text(path.read_text().replace("3 kicking", "3 waving"))
    status, _, err = run(
        "evaluate", f"--run_dir={whole}", f"--data_dir={tmp_path / 'out'}"
    )
    assert status == 1
    assert "'3 waving'" in error(err)


def refused(*args, says):
    process = start("-m", "priv_keras.train", *args)
    _, err = process.communicate()
    assert process.returncode == 1
    assert says in error(err)


def error(stderr):
    """Returns the one line that says what is wrong."""
    assert "Traceback" not in stderr
    (line,) = (s for s in stderr.splitlines() if s.startswith("error: "))
    return line


def test_missing_data_says_which_command_builds_it(tmp_path):
    run_dir = tmp_path / "run"
    refused(
        *SMALL,
        f"--data_dir={tmp_path / 'none'}",
        f"--run_dir={run_dir}",
        says="python -m tfrecords_tools.build --dataset=sbu",
    )
    refused(*SMALL, f"--run_dir={run_dir}", says="needs --data_dir")
    assert not run_dir.exists()


def test_weights_to_start_from_that_are_not_there_are_refused(shards, tmp_path):
    args = [*SMALL, f"--data_dir={shards}", f"--run_dir={tmp_path / 'run'}"]
    refused(
        *args,
        f"--target_weights={tmp_path / 'c3d.model'}",
        says="c3d.model is not there",
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--budgets=mobilenet_v3_1", "Did you mean mobilenet_v2_1."),
        ("--budget_weights=f_b.weights.h5", "f_b.weights.h5 is not there"),
        ("--attackers=resnet_v1_52", "Did you mean resnet_v1_50?"),
        ("--budgets=", "It names no budget model"),
        ("--baseline=downsample_4", "train plays a game. Leave it out"),
    ],
)
def test_parties_that_cannot_be_built_are_refused(shards, tmp_path, flag, says):
    run_dir = tmp_path / "run"
    refused(
        *SMALL,
        f"--data_dir={shards}",
        f"--run_dir={run_dir}",
        "--restart_every=0",
        flag,
        says=says,
    )
    assert not run_dir.exists()


def test_weights_that_a_restart_would_lose_are_refused(tmp_path):
    refused(
        *SMALL,
        f"--run_dir={tmp_path}",
        "--restart_every=5",
        "--budget_weights=imagenet",
        says="--budget_weights would be lost",
    )


def test_devices_that_cannot_play_together_are_refused(shards, tmp_path):
    args = [*SMALL, f"--data_dir={shards}", f"--run_dir={tmp_path / 'run'}"]
    refused(
        *args, "--strategy=multi_worker", says="environment variable TF_CONFIG"
    )
    for alone in ("--clip_norm=1", "--accumulate_steps=2"):
        refused(
            *args,
            "--strategy=mirrored",
            alone,
            says=f"--strategy=mirrored cannot be combined with {alone}",
        )
    args += ["--strategy=mirrored", "--batch_size=3"]
    process = start("-c", TWO_DEVICES, *args)
    _, err = process.communicate()
    assert process.returncode == 1
    assert "--batch_size=3 clips cannot be shared out" in error(err)
    assert not (tmp_path / "run").exists()


def test_a_corrupt_shard_is_named_with_its_record(shards, tmp_path):
    copy = tmp_path / "sbu"
    copy.mkdir()
    for path in (shards / "sbu").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    path = next(copy.glob("train-*"))
    content = bytearray(path.read_bytes())
    content[-100] ^= 255
    path.write_bytes(content)
    args = [*SMALL, f"--data_dir={tmp_path}", f"--run_dir={tmp_path / 'run'}"]
    refused(*args, says=f"{path.name} is damaged, record ")
    assert not (tmp_path / "run").exists()


def test_a_folder_of_something_else_and_nothing_to_resume(shards, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    args = [*SMALL, f"--data_dir={shards}"]
    refused(*args, f"--run_dir={tmp_path}", says="holds files of something")
    refused(
        *args,
        f"--run_dir={tmp_path / 'new'}",
        "--resume",
        says="There is no run to resume",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
