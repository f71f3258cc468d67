import keras
import numpy as np
import pytest
import tensorflow as tf

from priv_keras.layers import LowPass
from priv_keras.layers import TemporalShift
from priv_keras.networks import anonymizer
from priv_keras.networks import attackers
from priv_keras.networks import budgets
from priv_keras.networks import c3d
from priv_keras.networks import inception
from priv_keras.networks import r2plus1d
from priv_keras.networks import shifted_mobilenet
from priv_keras.networks import targets


def test_anonymizer_is_the_net_of_the_paper():
    model = anonymizer.build()
    assert model.count_params() == 1_677_638
    assert not any(
        layer.use_bias for layer in model.layers if hasattr(layer, "use_bias")
    )


@pytest.mark.parametrize("size", [(48, 48), (33, 50), (7, 5)])
def test_anonymizer_keeps_any_size_and_range(size):
    frames = np.random.rand(2, *size, 3).astype("float32")
    filtered = np.asarray(anonymizer.build(width=0.125)(frames))
    assert filtered.shape == frames.shape
    assert filtered.min() >= 0
    assert filtered.max() <= 1


def test_anonymizer_normalizes_each_channel_of_each_frame():
    model = anonymizer.build(width=0.125)
    frames = np.random.rand(2, 16, 16, 3).astype("float32")
    before_tanh = keras.Model(model.input, model.layers[-3].input[0])(frames)
    # Initially the scale is one and the shift zero.
    np.testing.assert_allclose(
        np.mean(before_tanh, axis=(1, 2)), np.zeros((2, 3)), atol=1e-4
    )
    np.testing.assert_allclose(
        np.std(before_tanh, axis=(1, 2)), np.ones((2, 3)), atol=0.01
    )


def test_enlarging_otherwise_takes_as_many_parameters():
    model = anonymizer.build(upsampling="resized")
    assert model.count_params() == 1_677_638
    with pytest.raises(ValueError, match="`upsampling` must be one of"):
        anonymizer.build(upsampling="bicubic")


@pytest.mark.parametrize("name", anonymizer.ANONYMIZERS)
def test_a_low_pass_is_the_last_layer(name):
    build = anonymizer.ANONYMIZERS[name]
    plain, smooth = (build(width=0.125, low_pass=n) for n in (1, 4))
    smooth.set_weights(plain.get_weights())
    frames = np.random.rand(2, 18, 13, 3).astype("float32")
    np.testing.assert_allclose(
        smooth(frames), LowPass(4)(plain(frames)), atol=1e-6
    )


def test_anonymizer_filters_each_frame_by_itself():
    model = anonymizer.build(width=0.125)
    frames = np.random.rand(3, 16, 16, 3).astype("float32")
    alone = np.concatenate([model(frames[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(model(frames), alone, atol=1e-5)


@pytest.mark.parametrize(
    ("classes", "parameters"),
    [(8, 78_028_552), (51, 78_204_723), (101, 78_409_573)],
)
def test_c3d_is_the_net_of_the_paper(classes, parameters):
    assert c3d.build(classes).count_params() == parameters


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (lambda n: c3d.build(n, normalization="batch", head="average"), 27.7),
        (r2plus1d.build, 33.2),
        (shifted_mobilenet.build, 2.27),
    ],
)
def test_other_targets_are_as_large_as_they_say(build, parameters):
    """In millions, with 8 classes; the last two have 400 and 1000 in theirs."""
    assert build(8).count_params() / 1e6 == pytest.approx(parameters, rel=0.01)


def test_normalized_c3d_has_as_many_parameters_as_its_docstring_says():
    model = c3d.build(8, normalization="batch", head="average")
    assert f"{model.count_params():,}" in c3d.build.__doc__


def test_r2plus1d_has_as_many_parameters_as_its_docstring_says():
    model = r2plus1d.build(400, input_shape=(4, 32, 32, 3))
    trained = sum(np.prod(w.shape) for w in model.trainable_weights)
    assert f"{trained:,}" in r2plus1d.build.__doc__


@pytest.mark.parametrize("name", targets.NAMES)
@pytest.mark.parametrize("width", [0.125, 0.3])
def test_every_target_classifies_clips_at_any_width(name, width):
    shape = (6, 48, 48, 3)
    model = targets.build(name, 5, width, shape, normalization="group")
    assert model(np.zeros((2, *shape), "float32")).shape == (2, 5)


def test_an_unknown_target_is_refused():
    with pytest.raises(ValueError, match="no f_T 'x3d'.*c3d"):
        targets.build("x3d", 5)
    with pytest.raises(ValueError, match="`normalization` must be one of"):
        c3d.build(5, normalization="layer")
    with pytest.raises(ValueError, match="`head` must be one of"):
        c3d.build(5, head="flat")


def test_a_shifted_network_sees_the_neighbours_of_a_frame():
    shift = TemporalShift(3)
    frames = np.arange(3 * 16, dtype="float32").reshape(3, 1, 1, 16) + 1
    shifted = np.asarray(shift(frames))[:, 0, 0]
    before, after, still = shifted[:, :2], shifted[:, 2:4], shifted[:, 4:]
    frames = frames[:, 0, 0]
    np.testing.assert_array_equal(before, [[0, 0], *frames[:2, :2]])
    np.testing.assert_array_equal(after, [*frames[1:, 2:4], [0, 0]])
    np.testing.assert_array_equal(still, frames[:, 4:])


def test_narrow_c3d_takes_small_clips():
    model = c3d.build(8, width=0.125, input_shape=(8, 48, 48, 3))
    assert model(np.zeros((2, 8, 48, 48, 3), "float32")).shape == (2, 8)
    assert model.count_params() < 78_028_552 / 40


def test_budget_model_is_mobilenet_v2_averaged_over_frames():
    model = budgets.build("mobilenet_v2_0.35", 13, (32, 32, 3))
    reference = keras.applications.MobileNetV2(
        (32, 32, 3),
        alpha=0.35,
        weights=None,
        classes=13,
        classifier_activation=None,
    )
    assert model.count_params() == reference.count_params()
    reference.set_weights(model.get_weights())
    clips = np.random.rand(2, 3, 32, 32, 3).astype("float32")
    frames = 2 * clips.reshape(6, 32, 32, 3) - 1
    expected = np.asarray(reference(frames)).reshape(2, 3, 13).mean(axis=1)
    np.testing.assert_allclose(model(clips), expected, atol=1e-5)


@pytest.mark.parametrize("normalization", ["batch", "group"])
def test_a_convnet_is_a_budget_model_averaged_over_frames(normalization):
    model = budgets.build("convnet_0.5", 5, (32, 32, 3), normalization)
    clips = np.random.rand(2, 3, 32, 32, 3).astype("float32")
    frames = [model(clips[:, i : i + 1]) for i in range(3)]
    np.testing.assert_allclose(model(clips), np.mean(frames, 0), atol=1e-5)
    wide = budgets.build("convnet_1", 5, (32, 32, 3), normalization)
    assert wide.count_params() > 3 * model.count_params()


def test_a_budget_model_can_read_the_mean_picture_of_a_clip():
    model = budgets.build("convnet_0.5", 5, (32, 32, 3), pooling="frames")
    clips = np.random.rand(2, 3, 32, 32, 3).astype("float32")
    mean = clips.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(model(clips), model(mean), atol=1e-5)
    frames = [model(clips[:, i : i + 1]) for i in range(3)]
    assert np.abs(model(clips) - np.mean(frames, 0)).max() > 1e-3


def batch_norms(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def test_batch_statistics_follow_the_weights():
    for model in (
        budgets.build("mobilenet_v2_0.35", 3, (32, 32, 3)),
        attackers.build("mobilenet_v1_0.25", 3, (32, 32, 3)),
    ):
        assert batch_norms(model)
        assert {layer.momentum for layer in batch_norms(model)} == {0.9}


def test_group_normalized_budget_model_acts_alike_in_training():
    model = budgets.build("mobilenet_v2_0.35", 3, (32, 32, 3), "group")
    clips = np.random.rand(2, 1, 32, 32, 3).astype("float32")
    assert not batch_norms(model)
    np.testing.assert_allclose(
        model(clips, training=True), model(clips), atol=1e-5
    )


@pytest.mark.parametrize("name", attackers.NAMES)
def test_every_attacker_classifies_clips(name):
    model = attackers.build(name, 5, (32, 32, 3), width=0.25)
    clips = np.random.rand(2, 3, 32, 32, 3).astype("float32")
    assert model(clips).shape == (2, 5)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mobilenet_v1_1", 4_253_864),  # keras.applications' own counts
        ("resnet_v1_50", 25_610_152),
        ("resnet_v2_50", 25_613_800),
    ],
)
def test_attackers_at_full_width(name, parameters):
    assert attackers.build(name, 1000).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "application"),
    [
        ("resnet_v1_50", "ResNet50"),
        ("resnet_v2_50", "ResNet50V2"),
        pytest.param("resnet_v2_101", "ResNet101V2", marks=pytest.mark.slow),
    ],
)
def test_resnets_convolve_frames_of_the_sizes_of_their_papers(
    name, application
):
    def sizes(model):
        return sorted(
            (layer.output.shape[1:], tuple(layer.kernel.shape))
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D)
        )

    shape = (224, 224, 3)
    published = getattr(keras.applications, application)(
        weights=None, input_shape=shape
    )
    lifted = next(
        layer.layer
        for layer in attackers.build(name, 5, shape).layers
        if hasattr(layer, "layer")
    )
    assert sizes(lifted) == sizes(published)


def test_inception_has_the_parameters_that_tf_slim_counts():
    """Counts the base, without the last layer, and corrects for differences."""

    def convolutions(version):
        model = inception.build(version, 1, (224, 224, 3))
        return [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]

    def size(convolution):  # no scale after it: offset and two statistics
        return keras.ops.size(convolution.kernel) + 3 * convolution.filters

    # It has kernels of 3x3 for 5x5.
    five = [
        int(keras.ops.size(x.kernel))
        for x in convolutions(1)
        if x.kernel_size == (5, 5)
    ]
    total = sum(map(size, convolutions(1))) - sum(five) * 16 // 25
    assert total == 5_607_184
    # Its first convolution is separable, with an offset alone.
    first, *rest = convolutions(2)
    separable = 7 * 7 * 3 * 8 + 3 * 8 * 64 + 64
    assert separable + sum(map(size, rest)) == 10_173_112


@pytest.mark.parametrize(
    ("version", "channels"),
    [
        (1, {28: [256, 480], 14: [512, 512, 512, 528, 832], 7: [832, 1024]}),
        (2, {28: [256, 320], 14: [576] * 5, 7: [1024] * 3}),
    ],
)
def test_blocks_of_inception_are_of_the_sizes_of_its_paper(version, channels):
    model = inception.build(version, 1, (224, 224, 3))
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Concatenate):
            _, height, _, depth = layer.output.shape
            found.setdefault(height, []).append(depth)
    assert found == channels


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="'vgg'. Choose from: mobilenet_v1"):
        attackers.build("vgg", 5)
    with pytest.raises(ValueError, match="Received: 'mobilenet_v2_wide'"):
        budgets.build("mobilenet_v2_wide", 5)
    with pytest.raises(ValueError, match="Received: 'resnet_1'"):
        budgets.build("resnet_1", 5)
    with pytest.raises(ValueError, match="must be 'batch' or 'group'"):
        budgets.build("mobilenet_v2_0.35", 5, (32, 32, 3), "layer")
    with pytest.raises(ValueError, match="logits, frames.*'max'"):
        budgets.build("convnet_0.5", 5, (32, 32, 3), pooling="max")


@pytest.mark.parametrize("build", [anonymizer.build, lambda w: c3d.build(8, w)])
def test_width_must_be_positive(build):
    with pytest.raises(ValueError, match="Received: width=0"):
        build(0)


def sports1m(folder, **changed):
    """A checkpoint with the names and shapes of the Sports-1M weights."""
    shapes = {
        "wc1": (3, 3, 3, 3, 64),
        "wc2": (3, 3, 3, 64, 128),
        "wc3a": (3, 3, 3, 128, 256),
        "wc3b": (3, 3, 3, 256, 256),
        "wc4a": (3, 3, 3, 256, 512),
        "wc4b": (3, 3, 3, 512, 512),
        "wc5a": (3, 3, 3, 512, 512),
        "wc5b": (3, 3, 3, 512, 512),
        "wd1": (8192, 4096),
        **changed,
    }
    shapes |= {f"b{n[1:]}": shape[-1:] for n, shape in shapes.items()}
    rng = np.random.default_rng(0)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        for name, shape in shapes.items():
            value = rng.standard_normal(shape, "float32") * 0.01
            tf.compat.v1.get_variable(f"var_name/{name}", initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver()
        return saver.save(session, str(folder / "sports1m.model"))


@pytest.mark.slow
def test_c3d_starts_from_sports1m(tmp_path):
    path = sports1m(tmp_path)
    model = c3d.build(8, rescaling=c3d.PIXELS)
    last_two = [w.numpy() for w in model.weights[-4:]]
    c3d.load_sports1m(model, path)
    reader = tf.train.load_checkpoint(path)
    convolution, dense = model.layers[2], model.layers[-5]
    np.testing.assert_array_equal(
        convolution.kernel, reader.get_tensor("var_name/wc1")
    )
    np.testing.assert_array_equal(
        dense.kernel, reader.get_tensor("var_name/wd1")
    )
    np.testing.assert_array_equal(dense.bias, reader.get_tensor("var_name/bd1"))
    for old, new in zip(last_two, model.weights[-4:], strict=True):
        np.testing.assert_array_equal(old, new)


def test_c3d_refuses_a_checkpoint_of_something_else(tmp_path):
    model = c3d.build(8, width=0.05, input_shape=(8, 32, 32, 3))
    with pytest.raises(ValueError, match="has no var_name/wc1"):
        c3d.load_sports1m(model, tmp_path / "nothing")
    later = ("wc3a", "wc3b", "wc4a", "wc4b", "wc5a", "wc5b", "wd1")
    path = sports1m(tmp_path, **dict.fromkeys(later, (8, 4)))
    with pytest.raises(ValueError, match=r"wc1 .* is \(3, 3, 3, 3, 64\)"):
        c3d.load_sports1m(model, path)


def test_budget_model_starts_from_weights_of_its_name(monkeypatch):
    """What a download would return stands in for it."""
    applications = keras.applications.MobileNetV2
    made = []

    def offline(*args, weights, **kwargs):
        model = applications(*args, weights=None, **kwargs)
        if weights:
            made.append(model)
        return model

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    model = budgets.build(
        "mobilenet_v2_0.35", 5, (32, 32, 3), weights="imagenet"
    )
    network = next(x for x in model.layers if hasattr(x, "layer")).layer
    for name in ("Conv1", "block_3_depthwise_BN", "Conv_1"):
        for a, b in zip(
            network.get_layer(name).get_weights(),
            made[0].get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


def test_a_failed_download_says_what_to_do(monkeypatch):
    applications = keras.applications.MobileNetV2

    def offline(*args, weights, **kwargs):
        if weights:
            raise ValueError("URL fetch failure")
        return applications(*args, weights=None, **kwargs)

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    with pytest.raises(OSError, match="leave --budget_weights out"):
        budgets.build("mobilenet_v2_0.35", 5, (32, 32, 3), weights="imagenet")


@pytest.mark.parametrize(
    "name, application, layer",
    [
        ("mobilenet_v1_0.25", "MobileNet", "conv_pw_13"),
        ("resnet_v1_50", "ResNet50", "conv5_block3_3_conv"),
        ("resnet_v2_50", "ResNet50V2", "conv5_block3_3_conv"),
    ],
)
def test_attacker_starts_from_weights_of_its_name(
    monkeypatch, name, application, layer
):
    """What a download would return stands in for it."""
    build = getattr(keras.applications, application)
    made = []

    def offline(*args, weights, **kwargs):
        model = build(*args, weights=None, **kwargs)
        if weights:
            made.append(model)
        return model

    monkeypatch.setattr(keras.applications, application, offline)
    model = attackers.build(name, 5, (32, 32, 3), weights="imagenet")
    lifted = next(x for x in model.layers if hasattr(x, "layer")).layer
    network = next(x for x in lifted.layers if isinstance(x, keras.Model))
    for a, b in zip(
        network.get_layer(layer).get_weights(),
        made[0].get_layer(layer).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert model(np.zeros((2, 3, 32, 32, 3), "float32")).shape == (2, 5)


def test_pretrained_resnets_see_the_pixels_they_know():
    frames = np.random.rand(2, 4, 4, 3).astype("float32")
    expected = keras.applications.resnet.preprocess_input(255 * frames)
    found = attackers._caffe_pixels(2 * frames - 1)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize(
    "names, width", [(["inception_v1"], 1), (["resnet_v1_50"], 0.25)]
)
def test_weights_that_nobody_has_are_refused(names, width):
    with pytest.raises(ValueError, match="--attacker_weights=imagenet"):
        attackers.check_pretrained(names, width)
