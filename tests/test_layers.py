import keras
import numpy as np
import pytest

from priv_keras.layers import CropLike
from priv_keras.layers import PerFrame


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
            CropLike()([frames, frames]),
        ],
    )
    model.save(tmp_path / "m.keras")
    restored = keras.saving.load_model(tmp_path / "m.keras")
    x = [np.random.randn(1, 2, 4, 4, 3), np.random.randn(1, 4, 4, 3)]
    x = [a.astype("float32") for a in x]
    for a, b in zip(model(x), restored(x), strict=True):
        np.testing.assert_allclose(a, b)
