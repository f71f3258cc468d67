"""Judges a trained run, or a simple rule (--baseline), with fresh attackers.

    python -m priv_keras.evaluate --run_dir=RUN --attackers=resnet_v2_50

The flags of the run apply, unless the command line overrides them. The same
command continues where it stopped.
"""

import pathlib

from absl import app
from absl import flags as absl_flags

from flags import data as data_flags
from flags import evaluation
from flags import parsing
from flags import paths
from flags import program
from flags import training
from priv_keras.experiment import refusals
from priv_keras.runs import folder


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    name = evaluation.BASELINE.value
    check(run_dir, name)
    refusals.check_names_people()
    # In here, so that `--help` and refusals do not wait for TensorFlow.
    from priv_keras.experiment import bad_records
    from priv_keras.experiment import console
    from priv_keras.experiment import exports
    from priv_keras.experiment import faults
    from priv_keras.experiment import judge
    from priv_keras.reports import table

    data, candidate = opened(run_dir, name)
    with faults.report_faults(data):
        bad_records.tell(data, console.say)
        if name:
            keep_flags(data, run_dir)
        result = judge.judge(candidate, data, run_dir, console.say)
        exports.add_figures(run_dir, result)
        print("\n" + table.table(result))
        console.say_next(run_dir, exported=not name)
        bad_records.tell(data, console.say)
    return 0


def check(run_dir, name):
    """Raises unless there is something to judge, without reading records.

    Args:
        run_dir: `pathlib.Path` of the run.
        name: String, the baseline, or `None`.

    Raises:
        OSError, ValueError: If there is not.
    """
    if name:
        check_run_dir(run_dir, name)
    else:
        refusals.check_trained(run_dir)
    paths.check_writable(data_flags.RUN_DIR, data_flags.SHARED_DIR)
    refusals.check_data(run_dir)


def opened(run_dir, name):
    """Opens what is judged.

    Args:
        run_dir, name: See `check`.

    Returns:
        `data.Data` and `judge.Candidate`.
    """
    from priv_keras.experiment import game
    from priv_keras.experiment import judge
    from priv_keras.experiment import reproducibility
    from priv_keras.experiment.data import open_data

    reproducibility.be_deterministic()
    if name:
        candidate = judge.baseline(name, run_dir)
    else:
        path = game.checkpoint_of(run_dir)
    data = open_data()
    folder.check_labels(data, run_dir)
    return data, candidate if name else judge.trained(data, path)


def keep_flags(data, run_dir):
    """Makes a folder that of a baseline's run.

    Args:
        data: `data.Data`.
        run_dir: `pathlib.Path`.
    """
    from priv_keras import files
    from priv_keras.experiment import bad_records

    config = parsing.serialize(absl_flags.FLAGS, skip=["run_dir"])
    files.write(folder.RunFolder(run_dir).config, config)
    bad_records.write(data, run_dir)


def check_run_dir(run_dir, baseline):
    """Raises if the figures of a baseline would replace those of another run.

    Args:
        run_dir: `pathlib.Path` of the run.
        baseline: String, the baseline to judge.

    Raises:
        ValueError: If the folder holds another run.
    """
    held = folder.RunFolder(run_dir)
    if held.checkpoints.exists():
        raise ValueError(
            f"--run_dir={run_dir} holds a trained run. Choose another folder "
            f"for --baseline={baseline}."
        )
    if held.config.exists():
        known = refusals.baseline_of(run_dir)
        if known != baseline:
            other = f"--baseline={known}" if known else "the run of a game"
            raise ValueError(
                f"--run_dir={run_dir} holds {other}. Choose another folder for "
                f"--baseline={baseline}."
            )


def run():
    program.run(
        main,
        (data_flags, evaluation, training),
        first=(
            "run_dir",
            "scale",
            "recipe",
            "dataset",
            "data_dir",
            "judge",
            "attackers",
            "attacks",
            "baseline",
            "checkpoint",
        ),
        required=["run_dir"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
