"""Writes what shows the result of a run: events for TensorBoard, and pictures.

Part of the programs: this module reads flags.
"""

import numpy as np
import tensorflow as tf

from flags import data as data_flags
from flags import training as training_flags
from priv_keras import pixels
from priv_keras.experiment.data import pictured_clips
from priv_keras.reports import figures as drawings
from priv_keras.runs import results
from priv_keras.runs import tensorboard
from priv_keras.runs.folder import RunFolder


def without_detail(found):
    """Returns a result without the `detail` that only figures need.

    Args:
        found: Dict, list or other value that JSON can hold.
    """
    if isinstance(found, dict):
        return {
            name: without_detail(value)
            for name, value in found.items()
            if name != "detail"
        }
    if isinstance(found, list):
        return [without_detail(value) for value in found]
    return found


# The settings by which TensorBoard compares runs.
SETTINGS = (
    data_flags.DATASET,
    data_flags.BUDGET_DATASET,
    data_flags.SCALE,
    data_flags.SEED,
    training_flags.GAMMA,
    training_flags.BUDGETS,
    training_flags.RESTART_EVERY,
    training_flags.ANONYMIZER,
    training_flags.MAX_ITER,
    training_flags.PRECISION,
    training_flags.TARGET_THRESHOLD,
    training_flags.BUDGET_THRESHOLD,
    training_flags.ANONYMIZER_LEARNING_RATE,
    training_flags.TARGET_LEARNING_RATE,
    training_flags.BUDGET_LEARNING_RATE,
)


def write_tensorboard(result, data, run_dir):
    """Writes a result and its details as events for TensorBoard.

    Args:
        result: Dict, the content of `result.json`, with `detail`.
        data: `data.Data`.
        run_dir: Folder of the run.
    """
    settings = {flag.name: _setting(flag.value) for flag in SETTINGS}
    figures, details = {}, {}
    for side in ("raw", "anonymized"):
        target = result[side]["target"]
        strongest = results.privacy(result, side)
        figures |= {
            f"{side}/A_T": results.value(target),
            f"{side}/A_B": results.value(strongest),
        }
        details |= {
            f"{side}/actions": (target["detail"], "actions"),
            f"{side}/private": (strongest["detail"], "budget_labels"),
        }
    with tensorboard.result_writer(run_dir, result["turns"]):
        tensorboard.write_result(
            {"method": result["method"], **settings}, figures
        )
        for name, (detail, party) in details.items():
            _write_detail(name, detail, data.labels[party])


def _write_detail(name, detail, classes):
    if "confusion" in detail:
        drawn = drawings.confusion(detail["confusion"], classes, name)
        tensorboard.write_figure(f"confusion/{name}", drawn)
    else:
        tensorboard.write_curves(
            f"precision_recall/{name}", detail["counts"], classes
        )


def _setting(value):
    """Returns a flag's value in a form that the HParams tab accepts."""
    if isinstance(value, list):
        return ",".join(value)
    return "none" if value is None else value


def draw(candidate, data, run_dir):
    """Draws raw validation clips above what f_A makes of them.

    Writes `before_after.png` and, animated, `before_after.webp`.

    Args:
        candidate: `judge.Candidate`.
        data: `data.Data`.
        run_dir: Folder of the run.
    """
    before = pictured_clips(data)
    after = np.array(candidate.anonymizer(tf.constant(before)))
    sheets = [
        pixels.sheet({"raw": before[:, i], "anonymized": after[:, i]})
        for i in range(before.shape[1])
    ]
    folder = RunFolder(run_dir)
    pixels.write_png(sheets[len(sheets) // 2], folder.before_after)
    pixels.write_loop(sheets, folder.moving)
