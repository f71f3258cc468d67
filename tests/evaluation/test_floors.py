import contradicting_splits
import numpy as np
import pytest
import tensorflow as tf
from toys import untuned

from priv_keras.evaluation import floors

CLASSES = 3


def split(clips, labels):
    data = tf.data.Dataset.from_tensor_slices(
        {
            "clips": clips,
            "budget_labels": labels,
            "video": [f"{i}" for i in range(len(labels))],
        }
    )
    return untuned(data)


def noise(count, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(100, 150, (count, 2, 24, 24, 3)).astype("uint8")


def bright(count, seed):
    """Returns clips that show their class by a bright row."""
    labels = np.arange(count) % CLASSES
    clips = noise(count, seed)
    clips[np.arange(count), :, 8 * labels] += 60
    return clips, labels


def grating(count, seed):
    """Returns clips that show their class by stripes of a pixel each, which
    thumbnails and histograms average away."""
    labels = np.arange(count) % CLASSES
    clips = noise(count, seed).astype(int)
    stripes = np.where(np.arange(24) % 2, 1, -1)[:, None]
    shown = labels[:, None, None, None, None] * stripes[:, :, None]
    return (clips + 6 * shown).astype("uint8"), labels


def attacked(name, made, classes=CLASSES):
    splits = {
        part: split(*made(count, seed))
        for seed, (part, count) in enumerate(
            (("train", 60), ("validation", 30), ("test", 30))
        )
    }
    return floors.attack(name, floors.describe_all(splits), classes, seed=0)


@pytest.mark.parametrize("name", floors.NAMES)
def test_a_floor_reads_what_is_planted(name):
    found = attacked(name, bright)
    assert found["accuracy"] > 0.9 and found["validation"] > 0.9
    assert found["name"] == name and found["converged"]


def test_a_floor_reads_fine_stripes():
    found = attacked("floor_linear", grating)
    assert found["accuracy"] > 0.7
    assert not found["chosen"].startswith("thumbnails")


def test_a_floor_reads_nothing_in_pictures_of_nothing():
    def flat(count, seed):
        labels = np.random.default_rng(seed).integers(0, CLASSES, count)
        return np.full((count, 2, 24, 24, 3), 128, "uint8"), labels

    assert attacked("floor_linear", flat)["accuracy"] < 0.6


def attributes(count, seed):
    """Returns clips of an attribute that is shown, one that is not, and one
    that is in no training clip; the first label is not known."""
    clips, labels = bright(count, seed)
    rare = np.arange(count) * (seed > 0) % 2
    chance = np.random.default_rng(seed).integers(0, 2, count)
    found = np.stack([labels == 0, chance, rare], axis=1).astype(int)
    found[0, 0] = -1
    return clips, found


@pytest.mark.parametrize("name", floors.NAMES)
def test_a_floor_reads_each_attribute(name):
    shown, chance, rare = attacked(name, attributes)["average_precisions"]
    assert shown > 0.9
    assert chance < 0.8 and rare == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", floors.NAMES)
def test_a_class_that_training_lacks_is_never_named(name):
    found = attacked(name, bright, classes=CLASSES + 2)
    confusion = np.array(found["detail"]["confusion"])
    assert confusion.shape == (5, 5) and confusion[:, 3:].sum() == 0


@pytest.mark.parametrize("name", floors.NAMES)
def test_a_floor_learns_chooses_and_is_scored_on_a_split_each(name):
    def split_of(shown):
        return contradicting_splits.split(shown, column=0)

    splits = {
        "train": split_of(0),
        "validation": split_of(0),
        "test": split_of(1),
    }
    found = floors.attack(
        name, floors.describe_all(splits), contradicting_splits.CLASSES, 0
    )
    assert found["validation"] == 1.0
    assert found["accuracy"] == 0.0


def test_a_large_training_split_is_thinned_out(monkeypatch):
    monkeypatch.setattr(floors, "MOST", 7)
    clips = split(*bright(20, 0))
    found = floors.describe_all(
        dict.fromkeys(contradicting_splits.NAMES, clips)
    )
    assert len(found["train"].labels) == len(set(found["train"].videos)) == 7
    assert len(found["test"].labels) == 20


@pytest.mark.parametrize("size", [(1, 2, 2), (16, 112, 112), (3, 13, 5)])
def test_clips_of_any_size_are_described(size):
    clip = np.random.default_rng(0).integers(0, 256, (*size, 3), "uint8")
    for kind, count in ((floors.thumbnails, 864), (floors.statistics, 264)):
        found = kind(clip)
        assert found.shape == (count,) and np.isfinite(found).all()


def test_a_thumbnail_is_the_mean_of_each_cell():
    clip = np.random.default_rng(0).integers(0, 256, (2, 24, 36, 3), "uint8")
    means = clip.reshape(2, 12, 2, 12, 3, 3).mean((2, 4)) / 255
    mean, deviation = np.split(floors.thumbnails(clip), 2)
    np.testing.assert_allclose(mean, means.mean(0).ravel(), rtol=1e-4)
    np.testing.assert_allclose(deviation, means.std(0).ravel(), atol=1e-5)
