import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import untuned

from priv_keras.evaluation import filtering
from priv_keras.evaluation import inversion

SIZE = 20  # not a multiple of 8, by which the U-Net shrinks frames


def batches(count=16):
    """Returns clips of two frames, with squares of any colour anywhere."""
    rng = np.random.default_rng(0)
    clips = np.zeros((count, 2, SIZE, SIZE, 3), "float32")
    for clip in clips:
        top, left = rng.integers(0, SIZE - 8, 2)
        clip[:, top : top + 8, left : left + 8] = rng.random(3)
    data = tf.data.Dataset.from_tensor_slices(
        {
            "clips": clips,
            "budget_labels": np.arange(count) % 2,
            "video": [f"v{i}" for i in range(count)],
        }
    )
    return untuned(data.batch(4))


def train(network, pairs, **options):
    return inversion.train(network, pairs, batch_size=4, frames=1, **options)


def negative(clips):
    return 1 - clips


def test_the_unet_takes_any_size():
    network = inversion.build(0.1)
    for height, width in ((20, 20), (33, 47), (112, 112)):
        frames = np.random.rand(1, height, width, 3).astype("float32")
        found = network(frames)
        assert found.shape == frames.shape
        assert float(tf.reduce_min(found)) >= 0
        assert float(tf.reduce_max(found)) <= 1


def test_likeness_of_a_split_with_itself_and_with_a_shifted_one():
    split = filtering.unfiltered(batches())
    same = inversion.likeness(split, split)
    assert same["psnr"] == 100
    assert same["ssim"] == pytest.approx(1)

    def darker(example):
        clips = tf.cast(example["clips"], tf.int32)
        clips = tf.cast(tf.where(clips > 127, clips - 51, clips + 51), tf.uint8)
        return {**example, "clips": clips}

    off = inversion.likeness(split.map(darker), split)
    # Every pixel is off by 0.2: 20 log10(1 / 0.2).
    assert off["psnr"] == pytest.approx(13.98, abs=0.01)
    assert off["ssim"] < 0.9


def test_what_can_be_undone_is_undone(tmp_path):
    network = inversion.build(0.25)
    raw = filtering.unfiltered(batches())
    anonymized = filtering.filtered(batches(), negative, tmp_path / "cache")
    before = inversion.likeness(anonymized, raw)
    pairs = inversion.pairs(batches(), negative)
    train(network, pairs, learning_rate=5e-3, steps=100)
    rebuilt = inversion.reconstructed(network, anonymized)
    after = inversion.likeness(rebuilt, raw)
    assert after["psnr"] > before["psnr"] + 10
    assert after["ssim"] > before["ssim"] + 0.1
    for example, original in zip(rebuilt, raw, strict=True):
        assert example["video"] == original["video"]
    assert not list(tmp_path.glob("**/*inver*"))


def test_an_update_sees_pairs_of_some_frames_of_each_clip():
    seen = []

    class Network(keras.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(shape=(), initializer="ones")

        def call(self, frames):
            return self.scale * frames

        def train_step(self, pair):
            filtered, raw = pair
            near = tf.reduce_all(tf.abs(filtered - (1 - raw)) < 1 / 255)
            tf.py_function(
                lambda *x: seen.append([int(each) for each in x]),
                [tf.shape(raw)[0], near],
                [],
            )
            return {"loss": 0.0}

    pairs = inversion.pairs(batches(), negative)
    train(Network(), pairs, learning_rate=1.0, steps=3)
    assert seen == [[4, True]] * 3  # of four clips of two frames


@pytest.mark.parametrize("keep, times", [(True, 4), (False, 8)])
def test_pairs_that_are_kept_are_made_once(keep, times):
    made = []

    def anonymizer(clips):
        tf.py_function(lambda: made.append(1), [], [])
        return negative(clips)

    pairs = inversion.pairs(batches(), anonymizer, keep)
    for _ in range(2):
        assert sum(1 for _ in pairs) == 16
    assert len(made) == times
