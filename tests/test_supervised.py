import numpy as np
import pytest
import tensorflow as tf
from toys import toy_classifier

from priv_keras import supervised
from priv_keras.losses import SINGLE_LABEL
from priv_keras.networks import anonymizer


def learnable(size=64):
    """Clips whose class is their brightness."""
    labels = np.arange(size) % 3
    noise = np.random.default_rng(0).random((size, 2, 4, 4, 3)) / 4
    clips = (noise + labels[:, None, None, None, None]).astype("float32")
    return tf.data.Dataset.from_tensor_slices((clips, labels)).batch(16)


def fit(model, **kwargs):
    options = {
        "learning_rate": 0.05,
        "epochs": 30,
        "steps_per_epoch": 4,
        **kwargs,
    }
    return supervised.fit(
        model, learnable().repeat(), learnable(), SINGLE_LABEL, **options
    )


def test_it_learns_and_stops_at_the_goal():
    model = toy_classifier(3)
    fitted = fit(model)
    assert fitted["validation_accuracy"] == 1.0
    assert fitted["epochs"] < 30 and fitted["converged"]
    clips, labels = next(iter(learnable()))
    assert SINGLE_LABEL.accuracy(labels, model(clips)) == 1.0


def test_a_plateau_drops_the_rate_and_then_stops():
    fitted = fit(toy_classifier(3), learning_rate=0.0, patience=4)
    assert fitted["epochs"] == 5 and fitted["converged"]
    fitted = fit(toy_classifier(3), learning_rate=1e-9, patience=4)
    assert fitted["learning_rate"] < 1e-9


def test_what_the_cap_stopped_had_not_converged():
    fitted = fit(toy_classifier(3), learning_rate=1e-9, epochs=2)
    assert fitted["epochs"] == 2 and not fitted["converged"]


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([(0.2, 1.0), (0.9, 1.0), (0.4, 1.0)], 1),
        ([(0.5, 2.0), (0.5, 1.0), (0.5, 3.0)], 1),  # ties: lower loss
    ],
)
def test_the_best_epoch_is_kept(scores, kept):
    model = toy_classifier(3)
    best = supervised.KeepBest(goal=1.0, patience=9)
    best.set_model(model)
    for epoch, (accuracy, loss) in enumerate(scores):
        model.set_weights([np.full(w.shape, epoch) for w in model.weights])
        best.on_epoch_end(epoch, {"val_accuracy": accuracy, "val_loss": loss})
    best.on_train_end()
    assert all((w.numpy() == kept).all() for w in model.weights)
    assert best.accuracy == max(accuracy for accuracy, _ in scores)


def test_identity_brings_the_anonymizer_near_its_input():
    model = anonymizer.build(width=0.125)
    y, x = np.mgrid[:16, :16] / 16
    frames = np.stack([x, y, (x + y) / 2], axis=-1)[None].astype("float32")
    data = tf.data.Dataset.from_tensors(frames).repeat()
    before = float(np.abs(model(frames) - frames).mean())
    error = supervised.fit_identity(model, data, learning_rate=0.01, steps=60)
    assert error < before / 3
    assert np.abs(model(frames) - frames).mean() == pytest.approx(
        error, abs=0.02
    )
