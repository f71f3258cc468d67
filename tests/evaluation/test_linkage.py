"""Tests of linkage, on similarities and clips whose answer is known."""

import functools
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_curve
from toys import untuned

from priv_keras.evaluation import filtering
from priv_keras.evaluation import linkage
from priv_keras.evaluation import two_step
from priv_keras.layers import Channel
from priv_keras.layers import PerFrame
from priv_keras.networks import attackers
from priv_keras.networks.budgets import over_frames

PEOPLE = np.repeat(np.arange(4), 6)  # two clips each of three videos
VIDEOS = np.arange(24) // 2


def embedded(vectors):
    vectors = np.asarray(vectors, float)
    return linkage.Embedded(vectors, PEOPLE, VIDEOS)


def values(enrolled, tried=None):
    found = linkage.figures(
        embedded(enrolled), embedded(enrolled if tried is None else tried)
    )
    return [found[name]["value"] for name in linkage.MEASURES], found


def test_pairs_never_join_clips_of_one_video():
    pairs = linkage.trials(*[embedded(np.ones((24, 2)))] * 2)
    assert (VIDEOS[pairs.enrolled] != VIDEOS[pairs.tried]).all()
    assert len(pairs.same) == 24 * 22
    assert pairs.same.sum() == 24 * 4
    # Clips of one video that are alike link nobody.
    per_video = np.random.default_rng(0).normal(size=(12, 64))[VIDEOS]
    (eer, _, rank), _ = values(per_video)
    assert abs(eer - 0.5) < 0.2 and rank < 0.6


def test_people_who_are_apart_are_linked_without_error():
    figures, found = values(np.eye(4)[PEOPLE])
    assert figures == [0, 1, 1]
    # Four people cannot show that nobody is ever mistaken.
    low, high = found["eer"]["interval"]
    assert low == 0 and 0.2 < high < 0.9
    assert (found["people"], found["clips"], found["pairs"]) == (4, 24, 528)


def test_similarities_that_are_inverted_are_always_wrong():
    figures, _ = values(np.eye(4)[PEOPLE], -np.eye(4)[PEOPLE])
    assert figures == [1, 0, 0]


def test_similarities_that_are_all_equal_are_at_chance():
    figures, found = values(np.zeros((24, 3)))
    assert figures == pytest.approx([0.5, 0.01, 4 / 22])
    assert figures == [found[name]["chance"] for name in linkage.MEASURES]


def test_random_similarities_are_near_chance():
    once, found = np.ones(24, int), []
    for seed in range(100):
        vectors = embedded(np.random.default_rng(seed).normal(size=(24, 32)))
        pairs = linkage.trials(vectors, vectors)
        found.append([f(pairs, once) for f in linkage.MEASURES.values()])
    assert np.mean(found, 0) == pytest.approx([0.5, 0.01, 4 / 22], abs=0.02)


def test_figures_are_those_of_a_count_by_hand():
    similarities = np.array([0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    same = np.array([1, 1, 0, 0, 1, 0, 0], bool)
    tried = np.array([2, 1, 1, 0, 0, 1, 0])
    enrolled = np.array([3, 0, 3, 3, 2, 2, 1])
    pairs = linkage.Trials(enrolled, tried, similarities, same)
    once = np.ones(4, int)
    # Between 0.4 and 0.3, 2 of 4 are accepted wrongly and 1 of 3 is missed.
    assert linkage.equal_error_rate(pairs, once) == pytest.approx(1 / 3)
    assert linkage.true_accepts(pairs, once) == pytest.approx(2 / 3)
    # 0 is taken for 3, and 1 and 2 for whom they are.
    assert linkage.rank_1(pairs, once) == pytest.approx(2 / 3)
    assert linkage.rank_1(pairs, np.array([1, 2, 1, 1])) == 3 / 4
    # Without clip 3, 0 is found too, and 2 is not asked about.
    assert linkage.rank_1(pairs, np.array([1, 1, 1, 0])) == 1
    assert np.isnan(linkage.equal_error_rate(pairs, np.array([0, 0, 1, 1])))


def test_rates_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    similarities = np.sort(rng.integers(0, 30, 500) / 30)[::-1]  # with ties
    same = rng.random(500) < 0.3 + 0.4 * similarities
    enrolled, tried = rng.integers(0, 40, (2, 500))
    counts = rng.integers(0, 3, 40)
    pairs = linkage.Trials(enrolled, tried, similarities, same)
    wrong, right, _ = roc_curve(
        same, similarities, sample_weight=counts[enrolled] * counts[tried]
    )
    found = linkage.true_accepts(pairs, counts)
    assert found == pytest.approx(np.interp(0.01, wrong, right))
    rate = linkage.equal_error_rate(pairs, counts)
    assert 1 - np.interp(rate, wrong, right) == pytest.approx(rate)


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25", "resnet_v1_26"])
def test_an_embedding_is_what_the_last_layer_reads(name):
    model = attackers.build(name, 7, (32, 32, 3), width=0.25)
    clips = np.random.default_rng(0).random((2, 3, 32, 32, 3), "float32")
    vectors = linkage.embedder(model)(clips).numpy()
    kernel, bias = (w.numpy() for w in model.trainable_weights[-2:])
    # Logits are linear in it, so their means over frames are, too.
    logits = vectors @ kernel.reshape(-1, 7) + bias
    np.testing.assert_allclose(logits, model(clips), atol=1e-4)


TRAINED, OTHERS = range(12), range(12, 20)
LOOKS = np.random.default_rng(1).uniform(0.2, 0.8, (20, 3))


def clips(people, seed, size=8):
    """Returns batches of clips in which each person has a colour."""
    rng = np.random.default_rng(seed)
    who = np.repeat(list(people), size)
    noise = rng.normal(0, 0.03, (len(who), 2, 8, 8, 3))
    pixels = np.clip(LOOKS[who][:, None, None, None] + noise, 0, 1)
    order = rng.permutation(len(who))
    data = {
        "clips": pixels.astype("float32"),
        "budget_labels": who,
        "video": np.arange(len(who)),
    }
    data = {name: each[order] for name, each in data.items()}
    return untuned(tf.data.Dataset.from_tensor_slices(data).batch(32))


def side(filter):
    def made(people, seed):
        return filtering.filtered(clips(people, seed), filter)

    return {
        "train": made(TRAINED, 0),
        "validation": made(TRAINED, 1),
        "test": made(OTHERS, 2),
        "trial": made(OTHERS, 2),
    }


def build():
    keras.utils.set_random_seed(0)
    frames = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(frames))
    x = keras.layers.Dense(16, "tanh")(x)
    logits = keras.layers.Dense(len(TRAINED))(x)
    return over_frames(keras.Model(frames, logits), (8, 8, 3))


NETWORK = functools.partial(
    linkage.network,
    build,
    two_step.Protocol(
        steps=200,
        steps_per_epoch=50,
        patience=None,
        learning_rate=0.01,
        batch_size=32,
        frames=2,
    ),
    seed=0,
)
FITS = {"network": NETWORK, "discriminants": lambda: linkage.discriminants(0)}


@functools.cache
def linked(fit, filter):
    sides = {"raw": side(lambda x: x), "anonymized": side(FILTERS[filter])}
    with mock.patch.object(linkage, "RESAMPLES", 2):
        found = linkage.attack(FITS[fit](), sides)
    return {kind: found[kind]["eer"]["value"] for kind in linkage.KINDS}


FILTERS = {
    "constant": lambda x: tf.ones_like(x) / 2,
    # Whoever was blue is green, which is nobody's loss who knows it.
    "other colours": lambda x: 1 - tf.gather(x, [2, 0, 1], axis=-1),
}


@pytest.mark.parametrize("fit", FITS)
def test_a_mark_is_found_on_people_whom_nobody_trained_on(fit):
    found = linked(fit, "constant")
    assert found["raw"] < 0.1
    for kind in ("ignorant", "lazily informed", "informed"):
        assert found[kind] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("fit", FITS)
def test_an_attacker_who_knows_the_filter_links_more(fit):
    found = linked(fit, "other colours")
    assert found["informed"] < 0.1
    assert found["ignorant"] > found["informed"] + 0.2


def test_each_kind_of_attacker_has_the_clips_that_it_is_named_for():
    sides = {
        side: {x: f"{side} {x}" for x in ("train", "test", "trial")}
        for side in ("raw", "anonymized")
    }

    def fit(splits):
        def embed(dataset):
            return linkage.Embedded(
                np.ones((1, 1)), [splits["train"]], [dataset]
            )

        return embed, {}

    def read(enrolled, tried):
        return {"read": [enrolled.people, enrolled.videos, tried.videos]}

    with (
        mock.patch.object(linkage, "_check"),
        mock.patch.object(linkage, "figures", read),
    ):
        found = linkage.attack(fit, sides)
    assert {kind: sum(found[kind]["read"], []) for kind in found} == {
        "raw": ["raw train", "raw test", "raw trial"],
        "ignorant": ["raw train", "raw test", "anonymized trial"],
        "lazily informed": [
            "raw train",
            "anonymized test",
            "anonymized trial",
        ],
        "informed": [
            "anonymized train",
            "anonymized test",
            "anonymized trial",
        ],
    }


def test_vectors_are_seen_from_the_mean_of_what_is_known():
    part = embedded(np.tile([[3.0, 5.0], [1.0, 1.0 + 1e-7]], (12, 1)))
    found = linkage._centred(part, np.array([[0.0, 0.0], [2.0, 2.0]]))
    # What differs from the mean by rounding alone has no direction.
    expected = np.array([[2, 4] / np.sqrt(20), [0, 0]])
    np.testing.assert_allclose(found.vectors, np.tile(expected, (12, 1)))


def test_people_whom_the_attacker_knows_are_refused():
    sides = {"raw": side(lambda x: x), "anonymized": side(lambda x: x)}
    sides["raw"]["test"] = sides["raw"]["validation"]
    with pytest.raises(ValueError, match="share people"):
        linkage.attack(FITS["discriminants"](), sides)


@pytest.mark.parametrize(("people", "size"), [([12], 8), (range(12, 20), 1)])
def test_people_who_cannot_be_linked_are_refused(people, size):
    raw = filtering.unfiltered(clips(people, 0, size))
    train = filtering.unfiltered(clips(TRAINED, 0))
    with pytest.raises(ValueError, match="two or more people, and two or more"):
        linkage.attack(None, {"raw": {"train": train, "test": raw}})


@pytest.mark.parametrize("seed", [None, 3])
def test_filtering_twice_draws_noise_twice(seed):
    noisy = PerFrame(keras.Sequential([Channel(1, 1e9, 0.1, seed)]))
    one, other = (
        [x["clips"].numpy() for x in filtering.filtered(clips([0], 0), noisy)]
        for _ in range(2)
    )
    assert np.not_equal(one, other).mean() > 0.5
