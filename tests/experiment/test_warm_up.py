import numpy as np
import pytest
import tensorflow as tf
from toys import toy_batch
from toys import untuned

from priv_keras.algorithms import Entropy
from priv_keras.experiment import warm_up
from priv_keras.losses import SINGLE_LABEL


@pytest.mark.parametrize("together", [False, True])
def test_f_a_moves_in_the_warm_up_of_f_t_only_where_it_is_to(
    make_game, data, together
):
    game = make_game(Entropy)
    parties = {
        "f_A": game.anonymizer,
        "f_T": game.target,
        "f_B": game.budgets[0],
    }
    before = {name: party.get_weights() for name, party in parties.items()}
    warm_up._warm_up_classifier(
        game,
        "f_T",
        game.target,
        data,
        untuned(tf.data.Dataset.from_tensors(toy_batch(seed=1))),
        "actions",
        SINGLE_LABEL,
        0.1,
        4,
        together=together,
    )
    moved = {
        name
        for name, party in parties.items()
        for old, new in zip(before[name], party.get_weights(), strict=True)
        if not np.array_equal(old, new)
    }
    assert moved == ({"f_A", "f_T"} if together else {"f_T"})
    assert game.anonymizer.trainable
