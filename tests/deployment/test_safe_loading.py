import contextlib
import os
import shutil
import struct

import keras
import numpy as np
import pytest
import tensorflow as tf
from made_cards import card_of
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.core.protobuf import tensor_bundle_pb2
from tensorflow.python.eager.polymorphic_function import polymorphic_function

import priv_keras
from priv_keras import baselines
from priv_keras.deployment import card as cards
from priv_keras.deployment import safe_loading
from priv_keras.deployment import saved_model
from priv_keras.deployment import tensor_bundle
from priv_keras.networks import bounds
from priv_keras.networks.anonymizer import ANONYMIZERS

FRAMES = np.random.default_rng(0).integers(0, 256, (2, 21, 30, 3), "uint8")
SIGNATURE = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
WIDTH = 0.25
CARD = card_of("lite", WIDTH)
load = priv_keras.Anonymizer.load


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A folder with an export of each network, which no test changes."""
    folder = tmp_path_factory.mktemp("exports")
    for name in ("full", "lite"):
        network = ANONYMIZERS[name](WIDTH)
        saved_model.export_saved_model(network, folder / name, CARD)
    return folder


@pytest.fixture
def exported(exports, tmp_path):
    return shutil.copytree(exports / "lite", tmp_path / "model")


@pytest.fixture
def stolen(tmp_path):
    """The file that the graphs of strangers write to."""
    return tmp_path / "stolen"


def forge(folder, **said):
    """Writes the card that the author of a hostile folder would write."""
    cards.write(folder, {**CARD, **said})


def refused(folder, match="cannot be rebuilt.*--trust_model"):
    with pytest.raises(ValueError, match=match) as error:
        load(folder)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def thief(path):
    def write(frames):
        content = tf.io.serialize_tensor(frames)
        with tf.control_dependencies([tf.io.write_file(str(path), content)]):
            return tf.identity(frames)

    return write


def serving(folder, path):
    """Saves a model that writes its input to a file."""
    module = tf.Module()
    module.serve = tf.function(thief(path), input_signature=SIGNATURE)
    tf.saved_model.save(module, str(folder))


def unlisted(folder, path):
    """Writes by a function that the list of functions does not name. The loader
    builds it all the same; since it returns nothing, TensorFlow can call it."""
    module = tf.Module()
    module.serve = tf.function(
        lambda frames: [thief(path)(frames)].clear(),
        input_signature=SIGNATURE,
        autograph=False,
    )
    tf.saved_model.save(module, str(folder), signatures={})
    file = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    objects = model.meta_graphs[0].object_graph_def
    for node in objects.nodes:
        if node.WhichOneof("kind") == "function":
            (name,) = node.function.concrete_functions
            node.bare_concrete_function.concrete_function_name = name
            node.bare_concrete_function.argument_keywords.append("frames")
            node.bare_concrete_function.allowed_positional_arguments = 1
    for node in objects.nodes:
        if node.WhichOneof("kind") == "bare_concrete_function":
            node.bare_concrete_function.ClearField("function_spec")
    objects.concrete_functions.clear()
    file.write_bytes(model.SerializeToString())


def swapped(folder, path):
    """Saves a model that writes in a function which TensorFlow swaps in for
    another, since it claims to do the same and to suit this device better."""

    def implementation(function, device):
        return polymorphic_function.function(
            function,
            input_signature=SIGNATURE,
            autograph=False,
            experimental_attributes={
                "api_implements": "same",
                "api_preferred_device": device,
            },
        )

    harmless = implementation(tf.identity, "GPU")
    module = tf.Module()
    module.other = implementation(thief(path), "CPU")
    module.serve = tf.function(
        lambda frames: harmless(frames) + tf.constant(0, tf.uint8),
        input_signature=SIGNATURE,
    )
    tf.saved_model.save(module, str(folder))


@pytest.mark.parametrize("attack", [serving, unlisted, swapped])
def test_no_graph_of_a_file_is_run(attack, exported, stolen, tmp_path):
    expected = load(exported)(FRAMES)
    hostile = tmp_path / "hostile"
    attack(hostile, stolen)
    shutil.copy(hostile / "saved_model.pb", exported)
    forge(exported)
    np.testing.assert_array_equal(load(exported)(FRAMES), expected)
    refused(hostile)
    forge(hostile)
    refused(hostile)
    assert not stolen.exists()
    with contextlib.suppress(ValueError):  # it may make no frames of frames
        load(hostile, trusted=True)(FRAMES)
    assert stolen.exists()


def test_tensorflow_loads_nothing_of_a_file(exported, monkeypatch):
    def never(*_, **__):
        raise AssertionError

    for place, name in (
        (tf.saved_model, "load"),
        (tf.train, "load_checkpoint"),
        (tf.io, "read_file"),
    ):
        monkeypatch.setattr(place, name, never)
    before = load(exported)(FRAMES)
    (exported / "saved_model.pb").write_bytes(b"no graph")
    (exported / "fingerprint.pb").write_bytes(b"no fingerprint")
    (exported / "assets" / "words.txt").write_text("a\n")
    forge(exported)
    np.testing.assert_array_equal(load(exported)(FRAMES), before)


def built(name, policy):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        if name not in ANONYMIZERS:
            return baselines.build(name)
        network = ANONYMIZERS[name](WIDTH)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    rng = np.random.default_rng(0)
    for weight in network.variables:
        weight.assign(weight + rng.normal(0, 0.1, weight.shape))
    return network


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        *((x, p) for x in ANONYMIZERS for p in ("float32", "mixed_bfloat16")),
        ("lite", "mixed_float16"),
        ("downsample_4", "float32"),
    ],
)
def test_it_makes_what_its_graph_makes(name, policy, earlier, tmp_path):
    network = built(name, policy)
    card = {**CARD, "anonymizer": name}
    card["arguments"] = {"dtype_policy": network.dtype_policy.name}
    if name in ANONYMIZERS:
        card["arguments"]["width"] = WIDTH
    if earlier:  # cards had only the flags of the run
        del card["arguments"]
        card["flags"] = f"--anonymizer_width={WIDTH}\n--precision={policy}\n"
    saved_model.export_saved_model(network, tmp_path / "model", card)
    before = keras.mixed_precision.dtype_policy()
    rebuilt = load(tmp_path / "model")
    assert keras.mixed_precision.dtype_policy() == before
    assert rebuilt.card["anonymizer"] == name
    graph = load(tmp_path / "model", trusted=True)(FRAMES).astype(int)
    assert graph.std() > 10
    assert np.abs(rebuilt(FRAMES) - graph).max() <= 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("full", {"low_pass": 3, "upsampling": "resized"}),
        ("lite", {"low_pass": 2}),
    ],
)
def test_what_bounds_an_anonymizer_is_part_of_its_export(
    name, options, tmp_path
):
    network = ANONYMIZERS[name](WIDTH, **options)
    arguments = {"width": WIDTH, "dtype_policy": "float32", **options}
    card = {**CARD, "anonymizer": name, "arguments": arguments}
    saved_model.export_saved_model(network, tmp_path / "model", card)
    graph = load(tmp_path / "model", trusted=True)(FRAMES).astype(int)
    rebuilt = load(tmp_path / "model")
    assert np.abs(rebuilt(FRAMES) - graph).max() <= 1


def test_the_noise_of_what_is_rebuilt_is_seeded_by_the_system(tmp_path):
    options = {"bits": 8.0, "noise": 0.1}
    arguments = {"width": WIDTH, "dtype_policy": "float32", **options}
    card = {**CARD, "arguments": arguments}
    network = ANONYMIZERS["lite"](WIDTH, **options)
    saved_model.export_saved_model(network, tmp_path / "model", card)
    card = cards.check(tmp_path / "model")
    first, second = (
        safe_loading.rebuild(tmp_path / "model", card).layers[-1].secret
        for _ in range(2)
    )
    assert not np.array_equal(first.state, second.state)


@pytest.mark.parametrize("name", ANONYMIZERS)
@pytest.mark.parametrize("trusted", [True, False])
def test_the_noise_of_an_export_is_new_in_each_process_and_frame(
    name, trusted, tmp_path
):
    options = {"low_pass": 2, "bits": 8.0, "noise": 0.1}
    arguments = {"width": WIDTH, "dtype_policy": "float32", **options}
    keras.utils.set_random_seed(0)
    network = ANONYMIZERS[name](WIDTH, **options, seed=7)
    card = {**CARD, "anonymizer": name, "arguments": arguments}
    plain = bounds.unpredictable(network)
    saved_model.export_saved_model(plain, tmp_path / "model", card)
    passed = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        model = load(tmp_path / "model", trusted=trusted)
        passed.extend(model(FRAMES[:1]).astype(float) for _ in range(200))
    passed = np.stack(passed)
    assert len({x.tobytes() for x in passed}) == len(passed)
    # Of many draws only the mean is left, and it is that of the network.
    quiet = np.asarray(bounds.without_noise(network)(FRAMES[:1] / 255.0))
    np.testing.assert_allclose(passed.mean(0) / 255, quiet, atol=0.03)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"low_pass": 0}, "low-pass 0, not a whole number from 1 to 16"),
        ({"low_pass": 2.5}, "low-pass 2.5"),
        ({"low_pass": 10**9}, "low-pass 1000000000"),
        ({"low_pass": "4"}, "low-pass '4'"),
        ({"upsampling": "lambda"}, "upsampling 'lambda', not one of"),
        ({"blur": 1}, "with its own arguments"),
        ({"bits": 8.0}, "only one of bits and noise"),
        ({"bits": 8.0, "noise": 1.0}, "noise 1.0, not a number from 0.01"),
        ({"bits": 0, "noise": 0.1}, "bits 0, not a number from 0.1 to 1e.06"),
        ({"bits": "8", "noise": 0.1}, "bits '8'"),
    ],
)
def test_a_card_cannot_ask_for_more(option, says, exports, tmp_path):
    folder = shutil.copytree(exports / "full", tmp_path / "model")
    arguments = {"width": WIDTH, "dtype_policy": "float32"}
    forge(folder, anonymizer="full", arguments=arguments)
    load(folder)
    forge(folder, anonymizer="full", arguments={**arguments, **option})
    refused(folder, says)


def test_without_a_card_it_has_to_be_trusted(tmp_path):
    folder = tmp_path / "model"
    saved_model.export_saved_model(ANONYMIZERS["lite"](WIDTH), folder)
    refused(folder, "no card.json.*--trust_model")
    assert load(folder, trusted=True)(FRAMES).shape == FRAMES.shape


@pytest.mark.parametrize(
    "said",
    [
        {"anonymizer": "../../x"},
        {"anonymizer": "full\x1b[2J\n"},
        {"anonymizer": "full"},
        {"anonymizer": "downsample_3"},
        {"anonymizer": "downsample_4"},
        {"anonymizer": "face_box_blur", "arguments": {}},
        {"arguments": {}},
        {"arguments": {"width": WIDTH}},
        {"arguments": {"dtype_policy": "float32"}},
        {"arguments": {"width": WIDTH, "dtype_policy": "float64"}},
        {"arguments": {"width": WIDTH, "dtype_policy": "float32", "x\n": 1}},
        *(
            {"arguments": {"width": width, "dtype_policy": "float32"}}
            for width in (0, -1, 0.5, 9, 1e9, np.inf, np.nan, "0.25", "\x1b\n")
        ),
    ],
    ids=str,
)
def test_a_card_of_another_network_is_refused(said, exported):
    forge(exported, **said)
    refused(exported)


@pytest.mark.parametrize(
    "flags",
    [
        "",
        "--anonymizer_width=0.25",
        "--anonymizer_width=x\n--precision=float32",
        "--anonymizer_width=nan\n--precision=float32",
        "--anonymizer_width=0.25\n--precision=../../x",
    ],
)
def test_an_earlier_card_has_to_say_what_it_is_of(flags, exported):
    without = {key: x for key, x in CARD.items() if key != "arguments"}
    cards.write(exported, {**without, "flags": flags})
    refused(exported)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_file_is_refused(kind, exported, tmp_path):
    data = exported / "variables" / "variables.data-00000-of-00001"
    outside = shutil.move(data, tmp_path / "outside")
    if kind == "link":
        data.symlink_to(outside)
    elif kind == "folder":
        shutil.move(data.parent, tmp_path / "variables")
        data.parent.symlink_to(tmp_path / "variables")
    else:
        os.mkfifo(data)
    refused(exported, "is a link, a pipe or a device")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value, tmp_path):
    network = ANONYMIZERS["lite"](WIDTH)
    last = network.variables[-1]
    last.assign(np.where(np.arange(last.shape[0]) == 2, value, 0.0))
    saved_model.export_saved_model(network, tmp_path / "model", CARD)
    refused(tmp_path / "model", "is not finite.*--trust_model")


def varint(number):
    return (
        bytes([number])
        if number < 128
        else bytes([number & 127 | 128]) + varint(number >> 7)
    )


def index(items):
    """Returns a table as LevelDB writes it, without checksums."""

    def block(items):
        entries = (
            b"\0" + varint(len(key)) + varint(len(value)) + key + value
            for key, value in items
        )
        return b"".join(entries) + struct.pack("<II", 0, 1)

    data = block(sorted(items.items())) + bytes(5)
    handle = varint(0) + varint(len(data) - 5)
    root = block([(b"x", handle)])
    footer = bytes(2) + varint(len(data)) + varint(len(root))
    return (
        data + root + bytes(5) + footer.ljust(40, b"\0") + tensor_bundle.MAGIC
    )


FIRST = b"variables/0/.ATTRIBUTES/VARIABLE_VALUE"


def first(**changes):
    """Returns a change of the entry of the first weight."""

    def change(items):
        entry = tensor_bundle_pb2.BundleEntryProto.FromString(items[FIRST])
        shape = changes.pop("shape", None)
        for key, value in changes.items():
            setattr(entry, key, value)
        if shape is not None:
            entry.shape.ClearField("dim")
            for size in shape:
                entry.shape.dim.add(size=size)
        items[FIRST] = entry.SerializeToString()

    return change


def put(key, value):
    return lambda items: items.update({key: value(items)})


def header(**fields):
    header = tensor_bundle_pb2.BundleHeaderProto(**fields)
    return put(b"", lambda _: header.SerializeToString())


def test_an_index_that_is_written_anew_is_read(exported):
    path = exported / "variables" / "variables.index"
    expected = load(exported)(FRAMES)
    path.write_bytes(index(dict(tensor_bundle._items(path.read_bytes()))))
    forge(exported)
    np.testing.assert_array_equal(load(exported)(FRAMES), expected)


@pytest.mark.parametrize(
    "change",
    [
        first(shape=[-1]),
        first(shape=[1 << 40, 1 << 40]),
        first(shape=[1, 1, 48, 1 << 40], size=4 * 48 << 40),
        first(shape=[1] * 300),
        first(shape=[1, 1, 12, 48]),
        first(dtype=types_pb2.DT_HALF),
        first(dtype=types_pb2.DT_VARIANT),
        first(dtype=types_pb2.DT_STRING),
        first(shard_id=1),
        first(offset=-5),
        first(offset=1 << 60),
        first(size=1 << 40),
        header(num_shards=0),
        header(num_shards=-1),
        header(num_shards=1 << 30),
        header(num_shards=1, endianness=1),
        put(FIRST, lambda _: b"\xff\xff\xff"),
        put(b"variables/29/x", lambda items: items[FIRST]),
        put(b"variables/" + bytes([255]), lambda items: items[FIRST]),
        put(b"x" * 1000, lambda items: items[FIRST]),
        lambda items: items.pop(FIRST),
        lambda items: items.pop(b""),
        lambda items: items.clear(),
    ],
)
def test_a_hostile_index_is_refused(change, exported):
    path = exported / "variables" / "variables.index"
    items = dict(tensor_bundle._items(path.read_bytes()))
    change(items)
    path.write_bytes(index(items))
    forge(exported)
    refused(exported)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("variables.index", b""),
        ("variables.index", bytes(1 << 20)),
        ("variables.index", bytes(40) + tensor_bundle.MAGIC),
        ("variables.index", b"\xff" * 40 + tensor_bundle.MAGIC),
        ("variables.data-00000-of-00001", b""),
    ],
)
def test_a_damaged_checkpoint_is_refused(name, content, exported):
    (exported / "variables" / name).write_bytes(content)
    forge(exported)
    refused(exported)
    (exported / "variables" / name).unlink()
    forge(exported)
    refused(exported)


def test_a_block_that_is_compressed_is_refused(exported):
    path = exported / "variables" / "variables.index"
    items = dict(tensor_bundle._items(path.read_bytes()))
    content = index(items)
    size = content.index(struct.pack("<II", 0, 1)) + 8
    path.write_bytes(content[:size] + b"\1" + content[size + 1 :])
    forge(exported)
    refused(exported, "it is compressed")


@pytest.mark.parametrize("operator", ["WriteFile", "FlexWriteFile"])
def test_a_tflite_file_runs_no_operation_of_tensorflow(
    operator, stolen, tmp_path
):
    serving(tmp_path / "hostile", stolen)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(tmp_path / "hostile")
    )
    if operator.startswith("Flex"):
        converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
        converter.target_spec.experimental_select_user_tf_ops = ["WriteFile"]
    converter.allow_custom_ops = True
    (tmp_path / "anonymizer.tflite").write_bytes(converter.convert())
    # The first of those that the file holds.
    first = operator.replace("WriteFile", "SerializeTensor")
    refused(tmp_path / "anonymizer.tflite", f"holds the operator b'{first}'")
    assert not stolen.exists()
