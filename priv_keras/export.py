"""Exports a run's anonymizer, to be used without this package or on films.

    python -m priv_keras.export --run_dir=RUN --format=savedmodel,tflite

The anonymizer is written to RUN_DIR/export, with a card that says what was
measured. If the run judged a Naive Downsample, that is what is exported.
"""

import importlib.util
import pathlib

from absl import app

from flags import data as data_flags
from flags import evaluation
from flags import export as export_flags
from flags import parsing
from flags import paths
from flags import program
from flags import training
from priv_keras.experiment import refusals
from priv_keras.runs import folder

NEEDED = ("tf2onnx", "onnxruntime")  # packages, for --format=onnx


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    check(run_dir, evaluation.BASELINE.value)
    # In here, so that `--help` and refusals do not wait for TensorFlow.
    from priv_keras import baselines
    from priv_keras.deployment import hub
    from priv_keras.experiment import exports
    from priv_keras.experiment.data import open_data
    from priv_keras.experiment.game import checkpoint_of
    from priv_keras.experiment.game import load_game

    baseline = evaluation.BASELINE.value
    path = None if baseline else checkpoint_of(run_dir)
    data = open_data()
    folder.check_labels(data, run_dir)
    if baseline:
        anonymizer, turns = baselines.build(baseline), 0
    else:
        game, turns = load_game(data, path)
        anonymizer = game.anonymizer
    exports.export(
        anonymizer,
        data,
        run_dir,
        turns,
        export_flags.formats(),
        say=print,
        calibration_frames=export_flags.CALIBRATION_FRAMES.value,
    )
    if to_hub := export_flags.TO_HUB.value:
        exported = [
            exports.folder_of(run_dir, name) for name in export_flags.formats()
        ]
        hub.write(pathlib.Path(to_hub), exported)
        print(f"{to_hub}: for the hub. Add its licence to README.md there.")
    return 0


def check(run_dir, name):
    """Raises unless there is something to export, without reading records.

    Args:
        run_dir: `pathlib.Path` of the run.
        name: String, the baseline, or `None`.

    Raises:
        OSError: If `run_dir` holds no such run, or cannot be written, or if
            there is something in the folder of `--to_hub`.
        ValueError: If the baseline is not a model of single frames, if
            `--format` asks for a baseline in a form other than a SavedModel,
            or for one whose packages are not installed.
    """
    if name and not name.startswith("downsample_"):
        raise ValueError(
            f"--baseline={name} needs a detector and earlier frames, which no "
            "exported model has. Use it directly: `python -m "
            f"priv_keras.anonymize FILM --model={name}`."
        )
    refusals.check_worth(run_dir)
    formats = export_flags.formats()
    if name and formats != ["savedmodel"]:
        raise ValueError(
            f"--format={','.join(formats)}: a baseline can be exported only as "
            "savedmodel, because the converters support only the layers of "
            "f_A. Give --format=savedmodel."
        )
    missing = [m for m in NEEDED if not importlib.util.find_spec(m)]
    if "onnx" in formats and missing:
        raise ValueError(
            f"--format=onnx needs {' and '.join(missing)}. Install them by "
            "`pip install 'priv-keras[onnx]'`, or from a clone by `pip install "
            "'.[onnx]'`."
        )
    if name:
        refusals.check_judged_baseline(run_dir)
    else:
        refusals.check_trained(run_dir)
    paths.check_writable(data_flags.RUN_DIR)
    paths.check_new(export_flags.TO_HUB)
    refusals.check_data(run_dir)


def run():
    program.run(
        main,
        (export_flags, data_flags, training, evaluation),
        first=(
            "run_dir",
            "data_dir",
            "format",
            "to_hub",
            "calibration_frames",
            "checkpoint",
        ),
        required=["run_dir"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
