"""What TensorBoard shows of a run: tags, pictures, results and curves."""

import contextlib
import io
import re

import numpy as np
import tensorflow as tf

from priv_keras import pixels
from priv_keras.runs.folder import RunFolder

CLOCK = "speed/"  # prefix of the tags of timings, which differ in any two runs
PARTY = re.compile(
    "((?:restart_)?(?:anonymizer|target|budget_[0-9]+|val))_(.+)"
)


def writer(run_dir, suffix=""):
    """Creates a writer of a run's events.

    Args:
        run_dir: Folder of the run, in which it writes `tensorboard/`.
        suffix: String, how the file's name ends.

    Returns:
        `tf.summary.SummaryWriter`.
    """
    folder = RunFolder(run_dir).tensorboard
    return tf.summary.create_file_writer(str(folder), filename_suffix=suffix)


def tag(name):
    """Returns the tag of a figure: `target/steps` for `target_steps`."""
    found = PARTY.fullmatch(name)
    party, rest = found.groups() if found else ("anonymizer", name)
    return f"{'validation' if party == 'val' else party}/{rest}"


def speed(took, waited, clips):
    """Computes the speed of a turn.

    Args:
        took: Float, seconds of the turn.
        waited: Float, seconds in which it waited for a batch, or `None`.
        clips: Float, clips that it drew.

    Returns:
        Dict of tag to float.
    """
    figures = {
        f"{CLOCK}seconds_per_turn": took,
        f"{CLOCK}clips_per_second": clips / took,
    }
    if waited is not None:
        figures[f"{CLOCK}input_wait_share"] = waited / took
    return figures


def write_loop(tag, pictures):
    """Writes uint8 pictures `(height, width, 3)` as one moving picture."""
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
    """Opens the event file of the result of a run.

    What was written for this turn before is replaced; results of other turns
    stay.

    Args:
        run_dir: Folder of the run, in which it writes `tensorboard/`.
        turns: Int, the turn of the game that was judged.
    """
    suffix = f".turn_{turns:06d}.result"
    for old in RunFolder(run_dir).tensorboard.glob(f"events*{suffix}"):
        old.unlink()
    events = writer(run_dir, suffix)
    with events.as_default(step=turns):
        yield
    events.close()


def write_result(settings, figures):
    """Writes figures, and settings for the HParams tab, which compares runs.

    Args:
        settings: Dict of name to a string or a number.
        figures: Dict of tag to float.
    """
    # Imported here, since that takes a second.
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
    # A tight box, since a layout may leave long names a little outside.
    figure.savefig(file, format="png", dpi=100, bbox_inches="tight")
    picture = tf.io.decode_png(file.getvalue(), 3)
    tf.summary.image(tag, picture[None])


def write_curves(tag, counts, names):
    """Writes a precision-recall curve of each attribute.

    Args:
        tag: String, how the tags begin.
        counts: Dict, see `metrics.threshold_counts`.
        names: Names of the attributes.
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
            # 0 if nothing is found or nothing is to be found, as in
            # TensorBoard's own curves.
            hits / np.maximum(hits + false, 1),
            hits / max(positives, 1),
            num_thresholds=len(hits),
        )
        tf.summary.experimental.write_raw_pb(
            curve.SerializeToString(), step=tf.summary.experimental.get_step()
        )
