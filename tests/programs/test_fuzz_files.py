"""Tests that a damaged file is refused in words, or gives a sound result."""

import json
import random
import shutil

import numpy as np
import pytest
from absl import flags as absl_flags
from absl.testing import flagsaver
from fuzzing import CASES
from fuzzing import damaged
from fuzzing import damaged_json
from fuzzing import outcomes
from fuzzing import outcomes_apart
from made_cards import card_of
from made_runs import make
from made_videos import sbu_folder

from flags import data as _data  # noqa: F401
from flags import evaluation as _evaluation  # noqa: F401
from flags import parsing
from flags import training as _training  # noqa: F401
from priv_keras.deployment import card
from priv_keras.deployment import saved_model
from priv_keras.deployment import tflite
from priv_keras.networks import c3d
from priv_keras.networks.anonymizer import ANONYMIZERS
from priv_keras.reports import comparison
from priv_keras.runs import checkpoints
from priv_keras.runs.run import load_run
from tfrecords_tools import manifest
from tfrecords_tools import storage
from tfrecords_tools import verify
from tfrecords_tools import write
from tfrecords_tools.sources import pa_hmdb51

pytestmark = pytest.mark.slow


MODELS = 200  # cases in which a network is built, which takes long


def both(found, cases=CASES):
    """Asserts that some cases were taken and others were refused."""
    assert sum(found.values()) == cases
    assert min(found["taken"], found["refused"]) > 0, found


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    raw = sbu_folder(folder / "raw", takes=1)
    write.build("sbu", raw, folder / "shards", size=(16, 12))
    return folder / "shards" / "sbu"


def checked(folder):
    """Runs `verify`, and raises if it finds damage."""
    if verify.main(["verify", str(folder)]):
        raise ValueError("damaged, as it says")


def test_shards(shards, tmp_path):
    """The checksums match the damaged shards, so that records are read."""
    folder = shutil.copytree(shards, tmp_path / "shards")
    content = manifest.load(folder)
    for name, split in content["splits"].items():
        if name != "train":
            split |= {"shards": [], "videos": [], "frames": []}
    (shard,) = content["splits"]["train"]["shards"]
    path = folder / shard["file"]
    whole = path.read_bytes()

    def read(case):
        rng = random.Random(case)
        path.write_bytes(whole if case % 100 == 0 else damaged(whole, rng))
        shard["sha256"] = storage.sha256(path)
        manifest.save(content, folder)
        checked(folder)

    both(outcomes(read, range(CASES)))


def test_manifests(shards, tmp_path):
    folder = shutil.copytree(shards, tmp_path / "shards")
    path = folder / manifest.NAME
    whole = path.read_bytes()

    def read(case):
        path.write_bytes(damaged_json(whole, random.Random(case)))
        checked(folder)

    both(outcomes(read, range(CASES)))


def test_annotations(tmp_path):
    values = [[0, 9, 1], [10, 19, [1, 2]]]
    names = pa_hmdb51.ATTRIBUTES
    videos = {f"v{i}.avi": dict.fromkeys(names, values) for i in range(3)}
    whole = json.dumps(videos).encode()
    path = tmp_path / "brush_hair.json"

    def read(case):
        path.write_bytes(damaged_json(whole, random.Random(case)))
        for annotation in pa_hmdb51.parse(path).values():
            lengths = {len(shown) for shown in annotation.values.values()}
            assert len(lengths) == 1

    both(outcomes(read, range(CASES)))


def test_flag_files(tmp_path):
    whole = b"".join(
        path.read_bytes()
        for path in (
            parsing.SCALES / "tiny.flags",
            parsing.SCALES.parent / "recipes" / "smoke.flags",
        )
    )
    path = tmp_path / "mine.flags"

    def read(case):
        path.write_bytes(damaged(whole, random.Random(case)))
        with flagsaver.flagsaver():
            try:
                parsing.with_scale(["train", f"--flagfile={path}"])
            except (absl_flags.Error, OSError) as error:
                raise ValueError(str(error)) from error

    both(outcomes(read, range(CASES)))


def test_weights(tmp_path):
    model = c3d.build(3, 0.0625, (2, 16, 16, 3))
    whole = checkpoints.save(model, tmp_path, "turn_000001").read_bytes()
    path = tmp_path / "mine.weights.h5"

    def read(case):
        rng = random.Random(case)
        path.write_bytes(whole if case % 100 == 0 else damaged(whole, rng))
        checkpoints.load(model, path)

    both(outcomes(read, range(CASES)))


def test_cards(tmp_path):
    (tmp_path / "model").write_bytes(b"model")
    card.write(tmp_path, card_of("lite"))
    path = tmp_path / card.NAME
    whole = path.read_bytes()

    def read(case):
        path.write_bytes(damaged_json(whole, random.Random(case)))
        card.check(tmp_path)

    both(outcomes(read, range(CASES)))


@pytest.mark.parametrize("name", ["result.json", "metrics.jsonl"])
def test_runs(tmp_path, name):
    folder = make(tmp_path / "run")
    path = folder / name
    whole = path.read_bytes()
    how = damaged_json if name == "result.json" else damaged

    def read(case):
        path.write_bytes(how(whole, random.Random(case)))
        run = load_run(folder)
        comparison.points([run])
        comparison.row(run)

    both(outcomes(read, range(CASES)))


EXPORTED = """
import pathlib, numpy
import priv_keras
from priv_keras.deployment import card
folder, file = pathlib.Path({folder!r}), pathlib.Path({file!r})
whole = pathlib.Path({whole!r}).read_bytes()
described = card.load(folder)
frames = numpy.zeros((1, 12, 16, 3), "uint8")

def read(case):
    rng = random.Random(case)
    file.write_bytes(whole if case % 100 == 0 else damaged(whole, rng))
    card.write(folder, described)
    served = priv_keras.Anonymizer.load(folder)(frames)
    assert served.shape == frames.shape and served.dtype == frames.dtype
"""


@pytest.mark.parametrize(
    "name",
    [
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "anonymizer.tflite",
    ],
)
def test_exported_models_whose_cards_were_forged(tmp_path, name):
    model = ANONYMIZERS["lite"](width=0.25)
    folder = tmp_path / "model"
    if name != "anonymizer.tflite":
        saved_model.export_saved_model(model, folder, card_of("lite"))
    else:
        frames = np.random.randint(0, 256, (2, 24, 32, 3), "uint8")
        described = card_of("lite")
        tflite.export_tflite(model, folder, "float32", frames, card=described)
    paths = {
        "folder": folder,
        "file": folder / name,
        "whole": tmp_path / "whole",
    }
    shutil.copy(paths["file"], paths["whole"])
    code = EXPORTED.format(**{key: str(path) for key, path in paths.items()})
    found, crashed = outcomes_apart(code, MODELS)
    assert not crashed
    both(found, MODELS)
