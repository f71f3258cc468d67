import collections

import numpy as np
import pytest
import tensorflow as tf
from judged_clips import PROTOCOL
from judged_clips import batches
from judged_clips import constant
from judged_clips import splits
from toys import toy_classifier
from toys import untuned

from priv_keras.evaluation import attacks
from priv_keras.evaluation import filtering
from priv_keras.evaluation import two_step
from priv_keras.losses import SINGLE_LABEL


def build():
    return toy_classifier(5)


def trained_on_raw(tmp_path):
    """Returns the weights and the score of an attacker that reads raw clips."""
    weights = str(tmp_path / "raw" / "a.weights.h5")
    found = two_step.attack(
        "a",
        build,
        splits(filtering.unfiltered(batches())),
        SINGLE_LABEL,
        PROTOCOL,
        seed=0,
        record=str(tmp_path / "raw" / "a.json"),
        weights=weights,
    )
    return weights, found


def static(weights, test, record):
    return attacks.static("a", build, weights, test, 8, record=str(record))[
        "accuracy"
    ]


def test_a_static_attacker_is_the_one_that_raw_clips_trained(tmp_path):
    weights, found = trained_on_raw(tmp_path)
    raw = filtering.unfiltered(batches())
    assert static(weights, raw, tmp_path / "1.json") == found["accuracy"] > 0.9
    flat = filtering.filtered(batches(), constant, tmp_path / "c")
    assert static(weights, flat, tmp_path / "2.json") <= 0.25


def test_a_static_attacker_misses_what_one_that_is_retrained_finds(tmp_path):
    weights, _ = trained_on_raw(tmp_path)
    negative = filtering.filtered(batches(), lambda x: 1 - x, tmp_path / "c")
    retrained = two_step.attack(
        "a",
        build,
        splits(negative),
        SINGLE_LABEL,
        PROTOCOL,
        seed=0,
        record=str(tmp_path / "a.json"),
    )
    missed = static(weights, negative, tmp_path / "s.json")
    assert retrained["accuracy"] > 0.9 > 0.5 > missed


def test_an_attacker_whose_weights_are_gone_is_trained_again(tmp_path):
    weights, found = trained_on_raw(tmp_path)
    (tmp_path / "raw" / "a.weights.h5").unlink()
    again, refound = trained_on_raw(tmp_path)
    assert (tmp_path / "raw" / "a.weights.h5").exists()
    assert refound["accuracy"] == found["accuracy"]


def videos_of(dataset):
    found = collections.defaultdict(set)
    for example in dataset:
        label = example["budget_labels"].numpy()
        found[label if not label.ndim else "all"].add(example["video"].numpy())
    return found


def dataset(labels):
    """Returns two clips of each video."""
    names = [f"v{i}" for i in range(len(labels))]
    data = tf.data.Dataset.from_tensor_slices(
        {
            "clips": np.zeros((2 * len(labels), 1), "uint8"),
            "budget_labels": np.repeat(labels, 2, axis=0),
            "video": np.repeat(names, 2),
        }
    )
    return untuned(data)


def few_labels(train, share, seed):
    return attacks.of_videos(train, attacks.few_videos(train, share, seed))


@pytest.mark.parametrize(("share", "left"), [(0.01, 1), (0.3, 3), (1, 10)])
def test_few_labels_leave_whole_videos_of_each_class(share, left):
    labels = np.arange(30) % 3
    few = few_labels(dataset(labels), share, seed=1)
    assert {c: len(v) for c, v in videos_of(few).items()} == {
        0: left,
        1: left,
        2: left,
    }
    assert len(list(few)) == 2 * 3 * left == few.cardinality()
    again = few_labels(dataset(labels), share, seed=1)
    assert videos_of(again) == videos_of(few)


def test_of_multi_label_videos_a_share_of_all_is_left():
    labels = np.random.default_rng(0).integers(0, 2, (20, 4))
    few = few_labels(dataset(labels), 0.1, seed=0)
    assert len(videos_of(few)["all"]) == 2
