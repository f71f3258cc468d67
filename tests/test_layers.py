import keras
import numpy as np
import pytest
import tensorflow as tf

from priv_keras.layers import CropLike
from priv_keras.layers import InstanceNormalization
from priv_keras.layers import PerFrame


def test_instance_normalization_is_group_normalization_of_single_channels():
    x = np.random.rand(2, 5, 6, 3).astype("float32") * 7
    ours = InstanceNormalization(epsilon=1e-3)
    theirs = keras.layers.GroupNormalization(groups=-1, epsilon=1e-3)
    ours.build(x.shape)
    theirs.build(x.shape)
    values = np.random.rand(2, 3).astype("float32")
    ours.set_weights(list(values))
    theirs.set_weights(list(values))
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_instance_normalization_counts_in_float32_under_bfloat16():
    x = 100 + np.random.rand(1, 8, 8, 2).astype("float32")
    layer = InstanceNormalization(dtype="mixed_bfloat16")
    y = layer(x)
    assert y.dtype == "bfloat16"
    y = np.asarray(tf.cast(y, tf.float32))
    assert y.std() == pytest.approx(1.0, abs=0.15)
    np.testing.assert_allclose(y.mean(axis=(1, 2)), 0, atol=0.05)


def test_crop_like_cuts_at_the_bottom_and_right():
    image = np.arange(4 * 4).reshape(1, 4, 4, 1).astype("float32")
    cut = CropLike()([image, np.zeros((1, 3, 2, 5), "float32")])
    np.testing.assert_array_equal(cut, image[:, :3, :2])


@pytest.mark.parametrize("frames", [1, 3])
def test_per_frame_filters_each_frame_by_itself(frames):
    network = keras.Sequential(
        [keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(5)]
    )
    clips = np.random.rand(4, frames, 2, 2, 3).astype("float32")
    inputs = keras.Input((None, 2, 2, 3))
    lifted = keras.Model(inputs, PerFrame(network)(inputs))
    expected = np.stack([network(clips[:, t]) for t in range(frames)], axis=1)
    np.testing.assert_allclose(lifted(clips), expected, atol=1e-6)
    assert lifted.output_shape == (None, None, 5)


def test_layers_survive_saving(tmp_path):
    network = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.ReLU()])
    clips = keras.Input((None, 4, 4, 3))
    frames = keras.Input((4, 4, 3))
    model = keras.Model(
        [clips, frames],
        [
            PerFrame(network)(clips),
            CropLike()([InstanceNormalization(epsilon=0.5)(frames), frames]),
        ],
    )
    model.save(tmp_path / "m.keras")
    restored = keras.saving.load_model(tmp_path / "m.keras")
    x = [np.random.randn(1, 2, 4, 4, 3), np.random.randn(1, 4, 4, 3)]
    x = [a.astype("float32") for a in x]
    for a, b in zip(model(x), restored(x), strict=True):
        np.testing.assert_allclose(a, b)
