import numpy as np
import pytest
import tensorflow as tf
from toys import CLIP
from toys import toy_batch

from priv_keras import callbacks
from priv_keras.algorithms import Entropy
from priv_keras.callbacks import watch_anonymizer
from priv_keras.evaluation import two_step
from priv_keras.experiment.data import check_labels
from priv_keras.experiment.data import check_videos

FRAMES = np.random.default_rng(0).random((4, *CLIP[1:]), "float32")


def said_of(game, data, spoil=lambda: None, epochs=2, patience=4):
    said = []

    def play():
        game.fit(
            data,
            epochs=epochs,
            steps_per_epoch=2,
            validation_data=tf.data.Dataset.from_tensors(toy_batch()),
            callbacks=[
                callbacks.WatchAnonymizer(FRAMES, said.append, patience)
            ],
            shuffle=False,
            verbose=0,
        )

    spoil()
    play()
    return said


def test_a_game_that_goes_well_is_not_warned_of(make_game, data):
    assert said_of(make_game(Entropy), data) == []


def test_an_anonymizer_of_one_picture_is_named(make_game, data):
    game = make_game(Entropy, lr=0.0)
    kernel = game.anonymizer.layers[-1].kernel
    said = said_of(game, data, lambda: kernel.assign(0 * kernel), epochs=1)
    assert len(said) == 1
    assert "the same picture for every frame" in said[0]


def test_an_anonymizer_that_stays_where_it_was_is_named(make_game, data):
    said = said_of(make_game(Entropy, lr=0.0), data)
    assert len(said) == 1  # after the second epoch: patience is 4 turns
    assert "has not moved in 4 turns" in said[0]


def test_equal_frames_are_constant_and_others_are_not():
    same = np.repeat(FRAMES[:1], 3, axis=0)
    assert watch_anonymizer.is_constant(same)
    other = same.copy()
    other[1, 0, 0, 0] += 2 / 255
    assert not watch_anonymizer.is_constant(other)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_video_in_two_splits_is_refused(split):
    splits = {"train": ["a", "b"], "validation": ["c"], "test": ["d"]}
    check_videos(splits)
    splits[split] = ["e", "b"]
    with pytest.raises(ValueError, match=f"in train and in {split}, as b"):
        check_videos(splits)


def test_labels_that_are_all_one_are_refused():
    check_labels("actions", [1, 1, 2])
    check_labels("attributes", np.array([[0, 1], [1, 1]]))
    with pytest.raises(ValueError, match="same actions, 1"):
        check_labels("actions", [1, 1, 1])
    with pytest.raises(ValueError, match=r"same attributes, \[0, 1\]"):
        check_labels("attributes", np.array([[0, 1], [0, 1]]))


def test_labels_are_read_no_further_than_needed():
    labels = iter([1, 2, 3])
    check_labels("actions", labels)
    assert list(labels) == [3]


def test_statistics_are_stale_where_inference_knows_less():
    assert two_step.stale(trained=0.9, inferred=0.1)
    assert not two_step.stale(trained=0.9, inferred=0.8)
    assert not two_step.stale(trained=0.1, inferred=0.1)  # learnt nothing
