import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import endless
from toys import toy_classifier
from toys import untuned

from priv_keras import supervised
from priv_keras.losses import MULTI_LABEL
from priv_keras.losses import SINGLE_LABEL
from priv_keras.networks import anonymizer


def learnable(size=64):
    """Returns clips whose class is their brightness."""
    labels = np.arange(size) % 3
    noise = np.random.default_rng(0).random((size, 2, 4, 4, 3)) / 4
    clips = (noise + labels[:, None, None, None, None]).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((clips, labels))
    return untuned(data.batch(16))


def fit(model, task=SINGLE_LABEL, **kwargs):
    options = {
        "learning_rate": 0.05,
        "epochs": 30,
        "steps_per_epoch": 4,
        **kwargs,
    }
    return supervised.fit(
        model, learnable().repeat(), learnable(), task, **options
    )


def test_it_learns_and_stops_at_the_goal():
    model = toy_classifier(3)
    fitted = fit(model)
    assert fitted["validation_accuracy"] == 1.0
    assert fitted["epochs"] < 30 and fitted["converged"]
    clips, labels = next(iter(learnable()))
    assert SINGLE_LABEL.accuracy(labels, model(clips)) == 1.0


def test_a_fit_traces_its_steps_once():
    traced = []

    def loss(*args):
        traced.append(args)
        return SINGLE_LABEL.loss(*args)

    task = SINGLE_LABEL._replace(loss=loss)
    fit(toy_classifier(3), task=task, epochs=2)
    assert len(traced) == 2  # to train, and to validate


def test_a_second_fit_of_a_model_traces_nothing_and_starts_afresh():
    traced = []

    def loss(*args):
        traced.append(args)
        return SINGLE_LABEL.loss(*args)

    task = SINGLE_LABEL._replace(loss=loss)
    model = toy_classifier(3)
    first = model.get_weights()
    found = []
    for rate in (0.05, 0.01, 0.05):
        model.set_weights(first)
        found.append(fit(model, task=task, epochs=2, learning_rate=rate))
        assert found[-1]["learning_rate"] == pytest.approx(rate)
    assert len(traced) == 2
    assert found[0] == found[2] != found[1]


def test_the_third_plateau_ends_a_training():
    fitted = fit(toy_classifier(3), learning_rate=0.0, patience=4)
    assert fitted["epochs"] == 1 + 3 * 4 and fitted["converged"]
    fitted = fit(toy_classifier(3), learning_rate=1e-9, patience=4)
    assert fitted["learning_rate"] == pytest.approx(1e-9 / 25)


def test_a_training_takes_its_least_epochs():
    options = {"learning_rate": 0.0, "patience": 1}
    assert fit(toy_classifier(3), **options)["epochs"] == 4
    assert fit(toy_classifier(3), **options, least=9)["epochs"] == 9


def test_a_perfect_epoch_ends_a_training_only_if_it_is_the_goal():
    assert fit(toy_classifier(3), goal=None)["epochs"] == 30


class Model:
    """Stands for a model that a callback steers."""

    stop_training = False

    class optimizer:
        learning_rate = 1.0


def play(figures, patience=1, **options):
    """Returns the epochs that a training takes which shows `figures` on
    validation, and its learning rates."""
    stop = supervised.StopAtPlateau("val_accuracy", 1.0, patience, **options)
    model = Model()
    model.optimizer = Model.optimizer()
    stop.set_model(model)
    rates = []
    for epoch, figure in enumerate(figures):
        rates.append(model.optimizer.learning_rate)
        stop.on_epoch_end(epoch, {"val_accuracy": figure, "val_loss": 1.0})
        if model.stop_training:
            return epoch + 1, rates
    return None, rates


def test_a_better_loss_is_progress_too():
    stop = supervised.StopAtPlateau("val_accuracy", 1.0, 1)
    stop.set_model(Model())
    for epoch in range(9):
        stop.on_epoch_end(epoch, {"val_accuracy": 0.5, "val_loss": -epoch})
    assert stop.drops == 0


def test_what_was_spent_is_doubled_once_if_it_finds_no_more():
    epochs, rates = play([0.5] * 99, doubled_over=100)
    assert epochs == 2 * 4
    assert rates == [1, 1, 1 / 5, 1 / 25, 1, 1, 1 / 5, 1 / 25]


def test_a_doubling_that_finds_more_than_the_error_is_doubled_again():
    # Of 100 clips, the standard error at 0.5 is 0.05.
    assert play([0.5] * 7 + [0.56] * 99, doubled_over=100)[0] == 16
    assert play([0.5] * 7 + [0.54] * 99, doubled_over=100)[0] == 8


def test_a_perfect_training_is_doubled_once():
    assert play([1.0] * 99, doubled_over=100)[0] == 8


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
    best = supervised.KeepBest("val_accuracy")
    best.set_model(model)
    for epoch, (accuracy, loss) in enumerate(scores):
        model.set_weights([np.full(w.shape, epoch) for w in model.weights])
        best.on_epoch_end(epoch, {"val_accuracy": accuracy, "val_loss": loss})
    best.on_train_end()
    assert all((w.numpy() == kept).all() for w in model.weights)
    assert best.accuracy == max(accuracy for accuracy, _ in scores)


def test_of_attributes_the_best_epoch_is_that_of_their_precision():
    """Two of 32 pictures show the attribute. A model that always says no is
    94 % right; one that ranks them first but says yes too often is the better
    spy."""
    labels = np.zeros((32, 1), "int64")
    labels[:2] = 1
    pictures = np.ones((32, 1), "float32")
    pictures[:2] = 2
    data = tf.data.Dataset.from_tensors((pictures, labels))
    spy = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    class Play(keras.callbacks.Callback):
        """Says no to all; ranks them but says yes to all; says no to all."""

        def on_test_begin(self, logs=None):
            weights = [(0.0, -1.0), (1.0, 0.0), (0.0, -1.0)][self.epoch]
            spy.set_weights([np.array([[weights[0]]]), np.array([weights[1]])])

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    fitted = supervised.fit(
        spy,
        data.repeat(),
        data,
        MULTI_LABEL,
        learning_rate=0.0,
        epochs=3,
        steps_per_epoch=1,
        callbacks=[Play()],
    )
    assert spy.get_weights()[0] == 1.0
    assert fitted["validation_accuracy"] == pytest.approx(2 / 32)


def test_each_validation_clip_counts_alike():
    """A last batch of one clip is a fifth of five clips, and not a half."""
    clips = np.eye(2, dtype="float32")[[0, 0, 0, 0, 1]]
    reader = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    reader.set_weights([np.eye(2), np.zeros(2)])
    data = tf.data.Dataset.from_tensor_slices((clips, np.zeros(5, "int64")))
    fitted = supervised.fit(
        reader,
        data.batch(5).repeat(),
        data.batch(4),
        SINGLE_LABEL,
        learning_rate=0.0,
        epochs=1,
        steps_per_epoch=1,
    )
    assert fitted["validation"] == pytest.approx(0.8)
    assert fitted["validation_accuracy"] == pytest.approx(0.8)


def test_identity_brings_the_anonymizer_near_its_input():
    model = anonymizer.build(width=0.125)
    y, x = np.mgrid[:16, :16] / 16
    frames = np.stack([x, y, (x + y) / 2], axis=-1)[None].astype("float32")
    data = endless(frames)
    before = float(np.abs(model(frames) - frames).mean())
    error = supervised.fit_identity(model, data, learning_rate=0.01, steps=60)
    assert error < before / 3
    assert np.abs(model(frames) - frames).mean() == pytest.approx(
        error, abs=0.02
    )
