"""Runs the program as a user does."""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest
import tensorflow as tf
from disks import mounted
from fuzzing import damaged
from http_server import Quiet
from http_server import served
from made_films import PLACE
from made_films import SIZE
from made_films import read_film
from made_films import scene
from made_films import scenes
from made_films import write_film
from PIL import Image

from priv_keras.deployment import card
from priv_keras.deployment import saved_model
from priv_keras.films import audit
from priv_keras.networks.anonymizer import ANONYMIZERS

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "priv_keras.anonymize"]
SECONDS = 120  # a run that takes longer has hung


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """An exported anonymizer whose effect can be checked: it inverts frames."""
    frames = keras.Input((None, None, 3))
    inverter = keras.Model(frames, keras.layers.Rescaling(-1.0, 1.0)(frames))
    folder = tmp_path_factory.mktemp("export") / "anonymizer"
    saved_model.export_saved_model(inverter, folder)
    return folder


LEAK = 30  # grey levels, on average; encoding changes a picture far less
CARD = {
    **dict.fromkeys(("format", "anonymizer", "date", "flags"), "made"),
    "turns": 1,
    "trained_size": [112, 112],
    "psnr": None,
    "data": {},
    "versions": {},
    "figures": None,
}


def arguments(*args):
    # A card cannot name the inverter, which is not one of our networks.
    return [*COMMAND, "--trust_model", *map(str, args)]


def anonymize(*args, **options):
    """Runs the program; its standard output and error are bytes."""
    done = subprocess.run(
        arguments(*args),
        capture_output=True,
        cwd=ROOT,
        timeout=SECONDS,
        **options,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def said(done):
    """Returns the lines of the program, without those of TensorFlow."""
    lines = done.stderr.decode().splitlines()
    ours = ("error: ", "warning: ", "note: ", "skipped: ", "preview: ", "stop")
    return [x for x in lines if x.startswith(ours) or " films failed" in x]


def assert_inverse(path, raw):
    found, _ = read_film(path)
    assert found.shape == raw.shape
    assert np.abs(found.astype(int) - (255 - raw.astype(int))).mean() < 14


VARIABLE = [0, 40, 80, 500, 520, 560, 1000, 1900]


@pytest.fixture(scope="module")
def mirrored(model, tmp_path_factory):
    """A tree of good and bad films, and what the program makes of it."""
    raw = tmp_path_factory.mktemp("raw")
    out = tmp_path_factory.mktemp("out") / "new"
    (raw / "deep" / "er").mkdir(parents=True)
    write_film(raw / "a.mp4", audio="aac", metadata={"location": PLACE})
    write_film(raw / "b.avi", codec="mpeg4")
    write_film(raw / "deep" / "vfr.mkv", scenes(8), times=VARIABLE)
    write_film(raw / "deep" / "er" / "odd.webm", scenes(4, (33, 21)),
               codec="libvpx-vp9")  # fmt: skip
    exif = Image.Exif()
    exif[0x0110] = "Annas camera"
    Image.fromarray(scene(3)).save(raw / "deep" / "p.png", exif=exif)
    (raw / "notes.txt").write_text("no film")
    (raw / "text.mp4").write_text("no film either")
    (raw / "empty.mp4").touch()
    cut = write_film(raw / "cut.mkv").read_bytes()
    (raw / "cut.mkv").write_bytes(cut[: len(cut) // 2])
    done = anonymize(raw, "-o", out, f"--model={model}")
    return raw, out, done


def test_a_folder_is_mirrored(mirrored):
    raw, out, done = mirrored
    assert done.returncode == 1
    files = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    made = ["a.mp4", "b.avi.mp4", "deep/er/odd.webm", "deep/p.png"]
    made.append("deep/vfr.mkv")
    assert files == {name + end for name in made for end in ("", ".json")}
    for name in ("a.mp4", "deep/vfr.mkv", "deep/er/odd.webm"):
        before, times = read_film(raw / name)
        assert_inverse(out / name, before)
        _, at = read_film(out / name)
        np.testing.assert_allclose(at, times, atol=0.001)
    assert_inverse(out / "b.avi.mp4", read_film(raw / "b.avi")[0])
    picture = np.asarray(Image.open(out / "deep" / "p.png"))
    np.testing.assert_array_equal(picture, 255 - scene(3))
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r".*/a.mp4: 30 frames, [\d.]+ frames/s", lines[0])


def test_what_could_not_be_done_is_said(mirrored):
    raw, _, done = mirrored
    lines = said(done)
    assert lines[0] == f"skipped: {raw}/notes.txt is not a film"
    assert lines[1].startswith("note: the model does not say at which")
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 3
    assert errors[0].startswith(f"error: {raw}/cut.mkv is cut off")
    assert errors[1].startswith(f"error: {raw}/empty.mp4 cannot be opened")
    assert errors[2].startswith(f"error: {raw}/text.mp4 cannot be opened")
    assert lines[-1] == "3 of 8 films failed"


def test_a_log_accounts_for_each_output_and_tells_nothing_of_the_input(
    mirrored, model
):
    raw, out, _ = mirrored
    text = (out / "a.mp4.json").read_text()
    log = json.loads(text)
    sha256 = hashlib.sha256((raw / "a.mp4").read_bytes()).hexdigest()
    assert log["input"] == {"name": None, "sha256": sha256}
    sha256 = hashlib.sha256((out / "a.mp4").read_bytes()).hexdigest()
    assert log["output"] == {"name": "a.mp4", "sha256": sha256}
    assert log["model"]["sha256"] == audit.sha256(model)
    assert log["frames"] == 30
    assert log["size"] == log["anonymized_at"] == list(SIZE)
    assert log["dropped"][0] == "audio (aac)"
    assert re.fullmatch(r"metadata \(\d+ entries\)", log["dropped"][1])
    assert log["warnings"] == []
    assert f"--model={model}" in log["flags"]
    for trace in (PLACE, "location", str(raw)):
        assert trace not in text
    picture = json.loads((out / "deep" / "p.png.json").read_text())
    assert picture["dropped"] == ["exif of the file"]
    for path in out.rglob("*.*"):
        assert path.is_dir() or b"Annas" not in path.read_bytes()


def test_a_model_of_a_stranger_is_not_run(model, tmp_path):
    source = write_film(tmp_path / "in.mp4", scenes(3))
    options = ("-o", tmp_path / "out.mp4", "--notrust_model")
    done = anonymize(source, *options, f"--model={model}")
    assert done.returncode == 1
    (error,) = said(done)
    assert "cannot be rebuilt" in error
    assert "--trust_model" in error
    assert sorted(tmp_path.iterdir()) == [source]
    network = ANONYMIZERS["lite"](width=0.25)
    built = {"width": 0.25, "dtype_policy": "float32"}
    described = {**CARD, "anonymizer": "lite", "arguments": built}
    saved_model.export_saved_model(network, tmp_path / "model", described)
    done = anonymize(source, *options, f"--model={tmp_path / 'model'}")
    assert done.returncode == 0, said(done)
    assert len(read_film(tmp_path / "out.mp4")[0]) == 3


def test_flags_may_be_spelt_as_those_of_deface(model, tmp_path):
    source = write_film(
        tmp_path / "in.mp4",
        scenes(6, (128, 96)),
        audio="aac",
        metadata={"location": PLACE},
        options={"movflags": "+use_metadata_tags"},
    )
    card.write(model, CARD)
    done = anonymize(
        source,
        "--output",
        tmp_path / "out.mp4",
        f"--model={model}",
        "--keep-audio",
        "--keep-metadata",
        "--scale",
        "64x48",
        "--ffmpeg-config",
        '{"codec": "libx264", "preset": "ultrafast"}',
    )
    (model / card.NAME).unlink()
    (model / card.PAGE).unlink()
    assert done.returncode == 0, said(done)
    assert said(done) == [
        "note: the privacy figures of this model were measured on frames of "
        "112x112; nothing is known about other sizes"
    ]
    found, _ = read_film(tmp_path / "out.mp4")
    assert found.shape == (6, 96, 128, 3)
    assert PLACE.encode() in (tmp_path / "out.mp4").read_bytes()
    log = json.loads((tmp_path / "out.mp4.json").read_text())
    assert log["anonymized_at"] == [64, 48]
    assert log["model"]["training_size"] == [112, 112]
    assert log["input"]["name"] == str(source)
    assert log["dropped"] == []


def test_a_baseline_anonymizes_too(tmp_path):
    source = write_film(tmp_path / "in.mp4", scenes(3))
    done = anonymize(source, "--model=downsample_16", "--noaudit")
    assert done.returncode == 0, said(done)
    found, _ = read_film(tmp_path / "in_anonymized.mp4")
    blocks = found.reshape(3, 3, 16, 4, 16, 3).astype(int)
    assert (blocks - blocks[:, :, 8:9, :, 8:9]).std() < 6
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", "in_anonymized.mp4"]


@pytest.mark.slow
def test_a_baseline_covers_the_boxes_of_a_file(tmp_path):
    Image.fromarray(scene(3)).save(tmp_path / "in.png")
    boxes = {
        "film": None,
        "start": 0,
        "size": SIZE,
        "frames": [[[4, 6, 20, 30]]],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    options = ("--model=face_box_black", "--mask_scale=1", "--noaudit")
    done = anonymize(
        tmp_path / "in.png",
        "-o",
        tmp_path / "out.png",
        *options,
        f"--detections={tmp_path / 'boxes.json'}",
    )
    assert done.returncode == 0, said(done)
    expected = scene(3)
    expected[6:30, 4:20] = 0
    found = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(found, expected)


def test_raw_frames_pass_through_pipes(model):
    pictures = np.stack(scenes(100))
    done = anonymize(
        "-",
        "-o",
        "-",
        f"--model={model}",
        "--raw_size=64x48",
        input=pictures.tobytes(),
    )
    assert done.returncode == 0, said(done)
    found = np.frombuffer(done.stdout, "uint8").reshape(pictures.shape)
    np.testing.assert_array_equal(found, 255 - pictures)


def test_a_stream_of_the_network(model, tmp_path):
    path = write_film(tmp_path / "in.ts", scenes(60))
    with served(functools.partial(Quiet, directory=tmp_path)) as url:
        done = anonymize(
            url + "in.ts",
            "-o",
            tmp_path / "out.mp4",
            f"--model={model}",
            "--seconds=1",
        )
    assert done.returncode == 0, said(done)
    assert_inverse(tmp_path / "out.mp4", read_film(path)[0][:25])
    log = json.loads((tmp_path / "out.mp4.json").read_text())
    assert log["input"] == {"name": None, "sha256": None}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["missing.mp4"], "missing.mp4 does not exist"),
        (["in.mp4", "-o", "out.mp4"], "out.mp4 exists. Say --force"),
        (["in.mp4", "-o", "logged.mp4"], "logged.mp4.json exists. Say --force"),
        (["in.mp4", "-o", "in.mp4", "--force"], "in.mp4 is an input"),
        (["-", "-o", "new.mp4"], "The input `-` and --raw_size go together"),
        (["in.mp4", "--raw_size=2x2"], "--raw_size go together"),
        (
            ["in.mp4", "-o", "x.mp4", "--model=none"],
            "--model=none: there is no such folder",
        ),
        (["0"], "0 needs --output or --preview"),
    ],
)
def test_refusals_come_before_any_work(tmp_path, args, message):
    write_film(tmp_path / "in.mp4", scenes(2))
    (tmp_path / "out.mp4").write_text("mine")
    (tmp_path / "logged.mp4.json").write_text("mine")
    before = sorted(os.listdir(tmp_path))
    done = subprocess.run(
        arguments("--model=downsample_4", *args),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=SECONDS,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "out.mp4").read_text() == "mine"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Give at least one input"),
        (["a.mp4", "--resolution=big"], "must be native or WxH"),
        (["a.mp4", "--scale=0x9"], "must be native or WxH"),
        (["-", "--raw_size=9"], "--raw_size must be WxH"),
        (["a.mp4", "--ffmpeg-config=[1]"], "must be a JSON object"),
        (["a.mp4", "--crf=99"], "--crf=99"),
        (["a.mp4", "--keep-audoi"], "Did you mean --keep_audio?"),
    ],
)
def test_flags_are_checked(args, message):
    done = anonymize("--model=downsample_4", *args)
    assert done.returncode == 1
    assert message in (done.stderr + done.stdout).decode()


def test_what_an_encoder_lacks_is_said(tmp_path):
    path = write_film(tmp_path / "in.mp4", scenes(2))
    done = anonymize("--model=downsample_4", path, "--codec=none")
    assert done.returncode == 1
    assert "There is no encoder of films 'none'" in done.stderr.decode()


def test_help_names_flags_and_waits_for_nothing():
    start = time.monotonic()
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert "--[no]keep_audio" in shown.stdout
    for heavy in ("tensorflow", "av", "cv2", "PIL"):
        assert f"| {heavy}\n" not in shown.stderr
    assert time.monotonic() - start < 20


def test_the_model_has_to_be_named(tmp_path):
    done = anonymize("a.mp4")
    assert done.returncode == 1
    assert b"error: Give --model" in done.stderr + done.stdout


def test_force_replaces_once_the_new_one_is_whole(model, tmp_path):
    source = write_film(tmp_path / "in.mp4", scenes(6))
    out = tmp_path / "out.mp4"
    out.write_text("old")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(source.read_bytes()[:-100])
    options = ("-o", out, f"--model={model}", "--force")
    assert anonymize(cut, *options).returncode == 1
    assert out.read_text() == "old"
    assert anonymize(source, *options).returncode == 0
    assert_inverse(out, read_film(source)[0])


@contextlib.contextmanager
def half_way(tmp_path, model, count=100):
    """A run that has written some frames and waits for more."""
    frames = np.stack(noise(count)).tobytes()
    run = subprocess.Popen(
        arguments(
            "-", "--raw_size=160x120", f"--model={model}", "--batch_size=4",
            *('--ffmpeg_config={"preset": "ultrafast", "tune": "zerolatency"}',
              "-o", tmp_path / "out" / "film.mp4"),
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        # A shell starts what it sends to the background without it.
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),
    )  # fmt: skip
    try:
        run.stdin.write(frames)
        run.stdin.flush()
        wait(lambda: any(p.stat().st_size for p in partials(tmp_path)))
        yield run
    finally:
        run.kill()
        run.communicate()


def partials(tmp_path):
    return list(tmp_path.glob("out/film.mp4.*.partial"))


def wait(ready):
    end = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < end, "It never came."
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_leaves_nothing(model, tmp_path, name):
    number = getattr(signal, name)
    with half_way(tmp_path, model) as run:
        run.send_signal(number)
        # Standard input stays open, and the program must not wait for it.
        assert run.wait(60) == 128 + number
        assert f"stopped by {name}" in run.stderr.read().decode()
    assert not list((tmp_path / "out").iterdir())


def test_a_kill_leaves_nothing_of_the_final_name(model, tmp_path):
    with half_way(tmp_path, model) as run:
        run.kill()
        run.wait(60)
    left = list((tmp_path / "out").iterdir())
    assert left
    assert all(path.suffix == ".partial" for path in left)


def test_a_preview_shows_anonymized_frames_alone(model, tmp_path):
    flat = np.full((120, 160, 3), 250, "uint8")
    run = subprocess.Popen(
        arguments("-", "--raw_size=160x120", f"--model={model}", "-p"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        for line in run.stderr:
            if line.startswith(b"preview: "):
                break
        url = line.decode().split()[1]
        stream = urllib.request.urlopen(url + "frames", timeout=60)
        run.stdin.write(flat.tobytes() * 200)
        run.stdin.close()
        content = stream.read()
        assert run.wait(60) == 0
    finally:
        run.kill()
        run.wait()
        run.stderr.close()
    start = content.index(b"\xff\xd8")
    (tmp_path / "seen.jpg").write_bytes(content[start:])
    seen = np.asarray(Image.open(tmp_path / "seen.jpg"))
    assert seen.max() < 30


def limited(kilobytes):
    import resource

    def limit():
        size = kilobytes * 1024
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def noise(count=60):
    random = np.random.default_rng(0)
    return list(random.integers(0, 256, (count, 120, 160, 3), "uint8"))


def test_an_output_that_does_not_fit_leaves_nothing(model, tmp_path):
    source = write_film(tmp_path / "in.mp4", noise())
    done = anonymize(
        source,
        "-o",
        tmp_path / "out" / "film.mp4",
        f"--model={model}",
        preexec_fn=limited(200),
    )
    assert done.returncode == 1
    assert said(done)[-1].startswith(
        f"error: {source}: The output cannot be written"
    )
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk_leaves_nothing(model, tmp_path):
    source = write_film(tmp_path / "in.mp4", noise())
    with mounted(tmp_path / "disk", "size=200k") as disk:
        out = disk / "film.mp4"
        done = anonymize(source, "-o", out, f"--model={model}")
        assert done.returncode == 1
        assert "No space left on device" in said(done)[-1]
        assert not list(disk.iterdir())


class Picky(tf.Module):
    """A model that fails at a frame whose first pixel is 200."""

    def __init__(self):
        super().__init__()
        signature = tf.TensorSpec((None, None, None, 3), tf.uint8)
        self.serve = tf.function(self._serve, input_signature=[signature])

    def _serve(self, frames):
        fine = tf.reduce_all(frames[:, 0, 0, 0] != 200)
        with tf.control_dependencies([tf.debugging.Assert(fine, ["no"])]):
            return 255 - frames


def test_a_model_that_fails_at_a_frame_leaves_nothing(tmp_path):
    tf.saved_model.save(Picky(), str(tmp_path / "model"))
    frames = np.full((20, *SIZE[::-1], 3), 100, "uint8")
    frames[7] = 200
    done = anonymize(
        "-",
        "--raw_size=64x48",
        "-o",
        tmp_path / "out" / "film.mp4",
        f"--model={tmp_path / 'model'}",
        "--batch_size=3",
        input=frames.tobytes(),
    )
    assert done.returncode == 1
    assert said(done)[-1].startswith(
        "error: standard input: The anonymizer failed: Invalid"
    )
    assert not list((tmp_path / "out").iterdir())


CASES = 300


def whole_films(folder):
    """Makes small films in common containers and codecs."""
    pictures = scenes(20)
    made = [
        write_film(folder / "v.mp4", pictures),
        write_film(folder / "v.mkv", pictures, codec="mpeg4"),
        write_film(folder / "v.webm", pictures, codec="libvpx-vp9"),
        write_film(folder / "v.avi", pictures, codec="mpeg4"),
        write_film(folder / "v.ts", pictures),
    ]
    return [(path.suffix, path.read_bytes()) for path in made]


@pytest.mark.slow
def test_damaged_films_make_no_output_or_a_right_one(model, tmp_path):
    made, rng = whole_films(tmp_path), random.Random(0)
    (tmp_path / "raw").mkdir()
    for case in range(CASES):
        suffix, content = made[case % len(made)]
        path = tmp_path / "raw" / f"{case}{suffix}"
        path.write_bytes(damaged(content, rng))
    out = tmp_path / "out"
    done = anonymize(tmp_path / "raw", "-o", out, f"--model={model}")
    films = [path for path in out.iterdir() if path.suffix != ".json"]
    failed = [x for x in said(done) if x.startswith("error: ")]
    assert len(films) + len(failed) == CASES
    assert min(len(films), len(failed)) > CASES / 20
    raw = np.stack(scenes(20)).astype(int)
    looked = 0
    for path in films:
        assert path.with_name(path.name + ".json").exists()
        found, _ = read_film(path)
        assert len(found) > 0
        if found.shape[1:] != raw.shape[1:]:  # the header was damaged
            continue
        for picture in found.astype(int):
            leak = np.abs(raw - picture).mean(axis=(1, 2, 3)).min()
            right = np.abs(255 - raw - picture).mean(axis=(1, 2, 3)).min()
            # A damaged picture may resemble neither.
            assert right < leak or leak > LEAK, path
            looked += 1
    assert looked > 10 * CASES / 20
