import subprocess
import sys

import numpy as np
import pytest

import priv_keras
from priv_keras import baselines
from priv_keras import export_model
from priv_keras.networks import anonymizer


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = anonymizer.build(width=0.125)
    folder = tmp_path_factory.mktemp("export") / "anonymizer"
    export_model.export_saved_model(model, folder)
    return model, folder


@pytest.mark.parametrize("size", [(16, 16), (33, 21)])
def test_saved_model_equals_the_model_within_a_grey_level(exported, size):
    model, folder = exported
    frames = np.random.randint(0, 256, (2, *size, 3), "uint8")
    served = priv_keras.Anonymizer.load(folder)(frames)
    assert served.dtype == np.uint8
    assert served.shape == frames.shape
    expected = np.asarray(model(frames.astype("float32") / 255)) * 255
    assert np.abs(served - expected).max() <= 1


def test_plain_tensorflow_loads_it_without_this_package(exported, tmp_path):
    _, folder = exported
    code = (
        "import sys, tensorflow as tf;"
        f"model = tf.saved_model.load({str(folder)!r});"
        "served = model.serve(tf.zeros((1, 9, 7, 3), tf.uint8));"
        "assert served.shape == (1, 9, 7, 3) and served.dtype == tf.uint8;"
        "assert not any(m.startswith('priv_keras') for m in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_exporting_again_replaces(exported):
    model, folder = exported
    export_model.export_saved_model(model, folder)
    assert [path.name for path in folder.parent.iterdir()] == ["anonymizer"]


def test_refusals(exported, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no SavedModel. Give"):
        priv_keras.Anonymizer.load(tmp_path)
    load = priv_keras.Anonymizer.load(exported[1])
    with pytest.raises(ValueError, match="Received: float64 of shape"):
        load(np.zeros((1, 8, 8, 3)))


def test_a_stream_is_its_frames_in_batches(exported):
    load = priv_keras.Anonymizer.load(exported[1])
    batches = [
        np.random.randint(0, 256, (count, 12, 16, 3), "uint8")
        for count in (3, 1, 2)
    ]
    found = list(load.stream(iter(batches)))
    for frames, served in zip(batches, found, strict=True):
        np.testing.assert_array_equal(served, load(frames))


def test_a_baseline_is_one_too():
    anonymize = export_model.Anonymizer.of(baselines.build("downsample_2"))
    frames = np.random.randint(0, 256, (2, 4, 6, 3), "uint8")
    blocks = frames.reshape(2, 2, 2, 3, 2, 3).mean(axis=(2, 4), keepdims=True)
    expected = np.broadcast_to(blocks, (2, 2, 2, 3, 2, 3)).reshape(frames.shape)
    assert np.abs(anonymize(frames) - expected).max() <= 0.5 + 1e-3
    assert anonymize(frames[:, :3, :5]).shape == (2, 3, 5, 3)
