"""Exports the f_A of a run, each format with a model card.

Part of the programs: `train` exports at its end, and `export` on its own.
"""

import hashlib
import importlib.metadata
import itertools
import json
import time

import keras
import numpy as np
import tensorflow as tf

from flags import data as data_flags
from flags import evaluation as evaluation_flags
from flags import quiet
from flags import training as training_flags
from priv_keras.deployment import card
from priv_keras.deployment import hub
from priv_keras.deployment import onnx
from priv_keras.deployment import saved_model
from priv_keras.deployment import tflite
from priv_keras.experiment.game import anonymizer_arguments
from priv_keras.networks import bounds
from priv_keras.pixels import to_uint8
from priv_keras.runs.folder import RunFolder

CHECK_FRAMES = 32  # validation frames on which a format is compared with f_A
CALIBRATED = "tflite_int8"  # the format that needs calibration frames


def export(
    anonymizer, data, run_dir, turns, formats, *, say, calibration_frames=0
):
    """Writes f_A below `run_dir/export`.

    Args:
        anonymizer: `keras.Model` of frames in [0, 1].
        data: `data.Data`.
        run_dir: `pathlib.Path` of the run.
        turns: Int, the turns that f_A has played; 0 for a baseline.
        formats: List of names from `flags.export.FORMATS`.
        say: Callable that takes a line, such as `print`.
        calibration_frames: Int, the number of frames for `tflite_int8`.

    Raises:
        ValueError: If the output of a format differs too much from that of f_A.
    """
    anonymizer = bounds.unpredictable(anonymizer)
    what = f"the anonymizer after {turns} turns" if turns else "the baseline"
    for name in formats:
        folder = folder_of(run_dir, name)
        described = describe(anonymizer, data, run_dir, turns, name)
        kind, _, precision = name.partition("_")
        if kind == "savedmodel":
            saved_model.export_saved_model(anonymizer, folder, described)
            say(f"{folder}: {what}")
            continue
        if kind == "onnx":
            check = frames(data, "validation", CHECK_FRAMES)
            with quiet.greetings():
                onnx.export_onnx(anonymizer, folder, check, described)
            say(f"{folder}: {what}, at most {onnx.LARGEST} grey level from it")
            continue
        with quiet.greetings():
            psnr = tflite.export_tflite(
                anonymizer,
                folder,
                precision,
                frames(data, "validation", CHECK_FRAMES),
                frames(data, "train", calibration_frames)
                if name == CALIBRATED
                else None,
                described,
            )
        say(f"{folder}: {what}, {psnr:.1f} dB (PSNR) from it")


def folder_of(run_dir, name):
    """Returns the folder of a format; a SavedModel goes to `anonymizer`."""
    place = hub.PLACE if name == "savedmodel" else name
    return RunFolder(run_dir).exports / place


def frames(data, split, count):
    """Draws frames, each from a random clip of a split.

    Args:
        data: `data.Data`.
        split: String, `"train"`, `"validation"` or `"test"`.
        count: Int.

    Returns:
        uint8 `(count, height, width, 3)`.
    """
    batches = data.target.training_batches(split, "calibration", 1, frames=1)
    found = itertools.islice(batches, count)
    return np.concatenate([to_uint8(x["clips"][0]).numpy() for x in found])


def describe(anonymizer, data, run_dir, turns, name):
    """Returns the content of a format's card, without the model's hashes.

    Args:
        anonymizer, data, run_dir, turns: See `export`.
        name: String, the format.

    Returns:
        Dict, which JSON can hold.
    """
    path = RunFolder(run_dir).result
    result = json.loads(path.read_text()) if path.exists() else None
    baseline = evaluation_flags.BASELINE.value
    network = baseline or training_flags.ANONYMIZER.value
    arguments = {"dtype_policy": anonymizer.dtype_policy.name}
    if not baseline:
        arguments |= anonymizer_arguments()
    if result and not _is_of(result, turns, network):
        result = None
    return {
        "format": name,
        "anonymizer": network,
        "arguments": arguments,
        "turns": turns,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "frame_size": [
            data_flags.FRAME_WIDTH.value,
            data_flags.FRAME_HEIGHT.value,
        ],
        "trained_size": [data_flags.SIZE.value, data_flags.SIZE.value],
        "psnr": None,
        "data": _origin(data),
        "versions": {
            "priv_keras": importlib.metadata.version("priv-keras"),
            "TensorFlow": tf.__version__,
            "Keras": keras.__version__,
        },
        "flags": RunFolder(run_dir).config.read_text(),
        "figures": result and card.figures(result),
    }


def _is_of(result, turns, anonymizer):
    """Returns whether a result is of f_A at that turn, or of that baseline."""
    named = turns > 0 or result["method"] == anonymizer
    return result["turns"] == turns and named


def _origin(data):
    """Returns the datasets, and the SHA-256 of the options of their shards."""
    sides = {
        "dataset": (data_flags.DATASET.value, data.target),
        "budget_dataset": (data_flags.BUDGET_DATASET.value, data.budget),
        "test_dataset": (data_flags.TEST_DATASET.value, data.tested_target),
    }
    return {
        side: f"{name}, options {_digest(shards.manifest['options'])}"
        for side, (name, shards) in sides.items()
        if name
    }


def _digest(options):
    text = json.dumps(options, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def add_figures(run_dir, result):
    """Puts the figures of a result on the cards of the f_A that was judged.

    Args:
        run_dir: Folder of the run.
        result: Dict, the content of `result.json`.
    """
    for path in RunFolder(run_dir).exports.glob(f"*/{card.NAME}"):
        known = card.load(path.parent)
        if _is_of(result, known["turns"], known["anonymizer"]):
            card.amend(path.parent, card.figures(result))
