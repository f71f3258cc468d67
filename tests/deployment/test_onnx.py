import numpy as np
import pytest
from made_cards import card_of

from priv_keras import export
from priv_keras.deployment import card
from priv_keras.deployment import onnx
from priv_keras.networks import bounds
from priv_keras.networks.anonymizer import ANONYMIZERS
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

BOUND = {"low_pass": 4, "bits": 12.0, "noise": 0.1}
NETWORKS = {
    "full": ("full", {"width": 0.125}),
    "resized": ("full", {"width": 0.125, "upsampling": "resized"}),
    "smooth": ("lite", {"width": 0.5, "low_pass": 3}),
}


def network(name, **more):
    kind, arguments = NETWORKS[name]
    return ANONYMIZERS[kind](**arguments, **more)


def session(content):
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(content)


def converted(model):
    pytest.importorskip("tf2onnx")
    return session(onnx.convert(model))


def some_frames(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), "uint8")


def reference(model, frames):
    return to_uint8(model(to_float(frames))).numpy().astype(int)


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_equals_the_model_within_a_grey_level_at_any_size(name):
    model = network(name)
    run = converted(model).run
    for shape in [(2, 16, 16), (1, 33, 21), (3, 64, 47)]:
        frames = some_frames(*shape)
        (served,) = run(None, {"frames": frames})
        assert served.dtype == np.uint8
        assert served.shape == frames.shape
        assert np.abs(served - reference(model, frames)).max() <= 1


def test_noise_is_given_and_nothing_draws_it():
    """ONNX Runtime would seed it by the clock."""
    model = network("full", **BOUND)
    served = converted(model)
    frames = some_frames(2, 33, 22)
    quiet = reference(bounds.without_noise(model), frames)
    none = np.zeros((2, 9, 6, 3), "float32")
    (silent,) = served.run(None, {"frames": frames, "noise": none})
    assert np.abs(silent - quiet).max() <= 1
    noise = np.random.default_rng(1).normal(size=none.shape).astype("float32")
    (drawn,) = served.run(None, {"frames": frames, "noise": noise})
    noisy = bounds.unpredictable(model)
    bounds.channel_of(noisy).normal = lambda _: noise
    assert np.abs(drawn - reference(noisy, frames)).max() <= 1
    assert np.abs(drawn - quiet).mean() > 5
    # f_A itself is as it was.
    assert bounds.channel_of(model).normal is None


def test_an_export_has_a_card_and_what_differs_is_not_written(
    tmp_path, monkeypatch
):
    pytest.importorskip("tf2onnx")
    model, frames = network("full", **BOUND), some_frames(2, 24, 24)
    folder = tmp_path / "onnx"
    onnx.export_onnx(model, folder, frames, card_of("full", 0.125))
    assert card.check(folder)["anonymizer"] == "full"
    assert sorted(path.name for path in folder.iterdir()) == [
        "anonymizer.onnx",
        "card.json",
        "card.md",
    ]
    names = session((folder / "anonymizer.onnx").read_bytes()).get_inputs()
    assert [each.name for each in names] == ["frames", "noise"]
    monkeypatch.setattr(onnx, "LARGEST", -1)
    with pytest.raises(ValueError, match="0 grey levels off|1 grey levels off"):
        onnx.export_onnx(model, tmp_path / "other", frames)
    assert not (tmp_path / "other").exists()


def test_missing_packages_are_named_before_anything_is_read(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(export.refusals, "check_worth", lambda _: None)
    monkeypatch.setattr(
        export.export_flags, "formats", lambda: ["savedmodel", "onnx"]
    )
    with pytest.raises(ValueError, match=r"needs tf2onnx and onnx.*\[onnx\]"):
        export.check(tmp_path, None)
