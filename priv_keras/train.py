"""Trains an anonymizer in one game, judges it and exports it.

    python -m priv_keras.train --run_dir=RUN --dataset=puppets --scale=tiny

Other data sets than puppets have to be built first (tfrecords_tools.build). The
same command with --resume continues a run that was stopped.
"""

import pathlib

from absl import app
from absl import flags as absl_flags

from flags import data as data_flags
from flags import evaluation
from flags import parsing
from flags import paths
from flags import program
from flags import signals
from flags import training as training_flags
from priv_keras.experiment import refusals
from priv_keras.runs import folder

# What may differ between the two halves of a resumed run.
NOT_CONFIGURATION = ("resume", "run_dir")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    config = parsing.serialize(absl_flags.FLAGS, skip=NOT_CONFIGURATION)
    check(run_dir, config)
    signals.exit_when_stopped()
    # In here, so that `--help` and refusals do not wait for TensorFlow.
    from priv_keras import files
    from priv_keras.experiment import bad_records
    from priv_keras.experiment import console
    from priv_keras.experiment import faults
    from priv_keras.experiment import game
    from priv_keras.experiment import play
    from priv_keras.experiment import reproducibility
    from priv_keras.experiment.data import open_data
    from priv_keras.experiment.strategy import is_chief
    from priv_keras.experiment.strategy import open_strategy
    from priv_keras.runs import folder

    reproducibility.be_deterministic()
    strategy = open_strategy()
    chief = is_chief(strategy)
    if chief:
        folder.check_run_dir(run_dir, config, training_flags.RESUME.value)
    data = open_data()
    bad_records.check_resumed(run_dir, data)
    folder.check_labels(run_dir, data)
    game.check_parties(data)  # now, and not after days of training
    with faults.report_faults(data):
        if chief:
            files.write(folder.RunFolder(run_dir).config, config)
            bad_records.write(run_dir, data)
            folder.write_labels(run_dir, data)
        say = console.say if chief else _nothing
        bad_records.tell(data, say)
        play.play(data, run_dir, strategy, say)
        end(data, run_dir, chief)
        bad_records.tell(data, say)
    return 0


def check(run_dir, config):
    """Raises where a run cannot begin, as far as can be told without data and
    without TensorFlow.

    Args:
        run_dir, config: As of `check_run_dir`.

    Raises:
        OSError, ValueError: If not.
    """
    refusals.check_game()
    # Of workers, only the chief looks at the folder, and who that is they
    # find out from TensorFlow.
    if training_flags.STRATEGY.value != "multi_worker":
        folder.check_run_dir(run_dir, config, training_flags.RESUME.value)
        paths.check_writable(data_flags.RUN_DIR, data_flags.SHARED_DIR)
    refusals.check_data(run_dir)


def end(data, run_dir, chief):
    """Judges a run that was played on one machine; of others says how to."""
    if training_flags.STRATEGY.value != "multi_worker":
        judge(data, run_dir)
    elif chief:
        print(
            "To judge the run, on one machine: python -m "
            f"priv_keras.evaluate --run_dir={run_dir}"
        )


def judge(data, run_dir):
    """Step 2 of Sec. 3.6, on f_A as it was saved: attackers train on one
    device, where it has to be."""
    from priv_keras.experiment import console
    from priv_keras.experiment import exports
    from priv_keras.experiment import game
    from priv_keras.experiment import judge as judging
    from priv_keras.reports import table

    accused = judging.trained(data, game.checkpoint_of(run_dir))
    result = judging.judge(accused, data, run_dir, console.say)
    exports.add_figures(run_dir, result)
    print("\n" + table.table(result))
    console.say_next(run_dir, exported=True)


def _nothing(_):
    """What workers say whom nobody listens to."""


def run():
    program.run(
        main,
        (data_flags, training_flags, evaluation),
        first=(
            *("run_dir", "scale", "recipe", "seed", "resume"),
            *("dataset", "data_dir", "method", "gamma", "budgets"),
        ),
        required=["run_dir"],
        parse=parsing.with_scale,
    )


if __name__ == "__main__":
    run()
