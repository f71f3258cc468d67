"""Games played from Python, with datasets of the caller's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import ACTIONS
from toys import CLIP
from toys import IDENTITIES
from toys import toy_anonymizer
from toys import toy_batch
from toys import toy_classifier
from toys import untuned

from priv_keras import losses
from priv_keras.algorithms import GRL
from priv_keras.algorithms import Entropy
from priv_keras.algorithms import KBeam
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import Optimizers
from priv_keras.algorithms.optimization import for_each_party


def game_of(algorithm=Entropy, **kwargs):
    game = algorithm(
        toy_anonymizer(),
        toy_classifier(ACTIONS),
        toy_classifier(IDENTITIES),
        **{
            "budget_task": losses.SINGLE_LABEL,
            "gamma": 1.0,
            "target_gate": Gate(0.9, 2),
            "budget_gate": Gate(0.9, 2),
            **kwargs,
        },
    )
    game.compile("adam")
    return game


def finite(count=24, batch=4, **changes):
    examples = {**toy_batch(count), **changes}
    return untuned(tf.data.Dataset.from_tensor_slices(examples).batch(batch))


def weights(game):
    return [np.array(w) for w in game.get_weights()]


@pytest.mark.parametrize("algorithm", [GRL, KBeam, Entropy])
def test_a_finite_dataset_is_repeated_for_as_many_turns_as_it_has_batches(
    algorithm,
):
    game = game_of(algorithm)
    history = game.fit(finite(), epochs=2, validation_data=finite(8), verbose=0)
    assert game.turns_played() == 2 * 6
    assert len(history.history["target_steps"]) == 2
    assert len(history.history["val_target_accuracy"]) == 2
    assert history.epoch == [0, 1]


def test_steps_per_epoch_are_turns():
    game = game_of()
    game.fit(
        finite(),
        epochs=3,
        steps_per_epoch=2,
        validation_data=finite(8),
        verbose=0,
    )
    assert game.turns_played() == 6


def test_pairs_of_clips_and_labels_play_the_same_game_as_dicts():
    def pair(batch):
        return batch.pop("clips"), batch

    played = []
    for dataset in (finite(), finite().map(pair)):
        keras.utils.set_random_seed(1)
        game = game_of()
        game.fit(dataset, validation_data=finite(8), verbose=0)
        played.append(weights(game))
    for dicts, pairs in zip(*played, strict=True):
        np.testing.assert_array_equal(dicts, pairs)


def test_a_dataset_of_unknown_length_wants_steps_per_epoch():
    endless = finite().filter(lambda batch: True)
    with pytest.raises(ValueError, match="Give `steps_per_epoch`"):
        game_of().fit(endless, validation_data=finite(8))


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (
            finite(clips=np.zeros((24, *CLIP), np.uint8)),
            "`clips` must be floats in .0, 1.. Received: uint8. Divide",
        ),
        (
            finite(clips=np.full((24, *CLIP), 255.0, np.float32)),
            "`clips` must be from 0 to 1. Received: 255 to 255",
        ),
        (
            finite(clips=np.zeros((24, *CLIP[1:]), np.float32)),
            r"`clips` must have the shape \(any, 2, 4, 4, 3\). Received: "
            r"\(any, 4, 4, 3\)",
        ),
        (
            finite(actions=np.full(24, ACTIONS)),
            "`actions` must be from 0 to 2. Received: 3 to 3",
        ),
        (
            finite(budget_labels=np.full(24, -1)),
            "`budget_labels` must be from 0 to 4. Received: -1 to -1",
        ),
        (
            finite(budget_labels=np.zeros((24, IDENTITIES))),
            r"`budget_labels` must have the shape \(any\). Received",
        ),
        (
            finite().map(lambda batch: {"clips": batch["clips"]}),
            "Received: clips; actions, budget_labels missing",
        ),
        (finite().map(lambda batch: batch["clips"]), "must be a dict"),
        (np.zeros((24, *CLIP)), "wants a `tf.data.Dataset`.*: ndarray"),
    ],
)
def test_what_is_no_batch_of_the_game_is_refused_and_nobody_moves(
    dataset, said
):
    game = game_of()
    before = weights(game)
    with pytest.raises(ValueError, match=said):
        game.fit(dataset, validation_data=finite(8), verbose=0)
    for old, new in zip(before, weights(game), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_label_out_of_range_is_named_wherever_it_is():
    labels = np.zeros(24, int)
    labels[-1] = 7
    with pytest.raises(ValueError, match="from 0 to 2. Received: 0 to 7"):
        game_of().fit(
            finite(actions=labels),
            epochs=3,
            validation_data=finite(8),
            verbose=0,
        )


def test_attributes_are_refused_unless_they_are_0_or_1():
    game = game_of(budget_task=losses.MULTI_LABEL)
    data = finite(budget_labels=np.full((24, IDENTITIES), 2))
    with pytest.raises(ValueError, match="from 0 to 1. Received: 2 to 2"):
        game.fit(data, validation_data=finite(8), verbose=0)


def test_without_validation_clips_the_gate_has_nothing_to_read():
    with pytest.raises(ValueError, match="`validation_data`, or `compile`"):
        game_of().fit(finite())


def test_one_optimizer_is_copied_for_each_party():
    one = keras.optimizers.Adam(0.25, beta_1=0.5)
    copies = for_each_party(one, 2)
    parties = [copies.anonymizer, copies.target, *copies.budgets]
    assert len({id(optimizer) for optimizer in (one, *parties)}) == 5
    for optimizer in parties:
        assert optimizer.get_config() == one.get_config()


def test_the_optimizer_of_one_budget_model_needs_no_list():
    three = (keras.optimizers.SGD(rate) for rate in (0.1, 0.2, 0.3))
    (budget,) = for_each_party(Optimizers(*three), 1).budgets
    assert float(budget.learning_rate) == pytest.approx(0.3)


def test_a_game_is_kept_by_its_weights_alone(tmp_path):
    game = game_of()
    game.fit(finite(), validation_data=finite(8), verbose=0)
    with pytest.raises(NotImplementedError, match="`save_weights`"):
        game.save(tmp_path / "game.keras")
    assert not list(tmp_path.iterdir())
    path = tmp_path / "game.weights.h5"
    game.save_weights(path)
    other = game_of()
    other.load_weights(path)
    assert other.turns_played() == game.turns_played()
    for old, new in zip(weights(game), weights(other), strict=True):
        np.testing.assert_array_equal(old, new)
