import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from made_cards import card_of
from toys import untuned

import priv_keras
from priv_keras import baselines
from priv_keras import supervised
from priv_keras.deployment import anonymizer
from priv_keras.deployment import card
from priv_keras.deployment import saved_model
from priv_keras.deployment import tflite
from priv_keras.networks import bounds
from priv_keras.networks.anonymizer import ANONYMIZERS
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

# Only the light network is fast enough for every run.
EACH = ["lite"] + [
    pytest.param(name, marks=pytest.mark.slow)
    for name in ANONYMIZERS
    if name != "lite"
]
# The largest difference from the Keras model, in grey levels.
TOLERANCES = {"float32": 1, "float16": 2}


def smooth_frames(count, height=40, width=52, seed=0):
    """Draws pictures: soft blobs of all brightnesses, with some noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((count, 4, 5, 3), "float32")
    frames = tf.image.resize(coarse, (height, width), "bicubic").numpy()
    frames += rng.normal(0, 0.02, frames.shape).astype("float32")
    return to_uint8(frames).numpy()


WIDTHS = {"full": 0.125, "lite": 0.5}


def warmed_up(name):
    """Returns a narrow f_A near the identity: the output of random weights
    would be noise, which hides errors."""
    keras.utils.set_random_seed(0)
    model = ANONYMIZERS[name](width=WIDTHS[name])
    frames = to_float(smooth_frames(32))
    supervised.fit_identity(
        model,
        untuned(tf.data.Dataset.from_tensor_slices(frames).repeat().batch(8)),
        learning_rate=3e-3,
        steps=60,
    )
    return model


@pytest.fixture(scope="module", params=EACH)
def exported(request, tmp_path_factory):
    model = warmed_up(request.param)
    folder = tmp_path_factory.mktemp("export") / "anonymizer"
    described = card_of(request.param, WIDTHS[request.param])
    saved_model.export_saved_model(model, folder, described)
    return model, folder


def export_tflite(exported, precision):
    model, folder = exported
    folder = folder.with_name(f"tflite_{precision}")
    psnr = tflite.export_tflite(
        model,
        folder,
        precision,
        smooth_frames(8, seed=1),
        smooth_frames(32, seed=2),
    )
    return folder, psnr


def reference(model, frames):
    return to_uint8(model(to_float(frames))).numpy().astype(int)


SIZES = [(16, 16), (33, 21), (64, 48)]


@pytest.mark.parametrize("size", SIZES)
def test_saved_model_equals_the_model_within_a_grey_level(exported, size):
    model, folder = exported
    frames = np.random.randint(0, 256, (2, *size, 3), "uint8")
    served = priv_keras.Anonymizer.load(folder)(frames)
    assert served.dtype == np.uint8
    assert served.shape == frames.shape
    assert np.abs(served - reference(model, frames)).max() <= 1


@pytest.mark.parametrize("precision", TOLERANCES)
def test_tflite_equals_the_model_at_any_size(exported, precision):
    folder, psnr = export_tflite(exported, precision)
    assert psnr > 50
    for load in (folder, folder / "anonymizer.tflite"):
        anonymize = priv_keras.Anonymizer.load(load)
        for size in SIZES:
            frames = smooth_frames(2, *size, seed=3)
            served = anonymize(frames)
            assert served.dtype == np.uint8
            assert served.shape == frames.shape
            error = np.abs(served - reference(exported[0], frames)).max()
            assert error <= TOLERANCES[precision]


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_what_bounds_the_full_network_goes_into_tflite(precision, tmp_path):
    """A bound of bits has noise, which is new in each frame."""
    model = ANONYMIZERS["full"](
        width=0.125, upsampling="resized", low_pass=3, bits=8.0, noise=0.1
    )
    folder = tmp_path / "tflite"
    frames = smooth_frames(8, seed=1)
    assert tflite.export_tflite(model, folder, precision, frames, frames) > 40
    anonymize = priv_keras.Anonymizer.load(folder)
    drawn = np.concatenate([anonymize(frames[:1]) for _ in range(100)])
    assert len({x.tobytes() for x in drawn}) == 100
    quiet = reference(bounds.without_noise(model), frames[:1])[0]
    assert np.abs(drawn.mean(0) - quiet).mean() < 4
    assert 10 < drawn.std(0).mean() < 0.1 * 255


def test_int8_is_near_the_model(exported):
    folder, psnr = export_tflite(exported, "int8")
    frames = smooth_frames(4, 64, 80, seed=4)
    served = priv_keras.Anonymizer.load(folder)(frames)
    error = np.mean((served - reference(exported[0], frames)) ** 2.0)
    print(
        f"int8: PSNR {psnr:.1f} dB, elsewhere {10 * np.log10(255**2 / error)}"
    )
    assert psnr > 32
    assert 10 * np.log10(255**2 / error) > 30


def test_int8_convolutions_are_integers_and_statistics_are_not(exported):
    from ai_edge_litert.interpreter import Interpreter

    folder, _ = export_tflite(exported, "int8")
    interpreter = Interpreter(model_path=str(folder / "anonymizer.tflite"))
    types = {x["index"]: x["dtype"] for x in interpreter.get_tensor_details()}
    seen = {}
    for operation in interpreter._get_ops_details():
        kinds = seen.setdefault(operation["op_name"], set())
        kinds |= {types[i] for i in operation["outputs"]}
    assert seen["CONV_2D"] == {np.int8}
    assert seen["RSQRT"] == seen["MEAN"] == seen["TANH"] == {np.float32}


@pytest.mark.parametrize("name", EACH)
def test_without_even_channels_int8_is_refused(name, tmp_path, monkeypatch):
    model = ANONYMIZERS[name](width=0.25)
    for layer in model.layers:  # training does this to some extent
        if isinstance(layer, keras.layers.Conv2D) and not layer.use_bias:
            (kernel,) = layer.get_weights()
            channels = kernel.shape[-1]
            layer.set_weights([kernel * np.geomspace(1, 100, channels)])
    model_and_folder = model, tmp_path / "anonymizer"
    assert export_tflite(model_and_folder, "int8")[1] > 30
    before = sorted(tmp_path.rglob("*"))
    as_trained = tflite._spread(model)
    monkeypatch.setattr(tflite, "_spread", lambda *_: as_trained)
    with pytest.raises(ValueError, match=r"PSNR of [-0-9.]+ dB to that of"):
        export_tflite(model_and_folder, "int8")
    assert sorted(tmp_path.rglob("*")) == before


def test_moving_scales_into_the_normalization_changes_nothing(exported):
    model, _ = exported
    frames = smooth_frames(4)
    spread = tflite._spread(model, frames)
    moved = tflite._portable(model, spread)
    np.testing.assert_allclose(
        moved(to_float(frames)), model(to_float(frames)), atol=1e-4
    )
    convolution = next(
        x for x in moved.layers if isinstance(x, keras.layers.Conv2D)
    )
    output = keras.Model(moved.input, convolution.output)(to_float(frames))
    np.testing.assert_allclose(np.mean(output, (0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(np.std(output, (0, 1, 2)), 1, atol=1e-2)


def test_a_model_of_bfloat16_is_exported_in_float32(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = ANONYMIZERS["lite"](width=0.25)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    frames = smooth_frames(2)
    portable = tflite._portable(model, tflite._spread(model))
    assert {x.compute_dtype for x in portable.layers} == {"float32"}
    error = np.abs(portable(to_float(frames)) - model(to_float(frames)))
    assert error.max() < 0.1  # the precision of bfloat16


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
    before = card.load(folder)
    saved_model.export_saved_model(model, folder, before)
    names = {path.name for path in folder.parent.iterdir()}
    assert not any(name.endswith(".partial") for name in names)


def test_refusals(exported, tmp_path):
    load = priv_keras.Anonymizer.load
    with pytest.raises(FileNotFoundError, match="holds no SavedModel and no"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no SavedModel and no"):
        load(tmp_path / "none.tflite")
    with pytest.raises(ValueError, match="Received: float64 of shape"):
        load(exported[1])(np.zeros((1, 8, 8, 3)))
    with pytest.raises(ValueError, match="Received: 'int4'"):
        tflite.convert(exported[0], "int4")
    with pytest.raises(ValueError, match="needs `frames` to calibrate on"):
        tflite.convert(exported[0], "int8")


@pytest.mark.parametrize("kind", ["saved_model", "tflite"])
def test_a_tampered_file_is_refused(kind, tmp_path):
    model = ANONYMIZERS["lite"](width=0.25)
    described = card_of("lite")
    folder = tmp_path / "anonymizer"
    if kind == "tflite":
        frames = smooth_frames(2)
        tflite.export_tflite(model, folder, "float32", frames, card=described)
    else:
        saved_model.export_saved_model(model, folder, described)
    file = max(folder.rglob("*"), key=lambda path: path.stat().st_size)
    assert priv_keras.Anonymizer.load(folder).card["anonymizer"] == "lite"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{file.name} in .* is not what card"):
        priv_keras.Anonymizer.load(folder)
    if kind == "tflite":
        with pytest.raises(ValueError, match="is not what card"):
            priv_keras.Anonymizer.load(file)


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
    anonymize = anonymizer.Anonymizer.of(baselines.build("downsample_2"))
    frames = np.random.randint(0, 256, (2, 4, 6, 3), "uint8")
    blocks = frames.reshape(2, 2, 2, 3, 2, 3).mean(axis=(2, 4), keepdims=True)
    expected = np.broadcast_to(blocks, (2, 2, 2, 3, 2, 3)).reshape(frames.shape)
    assert np.abs(anonymize(frames) - expected).max() <= 0.5 + 1e-3
    assert anonymize(frames[:, :3, :5]).shape == (2, 3, 5, 3)
