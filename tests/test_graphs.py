import keras
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

import priv_keras
from priv_keras import export_model
from priv_keras import graphs
from priv_keras.networks.anonymizer import ANONYMIZERS

FRAMES = np.zeros((1, 4, 4, 3), "uint8")


@pytest.fixture
def stolen(tmp_path):
    """A file that a model writes to which is no mere anonymizer."""
    return tmp_path / "stolen"


def saved(folder, serve, **held):
    module = tf.Module()
    for name, value in held.items():
        setattr(module, name, value)
    signature = [tf.TensorSpec((None, None, None, 3), tf.uint8)]
    module.serve = tf.function(serve, input_signature=signature)
    tf.saved_model.save(module, str(folder))
    return folder


def thief(path):
    def write(frames):
        content = tf.io.serialize_tensor(frames)
        with tf.control_dependencies([tf.io.write_file(str(path), content)]):
            return tf.identity(frames)

    return write


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", ANONYMIZERS)
def test_an_anonymizer_is_loaded(name, policy, tmp_path):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        model = ANONYMIZERS[name](width=0.25)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    export_model.export_saved_model(model, tmp_path / "model")
    loaded = priv_keras.Anonymizer.load(tmp_path / "model")
    assert loaded(FRAMES).shape == FRAMES.shape


def test_a_model_that_writes_a_file_is_not_run(stolen, tmp_path):
    folder = saved(tmp_path / "model", thief(stolen))
    load = priv_keras.Anonymizer.load
    with pytest.raises(ValueError, match="WriteFile.*--trust_model"):
        load(folder)
    assert not stolen.exists()
    load(folder, trusted=True)(FRAMES)
    assert stolen.exists()


@pytest.mark.parametrize("depth", ["call", "branch", "map"])
def test_it_is_found_in_functions_of_functions(stolen, tmp_path, depth):
    inner = tf.function(thief(stolen))
    outer = {
        "call": inner,
        "branch": lambda x: tf.cond(
            tf.size(x) > 5, lambda: inner(x), lambda: x
        ),
        "map": lambda x: tf.map_fn(inner, x),
    }[depth]
    with pytest.raises(ValueError, match="WriteFile"):
        graphs.check(saved(tmp_path / "model", outer))


def test_what_loads_by_itself_is_refused(tmp_path):
    (tmp_path / "words.txt").write_text("a\n")
    folder = saved(
        tmp_path / "model",
        tf.identity,
        words=tf.saved_model.Asset(str(tmp_path / "words.txt")),
    )
    with pytest.raises(ValueError, match=r"an object \(asset\)"):
        graphs.check(folder)


def test_another_form_of_the_same_model_is_refused(tmp_path):
    """TensorFlow would read `saved_model.cpb` first, and nobody had looked."""
    folder = saved(tmp_path / "model", tf.identity)
    graphs.check(folder)
    content = (folder / "saved_model.pb").read_bytes()
    (folder / "saved_model.cpb").write_bytes(content)
    with pytest.raises(ValueError, match="holds saved_model.cpb, saved_model"):
        graphs.check(folder)
    (folder / "saved_model.cpb").unlink()
    (folder / "saved_model.pb").unlink()
    model = saved_model_pb2.SavedModel.FromString(content)
    (folder / "saved_model.pbtxt").write_text(
        text_format.MessageToString(model)
    )
    with pytest.raises(ValueError, match="holds saved_model.pbtxt; wanted"):
        priv_keras.Anonymizer.load(folder)


def test_a_damaged_model_is_refused(tmp_path):
    folder = saved(tmp_path / "model", tf.identity)
    path = folder / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="is damaged"):
        graphs.check(folder)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not of one graph"):
        graphs.check(folder)


def test_a_model_without_objects_is_refused(tmp_path):
    folder = saved(tmp_path / "model", tf.identity)
    path = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    model.meta_graphs[0].ClearField("object_graph_def")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="TensorFlow 1"):
        graphs.check(folder)
