import numpy as np

from priv_keras.experiment import exports
from priv_keras.layers import Channel
from priv_keras.networks.anonymizer import ANONYMIZERS


def test_an_export_does_not_hold_the_seed_of_its_noise(monkeypatch, tmp_path):
    trained = ANONYMIZERS["lite"](0.25, bits=8.0, noise=0.1, seed=5)
    written = []
    monkeypatch.setattr(exports, "describe", lambda *args: {})
    monkeypatch.setattr(
        exports.saved_model,
        "export_saved_model",
        lambda model, folder, card: written.append(model),
    )
    exports.export(trained, None, tmp_path, 3, ["savedmodel"], say=print)
    (model,) = written
    (channel,) = [x for x in model.layers if isinstance(x, Channel)]
    assert channel.seed is None
    assert not hasattr(channel, "seeds")
    assert channel.limit == Channel.limit_of(8.0, 0.1)
    for got, want in zip(
        model.get_weights(), trained.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, want)
