"""What TensorBoard shows of a run."""

import contextlib
import io
import re

import numpy as np
import tensorflow as tf

from priv_keras import pixels
from priv_keras.runs.folder import RunFolder

CLOCK = "speed/"  # how tags begin whose figures no two runs share


def writer(run_dir, suffix=""):
    """A writer of events of a run.

    Args:
        run_dir: Folder of the run; writes `tensorboard/`.
        suffix: String, how the file's name ends.
    """
    folder = RunFolder(run_dir).tensorboard
    return tf.summary.create_file_writer(str(folder), filename_suffix=suffix)


PARTY = re.compile(
    "((?:restart_)?(?:anonymizer|target|budget_[0-9]+|val))_(.+)"
)


def tag(name):
    """`target_gate_accuracy` → `target/gate_accuracy`."""
    found = PARTY.fullmatch(name)
    party, rest = found.groups() if found else ("anonymizer", name)
    return f"{'validation' if party == 'val' else party}/{rest}"


def speed(took, waited, clips):
    """Dict of tags to figures of a turn.

    Args:
        took: Float, seconds of the turn.
        waited: Float, seconds in which it waited for a batch, or `None`.
        clips: Float, clips that it drew.
    """
    figures = {
        f"{CLOCK}seconds_per_turn": took,
        f"{CLOCK}clips_per_second": clips / took,
    }
    if waited is not None:
        figures[f"{CLOCK}input_wait_share"] = waited / took
    return figures


def write_loop(tag, pictures):
    """Writes uint8 pictures `(height, width, 3)` as one that moves."""
    from tensorboard.plugins.image import metadata

    file = io.BytesIO()
    pixels.write_loop(pictures, file)
    height, width = pictures[0].shape[:2]
    tf.summary.write(
        tag,
        tf.constant([str(width), str(height), file.getvalue()]),
        metadata=metadata.create_summary_metadata(None, None),
    )


@contextlib.contextmanager
def result_writer(run_dir, turns):
    """Makes what is written within the result of a run that was judged.

    Of another turn of it what was written stays; of this one it goes.

    Args:
        run_dir: Folder of the run; writes `tensorboard/`.
        turns: Int, that f_A played to.
    """
    suffix = f".turn_{turns:06d}.result"
    for old in RunFolder(run_dir).tensorboard.glob(f"events*{suffix}"):
        old.unlink()
    events = writer(run_dir, suffix)
    with events.as_default(step=turns):
        yield
    events.close()


def write_result(settings, figures):
    """Writes figures, and settings for the HParams tab, where runs compare.

    Args:
        settings: Dict of strings and numbers.
        figures: Dict of tag to float.
    """
    # In here: it takes a second to import.
    from tensorboard.plugins.hparams import api

    columns = api.hparams_config_pb(
        [api.HParam(name) for name in settings],
        [api.Metric(tag) for tag in figures],
        time_created_secs=0,
    )
    session = api.hparams_pb(settings, start_time_secs=0)
    for summary in (columns, session):
        tf.summary.experimental.write_raw_pb(
            summary.SerializeToString(), step=0
        )
    for tag, value in figures.items():
        tf.summary.scalar(tag, value)


def write_figure(tag, figure):
    """Writes a `matplotlib.figure.Figure` as a picture."""
    file = io.BytesIO()
    # All of it: a layout may leave long names a little outside.
    figure.savefig(file, format="png", dpi=100, bbox_inches="tight")
    picture = tf.io.decode_png(file.getvalue(), 3)
    tf.summary.image(tag, picture[None])


def write_curves(tag, counts, names):
    """Writes a precision-recall curve of each attribute.

    Args:
        tag: String, how the tags begin.
        counts: Dict, as of `metrics.threshold_counts`.
        names: Of the attributes.
    """
    from tensorboard.plugins.pr_curve import summary

    for i, name in enumerate(names):
        hits, false = (
            np.array(counts[kind][i])
            for kind in ("true_positives", "false_positives")
        )
        positives, negatives = counts["positives"][i], counts["negatives"][i]
        curve = summary.raw_data_pb(
            f"{tag}/{name}",
            hits,
            false,
            negatives - false,
            positives - hits,
            # Of nothing found and nothing to find, as TensorBoard's own.
            hits / np.maximum(hits + false, 1),
            hits / max(positives, 1),
            num_thresholds=len(hits),
        )
        tf.summary.experimental.write_raw_pb(
            curve.SerializeToString(), step=tf.summary.experimental.get_step()
        )
