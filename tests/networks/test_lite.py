import keras
import numpy as np
import pytest
import tensorflow as tf
from toys import untuned

from priv_keras import supervised
from priv_keras.networks import anonymizer
from priv_keras.networks import lite

PARAMETERS = 21_744
MACS = {(112, 112): 16.5e6, (480, 640): 404e6}  # as the docstring says


def macs(model, height, width):
    """Counts the multiply-accumulates of all convolutions on one frame."""
    clone = keras.models.clone_model(
        model, keras.Input((height, width, 3), name="frames")
    )
    return sum(
        np.prod(layer.output.shape[1:3]) * layer.kernel.value.numpy().size
        for layer in clone.layers
        if hasattr(layer, "kernel")
    )


def test_it_is_as_small_as_it_says():
    model = lite.build()
    assert model.count_params() == PARAMETERS
    assert f"{PARAMETERS:,}" in lite.build.__doc__
    for size, stated in MACS.items():
        assert macs(model, *size) == pytest.approx(stated, rel=0.005)
    assert 1.58e9 / macs(model, 112, 112) == pytest.approx(96, rel=0.01)
    assert lite.build(width=0.5).count_params() < PARAMETERS / 2


@pytest.mark.parametrize("size", [(48, 48), (33, 50), (7, 5), (1, 2)])
def test_it_keeps_any_size_and_range(size):
    frames = np.random.rand(2, *size, 3).astype("float32")
    filtered = np.asarray(lite.build(width=0.25)(frames))
    assert filtered.shape == frames.shape
    assert filtered.min() >= 0
    assert filtered.max() <= 1


def test_it_filters_each_frame_by_itself():
    model = lite.build(width=0.25)
    frames = np.random.rand(3, 18, 16, 3).astype("float32")
    alone = np.concatenate([model(frames[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(model(frames), alone, atol=1e-5)


def test_it_warms_up_to_the_identity():
    rng = np.random.default_rng(0)
    coarse = rng.random((32, 6, 6, 3), "float32")
    frames = tf.image.resize(coarse, (48, 48), "bicubic").numpy().clip(0, 1)
    model = lite.build()
    before = np.abs(np.asarray(model(frames)) - frames).mean()
    data = tf.data.Dataset.from_tensor_slices(frames)
    batches = untuned(data.repeat().batch(16))
    after = supervised.fit_identity(
        model, batches, learning_rate=3e-3, steps=200
    )
    assert after < before / 3


def test_a_width_of_nothing_is_refused():
    with pytest.raises(ValueError, match="Received: width=0"):
        lite.build(width=0)


def test_every_anonymizer_has_the_same_interface():
    for build in anonymizer.ANONYMIZERS.values():
        model = build(width=0.25, input_shape=(16, 16, 3))
        assert model.input_shape == model.output_shape == (None, 16, 16, 3)
