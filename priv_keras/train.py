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
from priv_keras import refusals
from priv_keras import sides

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
    from priv_keras import bad_records
    from priv_keras import console
    from priv_keras import distribution
    from priv_keras import experiment
    from priv_keras import faults
    from priv_keras import files
    from priv_keras import playing
    from priv_keras.data import open_data

    experiment.be_deterministic()
    strategy = distribution.open_strategy()
    chief = distribution.is_chief(strategy)
    if chief:
        check_run_dir(run_dir, config, training_flags.RESUME.value)
    data = open_data()
    bad_records.check_resumed(run_dir, data)
    sides.check_labels(run_dir, data)
    experiment.check_parties(data)  # now, and not after days of training
    with faults.told(data):
        if chief:
            files.write(run_dir / "config.flags", config)
            bad_records.write(run_dir, data)
            experiment.write_labels(run_dir, data)
        say = console.say if chief else _nothing
        bad_records.tell(data, say)
        playing.play(data, run_dir, strategy, say)
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
        check_run_dir(run_dir, config, training_flags.RESUME.value)
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
    from priv_keras import console
    from priv_keras import experiment
    from priv_keras import exporting
    from priv_keras import judging

    accused = judging.trained(data, experiment.checkpoint_of(run_dir))
    result = judging.judge(accused, data, run_dir, console.say)
    exporting.add_figures(run_dir, result)
    print("\n" + judging.table(result))
    console.say_next(run_dir, exported=True)


def _nothing(_):
    """What workers say whom nobody listens to."""


def check_run_dir(run_dir, config, resume):
    """Raises unless `run_dir` is free, or holds this configuration to resume.

    Args:
        run_dir: `pathlib.Path`.
        config: String, the flags of this run as a flagfile.
        resume: Bool, whether `run_dir` shall be gone on with.

    Raises:
        ValueError: If the folder holds another run, or none to resume.
    """
    path = run_dir / "config.flags"
    if not path.exists():
        if run_dir.is_dir() and any(run_dir.iterdir()):
            raise ValueError(
                f"--run_dir={run_dir} holds files of something else. Choose "
                "a new or an empty folder."
            )
        if resume:
            raise ValueError(
                f"There is no run to resume in --run_dir={run_dir}. Leave "
                "--resume out to start one."
            )
        return
    differing = set(path.read_text().splitlines()) ^ set(config.splitlines())
    if differing:
        raise ValueError(
            f"--run_dir={run_dir} belongs to another configuration. "
            f"Differing: {' '.join(sorted(differing))}. Choose another "
            f"--run_dir, or run with --flagfile={path}."
        )
    if not resume:
        raise ValueError(
            f"--run_dir={run_dir} holds a run of this configuration already. "
            "Add --resume to go on with it, or choose another --run_dir."
        )


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
