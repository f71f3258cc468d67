"""The fused layer is Keras's, but for its speed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from priv_keras.networks.normalization import BatchNormalization

SHAPES = [(9, 5), (4, 6, 7, 5), (2, 3, 6, 7, 5), (1, 1, 1, 5)]


def layers(shape, **options):
    made = [
        kind(momentum=0.9, **options)
        for kind in (keras.layers.BatchNormalization, BatchNormalization)
    ]
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.5, 2, shape[-1]) for _ in range(4)]
    for layer in made:
        layer.build((None, *shape[1:]))
        layer.set_weights(weights)
    return made


def trained(layer, x, wanted):
    """Returns the output, the gradients and the weights after an update."""

    @tf.function(input_signature=[tf.TensorSpec((None, *x.shape[1:]))])
    def update(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum((tf.cast(y, tf.float32) - wanted) ** 2)
        return y, tape.gradient(loss, [x, layer.gamma, layer.beta])

    y, gradients = update(x)
    return [y, *gradients, *layer.get_weights()]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_trains_as_keras_layer_does(shape):
    rng = np.random.default_rng(1)
    x = (3 * rng.normal(size=shape) + 2).astype("float32")
    wanted = rng.normal(size=shape).astype("float32")
    keras_layer, fused = layers(shape)
    for one, other in zip(
        trained(keras_layer, x, wanted), trained(fused, x, wanted), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    # In inference, both read the moving averages that the update left.
    np.testing.assert_allclose(keras_layer(x), fused(x), rtol=1e-4, atol=1e-4)


def test_frozen_it_learns_and_averages_nothing():
    _, fused = layers(SHAPES[1])
    x = np.random.rand(*SHAPES[1]).astype("float32")
    fused.trainable = False
    first = fused.get_weights()
    np.testing.assert_allclose(fused(x, training=True), fused(x))
    for one, other in zip(fused.get_weights(), first, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_statistics_in_float32(policy):
    x = np.random.rand(4, 6, 7, 5).astype("float32")
    keras_layer, fused = layers(x.shape, dtype=policy)
    found = [trained(layer, x, x) for layer in (keras_layer, fused)]
    assert found[1][0].dtype == policy.removeprefix("mixed_")
    assert fused.moving_mean.dtype == "float32"
    for one, other in zip(found[0][4:], found[1][4:], strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-2)


def test_weights_that_keras_layer_saved_are_loaded(tmp_path):
    models = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        inputs = keras.Input((4, 4, 3))
        x = keras.layers.Conv2D(5, 3)(inputs)
        models.append(keras.Model(inputs, kind()(x)))
    models[0].layers[-1].moving_mean.assign(np.arange(5.0))
    path = str(tmp_path / "kept.weights.h5")
    models[0].save_weights(path)
    models[1].load_weights(path)
    np.testing.assert_array_equal(
        models[1].layers[-1].moving_mean, np.arange(5.0)
    )
