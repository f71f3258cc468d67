import keras
import numpy as np
import pytest

from priv_keras import baselines


def downsample(frames, factor):
    model = baselines.build(f"downsample_{factor}")
    return model(np.asarray(frames, "float32")).numpy()


def test_a_square_of_pixels_becomes_its_mean():
    frames = np.random.rand(2, 8, 12, 3).astype("float32")
    found = downsample(frames, 4)
    means = frames.reshape(2, 2, 4, 3, 4, 3).mean(axis=(2, 4))
    expected = means.repeat(4, axis=1).repeat(4, axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("factor", [1, 2, 4, 8, 16])
def test_any_size_stays_and_a_flat_frame_too(factor):
    frames = np.full((1, 21, 30, 3), 0.3, "float32")
    found = downsample(frames, factor)
    assert found.shape == frames.shape
    np.testing.assert_allclose(found, 0.3, atol=1e-6)
    # There are as many different pixels as squares.
    noise = downsample(np.random.rand(1, 21, 30, 1).repeat(3, -1), factor)
    squares = -(-21 // factor) * -(-30 // factor)
    assert len(np.unique(noise[..., 0])) == squares


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (7, 2), (40, 1)])
def test_a_frame_may_be_smaller_than_a_square(size):
    frames = np.random.rand(1, *size, 3).astype("float32")
    found = downsample(frames, 16)
    assert found.shape == frames.shape
    assert frames.min() - 1e-5 <= found.min()
    assert found.max() <= frames.max() + 1e-5
    if max(size) <= 16:
        assert len(np.unique(found[..., 0])) == 1


def test_a_factor_of_one_changes_nothing():
    frames = np.random.rand(1, 5, 7, 3).astype("float32")
    np.testing.assert_allclose(downsample(frames, 1), frames, atol=1e-6)


def test_it_is_saved_and_loaded(tmp_path):
    model = baselines.build("downsample_4")
    model.save(tmp_path / "model.keras")
    frames = np.random.rand(1, 9, 9, 3).astype("float32")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(frames), model(frames))


def test_unknown_names_and_factors_are_refused():
    with pytest.raises(ValueError, match="'blur'. Choose from: downsample_1,"):
        baselines.build("blur")
    with pytest.raises(ValueError, match="Received: factor=0"):
        baselines.downsample.build(0)
