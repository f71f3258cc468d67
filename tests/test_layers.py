import keras
import numpy as np
import pytest
import tensorflow as tf

from priv_keras.layers import Channel
from priv_keras.layers import CropLike
from priv_keras.layers import Enlarge
from priv_keras.layers import GradientReversal
from priv_keras.layers import LowPass
from priv_keras.layers import PerFrame
from priv_keras.layers import PixelShuffle
from priv_keras.layers import PixelUnshuffle


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_gradient_reversal_is_the_identity_with_a_reversed_gradient(dtype):
    x = tf.constant([[1.0, -2.0], [3.0, 0.5]], dtype)
    layer = GradientReversal(0.5, dtype=dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        cost = tf.reduce_sum(y**2)
    gradient = tape.gradient(cost, x)
    np.testing.assert_array_equal(y, x)
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(gradient, -0.5 * 2 * x)


def test_gradient_reversal_agrees_with_finite_differences():
    """Below the layer, the gradient is -scale times that of the function."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 2))
    x = rng.normal(size=(4, 3))

    def cost(kernel):
        return np.sum(np.tanh(x @ kernel) ** 3)

    step = 1e-6
    numeric = np.zeros_like(kernel)
    for i in np.ndindex(kernel.shape):
        moved = np.zeros_like(kernel)
        moved[i] = step
        numeric[i] = (cost(kernel + moved) - cost(kernel - moved)) / (2 * step)
    variable = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        y = GradientReversal(1.7, dtype="float64")(x @ variable)
        loss = tf.reduce_sum(tf.tanh(y) ** 3)
    np.testing.assert_allclose(
        tape.gradient(loss, variable), -1.7 * numeric, rtol=1e-5, atol=1e-7
    )


def test_gradient_reversal_follows_its_scale_inside_a_graph():
    layer = GradientReversal(1.0)
    x = tf.ones(3)

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(x)
            cost = tf.reduce_sum(layer(x))
        return tape.gradient(cost, x)

    np.testing.assert_array_equal(gradient(), [-1] * 3)
    layer.scale.assign(4.0)
    np.testing.assert_array_equal(gradient(), [-4] * 3)


def test_gradient_reversal_has_nothing_to_train():
    layer = GradientReversal()
    assert layer.get_config()["scale"] == 1.0
    assert not layer.trainable_weights
    assert [w.name for w in layer.weights] == ["scale"]
    assert GradientReversal(0.0).scale == 0.0  # nothing below it moves


def test_gradient_reversal_refuses_a_scale_that_would_not_reverse():
    with pytest.raises(ValueError, match="Received: scale=-1"):
        GradientReversal(-1.0)


def test_crop_like_cuts_at_the_bottom_and_right():
    image = np.arange(4 * 4).reshape(1, 4, 4, 1).astype("float32")
    cut = CropLike()([image, np.zeros((1, 3, 2, 5), "float32")])
    np.testing.assert_array_equal(cut, image[:, :3, :2])
    shapes = [(2, 4, 4, 7), (2, 3, 2, 5)]
    assert CropLike().compute_output_shape(shapes) == (2, 3, 2, 7)


def test_pixel_unshuffle_stacks_squares_and_pads_at_the_bottom_and_right():
    frames = np.random.rand(2, 5, 7, 3).astype("float32")
    stacked = np.asarray(PixelUnshuffle(4)(frames))
    assert stacked.shape == (2, 2, 2, 48)
    np.testing.assert_array_equal(
        stacked[:, 0, 0], frames[:, :4, :4].reshape(2, 48)
    )
    back = np.asarray(PixelShuffle(4)(stacked))
    assert back.shape == (2, 8, 8, 3)
    np.testing.assert_array_equal(back[:, :5, :7], frames)
    assert not back[:, 5:].any()
    assert not back[:, :, 7:].any()


def test_pixel_shuffles_know_their_shapes():
    frames = keras.Input((None, 30, 3))
    stacked = PixelUnshuffle(4)(frames)
    assert stacked.shape == (None, None, 8, 48)
    assert PixelShuffle(4)(stacked).shape == (None, None, 32, 3)
    assert PixelUnshuffle(4)(keras.Input((8, 9, 1))).shape == (None, 2, 3, 16)


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


def test_per_frame_builds_a_layer_that_is_not_built_and_no_other():
    layer = keras.layers.Conv2D(4, 2)
    PerFrame(layer).build((5, 7, 2, 2, 3))
    assert layer.kernel.shape == (2, 2, 3, 4)
    kernel = layer.kernel
    PerFrame(layer).build((5, 7, 2, 2, 3))
    assert layer.kernel is kernel


def test_layers_survive_saving(tmp_path):
    network = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.ReLU()])
    clips = keras.Input((None, 4, 4, 3))
    frames = keras.Input((4, 4, 3))
    model = keras.Model(
        [clips, frames],
        [
            PerFrame(network)(clips),
            CropLike()([GradientReversal(0.5)(frames), frames]),
            PixelShuffle(2)(PixelUnshuffle(2)(frames)),
        ],
    )
    model.save(tmp_path / "m.keras")
    restored = keras.saving.load_model(tmp_path / "m.keras")
    x = [np.random.randn(1, 2, 4, 4, 3), np.random.randn(1, 4, 4, 3)]
    x = [a.astype("float32") for a in x]
    for a, b in zip(model(x), restored(x), strict=True):
        np.testing.assert_allclose(a, b)


@pytest.mark.parametrize("size", [(16, 16), (17, 9)])
def test_a_low_pass_drops_what_is_finer_than_a_square(size):
    rng = np.random.default_rng(0)
    frames = rng.random((2, *size, 3), "float32")
    smooth = np.asarray(LowPass(4)(frames))
    assert smooth.shape == frames.shape
    assert frames.min() <= smooth.min() <= smooth.max() <= frames.max()
    # What is written inside of squares does not get through.
    written = frames.copy()
    written[:, :8, :8] += 0.3 * (-1.0) ** np.indices((8, 8)).sum(0)[..., None]
    np.testing.assert_allclose(LowPass(4)(written), smooth, atol=1e-6)


def test_enlarging_repeats_pixels():
    frames = np.random.rand(2, 3, 5, 4).astype("float32")
    expected = keras.layers.UpSampling2D(2)(frames)
    np.testing.assert_array_equal(Enlarge(2)(frames), expected)


def test_a_low_pass_keeps_a_plain_frame():
    frames = np.full((1, 10, 7, 3), 0.4, "float32")
    np.testing.assert_allclose(LowPass(4)(frames), frames, rtol=1e-6)


def test_a_channel_scales_frames_down_to_its_limit():
    channel = Channel(4, limit=0.5, noise=0.0)
    frames = np.random.rand(3, 16, 16, 3).astype("float32")
    faint = 0.5 + 0.001 * (frames[:1] - 0.5)
    passed = np.asarray(channel(np.concatenate([frames, faint])))
    means = passed[:, 2::4, 2::4] - 0.5  # near the centres of squares
    assert np.sqrt((means**2).sum((1, 2, 3))).max() < 0.5
    full = np.asarray(channel.passed(frames[:, ::4, ::4])) - 0.5
    norms = np.sqrt((full**2).sum((1, 2, 3)))
    np.testing.assert_allclose(norms, 0.5, rtol=1e-5)
    np.testing.assert_allclose(passed[3:], LowPass(4)(faint), atol=1e-6)


def test_the_noise_of_a_channel_bounds_what_two_frames_differ_by():
    # Of two frames as far apart as can be, likelihood ratios tell no more than
    # the divergence that `limit` and `noise` allow.
    bits, noise = 2.0, 0.1
    limit = Channel.limit_of(bits, noise)
    assert limit**2 / (2 * noise**2) == pytest.approx(bits * np.log(2))
    channel = Channel(1, limit, noise)
    signal = np.full((1, 4, 4, 3), 0.9, "float32")
    drawn = np.asarray(channel(np.repeat(signal, 20000, 0))) - 0.5
    mean = drawn.mean(0)
    assert np.sqrt((mean**2).sum()) == pytest.approx(limit, rel=0.02)
    np.testing.assert_allclose(drawn.std(0), noise, rtol=0.05)
    # Squares are noisy each by itself.
    between = np.corrcoef(drawn.reshape(len(drawn), -1).T) - np.eye(48)
    assert np.abs(between).max() < 0.05


def test_a_channel_repeats_its_noise_only_with_a_seed():
    frames = np.random.rand(1, 8, 8, 3).astype("float32")

    def drawn(seed):
        keras.utils.set_random_seed(0)
        network = keras.Sequential([Channel(1, 1.0, 0.1, seed)])
        return np.asarray(network(frames))

    np.testing.assert_array_equal(drawn(3), drawn(3))
    assert np.abs(drawn(3) - drawn(4)).max() > 0.05
    assert np.abs(drawn(None) - drawn(None)).max() > 0.05


def test_secret_noise_is_noise_of_its_own_for_each_layer():
    frames = np.full((500, 4, 4, 3), 0.5, "float32")
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        channel = Channel(1, 1.0, 0.1, seed=1)
        channel.draw_secretly()
        drawn.append(np.asarray(tf.function(channel)(frames)) - 0.5)
        drawn.append(np.asarray(channel(frames)) - 0.5)
    for one in drawn:
        assert one.std() == pytest.approx(0.1, rel=0.05)
    between = np.corrcoef([one.ravel() for one in drawn]) - np.eye(4)
    assert np.abs(between).max() < 0.05


def test_a_channel_has_a_gradient_also_for_a_plain_frame():
    frames = tf.Variable(tf.fill((1, 8, 8, 3), 0.5))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(Channel(4, 1.0, 0.1)(frames) ** 2)
    assert np.isfinite(tape.gradient(loss, frames)).all()
