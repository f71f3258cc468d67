"""What a run leaves behind, to tell whether two are the same."""

import h5py
import tensorflow as tf

from priv_keras.runs import checkpoints
from priv_keras.runs import tensorboard


def values(path):
    """Weights, moments and counters in a checkpoint, by their place in it."""
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
    """Weights of a SavedModel, in an order of our own: it lists them in
    another each time."""
    reader = tf.train.load_checkpoint(str(variables))
    return sorted(
        reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"  # holds layers' own names
    )


def traces(run_dir):
    """All that a run leaves of its game and of what was found in it."""
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
