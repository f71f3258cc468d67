"""What a run leaves behind, to tell whether two runs are the same."""

import h5py
import tensorflow as tf

from priv_keras.runs import checkpoints
from priv_keras.runs import tensorboard


def values(path):
    """Returns the weights, moments and counters in a checkpoint, by path."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[...].tobytes()})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def exported(variables):
    """Returns the weights of a SavedModel, sorted, since it lists them in
    another order each time."""
    reader = tf.train.load_checkpoint(str(variables))
    return sorted(
        reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"  # holds names of layers
    )


def traces(run_dir):
    """Returns everything that a run leaves of its game and its results."""
    games = checkpoints.files(run_dir / "checkpoints", checkpoints.TURNS)
    events = [
        (event.step, value.tag, value.tensor.SerializeToString())
        for path in (run_dir / "tensorboard").glob("events*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
        if not value.tag.startswith(tensorboard.CLOCK)
    ]
    variables = run_dir / "export" / "anonymizer" / "variables" / "variables"
    return {
        "games": {checkpoints.turn_of(path): values(path) for path in games},
        "metrics": (run_dir / "metrics.jsonl").read_text(),
        "events": sorted(events),
        "result": (run_dir / "result.json").read_text(),
        "export": exported(variables),
    }
