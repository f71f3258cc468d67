"""Exports a run's anonymizer, to be used without this package or on films.

    python -m priv_keras.export --run_dir=RUN --format=savedmodel,tflite

It is written to RUN_DIR/export, together with a card that says what was
measured. Of a run that judged a Naive Downsample, that is exported.
"""

import pathlib
import sys

from absl import app

from flags import data as data_flags
from flags import evaluation
from flags import export as export_flags
from flags import parsing
from flags import program
from flags import training


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    # In here, so that `--help` does not wait for TensorFlow.
    from priv_keras import exporting
    from priv_keras.data import open_data

    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    try:
        data = open_data()
        anonymizer, turns = load(data, run_dir)
        exporting.export(
            anonymizer,
            data,
            run_dir,
            turns,
            export_flags.formats(),
            say=print,
            calibration_frames=export_flags.CALIBRATION_FRAMES.value,
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def load(data, run_dir):
    """The anonymizer of a run, and the turns that it played to.

    Raises:
        ValueError: If it is a baseline that is no model of single frames, or
            `--format` wants another form of it than a SavedModel.
        FileNotFoundError: If the run holds nothing.
    """
    from priv_keras import baselines
    from priv_keras import experiment

    name = evaluation.BASELINE.value
    if not name:
        game, turns = experiment.load_game(data, run_dir)
        return game.anonymizer, turns
    if name in baselines.obfuscate.NAMES:
        raise ValueError(
            f"--baseline={name} needs a detector and the frames before, which "
            "no exported model has. Run it as it is: `python -m "
            f"priv_keras.anonymize FILM --model={name}`."
        )
    formats = export_flags.formats()
    if formats != ["savedmodel"]:
        raise ValueError(
            f"--format={','.join(formats)}: of a baseline there is the "
            "savedmodel alone; what converts f_A to TFLite knows f_A's layers."
        )
    return baselines.build(name), 0


def run():
    program.run(
        main,
        (export_flags, data_flags, training, evaluation),
        first=(
            *("run_dir", "data_dir", "format", "calibration_frames"),
            "checkpoint",
        ),
        required=["run_dir"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
