"""Trains an anonymizer in one game, judges it and exports it.

    python -m priv_keras.train --run_dir=RUN --dataset=puppets --scale=tiny

Data sets other than puppets must be built first (tfrecords_tools.build). The
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
from flags import training as training_flags
from priv_keras.experiment import refusals
from priv_keras.runs import folder

# Flags that may differ when a run is resumed.
NOT_CONFIGURATION = ("force", "plan", "resume", "run_dir")
ENDED_AT_CHANCE = 3  # exit status of a run whose f_T learned nothing


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    config = parsing.serialize(absl_flags.FLAGS, skip=NOT_CONFIGURATION)
    check(run_dir, config)
    # In here, so that `--help` and refusals do not wait for TensorFlow.
    from priv_keras import files
    from priv_keras.experiment import bad_records
    from priv_keras.experiment import console
    from priv_keras.experiment import faults
    from priv_keras.experiment import game
    from priv_keras.experiment import judge
    from priv_keras.experiment import plan
    from priv_keras.experiment import play
    from priv_keras.experiment import reproducibility
    from priv_keras.experiment import worth
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
    bad_records.check_resumed(data, run_dir)
    folder.check_labels(data, run_dir)
    game.check_parties(data)
    with faults.report_faults(data):
        if training_flags.PLAN.value:
            plan.plan(data, console.say)
            return 0
        _check_start(data)
        if chief:
            files.write(folder.RunFolder(run_dir).config, config)
            bad_records.write(data, run_dir)
            folder.write_labels(data, run_dir)
        say = console.say if chief else console.say_nothing
        bad_records.tell(data, say)
        worth.tell_unbounded(say)
        raw = None
        if judged_later_by(data) is None:
            raw = judge.judge_raw(data, run_dir, say)
        play.play(data, run_dir, strategy, say, raw)
        status = end(data, run_dir, chief)
        bad_records.tell(data, say)
    return status


def check(run_dir, config):
    """Raises unless a run can begin, without reading data or TensorFlow.

    Args:
        run_dir, config: See `folder.check_run_dir`.

    Raises:
        OSError, ValueError: If the run cannot begin.
    """
    refusals.check_game()
    # Among several workers, only the chief checks the folder, and a worker
    # learns from TensorFlow whether it is the chief.
    if training_flags.STRATEGY.value != "multi_worker":
        folder.check_run_dir(run_dir, config, training_flags.RESUME.value)
        paths.check_writable(data_flags.RUN_DIR, data_flags.SHARED_DIR)
    refusals.check_data(run_dir)


def end(data, run_dir, chief):
    """Judges and exports the f_A of a run, or exports it and says what judges
    it; see `judged_later_by`.

    Args:
        data: `data.Data`.
        run_dir: `pathlib.Path` of the run.
        chief: Bool, whether this process is the chief worker.

    Returns:
        Int, the exit status.
    """
    from priv_keras.experiment import console
    from priv_keras.experiment import game
    from priv_keras.experiment import judge
    from priv_keras.reports import table
    from priv_keras.runs import results

    if not chief:
        return 0
    # Loaded onto one device, because attackers train on one.
    candidate = judge.trained(data, game.checkpoint_of(run_dir))
    if evaluation.CHECKPOINT.value == "best":
        console.say(f"best on validation: turn {candidate.turns}")
    if judged_by := judged_later_by(data):
        export(candidate, data, run_dir)
        if data.held_out_people:
            print("Not judged: no attacker can name people who are held out.")
        print(
            "To judge the run, on one machine: python -m "
            f"priv_keras.{judged_by} --run_dir={run_dir}"
        )
        return 0
    result = judge.judge(candidate, data, run_dir, console.say)
    failed = results.failure(result) and not training_flags.FORCE.value
    if not failed:
        export(candidate, data, run_dir)
    print("\n" + table.table(result))
    console.say_next(run_dir, exported=not failed)
    return ENDED_AT_CHANCE if failed else 0


def _check_start(data):
    """Raises if f_T is to start from an f_T that nobody trains."""
    later = judged_later_by(data)
    if training_flags.WARM_UP_FROM_RAW.value and later:
        raise ValueError(
            "--warm_up_from_raw: raw clips are judged first only where `train` "
            f"judges the run, and this one is judged by `priv_keras.{later}`. "
            "Leave it out."
        )


def judged_later_by(data):
    """Returns the program that judges the run later, if `train` does not.

    It does not among several workers, nor on shards that hold people out, whom
    no attacker can name.

    Args:
        data: `data.Data`.

    Returns:
        String, or `None`.
    """
    if data.held_out_people:
        return "linkage"
    if training_flags.STRATEGY.value == "multi_worker":
        return "evaluate"
    return None


def export(candidate, data, run_dir):
    """Writes the trained f_A to `export/anonymizer` as a SavedModel.

    Args:
        candidate: `judge.Candidate`.
        data: `data.Data`.
        run_dir: `pathlib.Path` of the run.
    """
    from priv_keras.experiment import console
    from priv_keras.experiment import exports

    exports.export(
        candidate.anonymizer.layer,
        data,
        run_dir,
        candidate.turns,
        ["savedmodel"],
        say=console.say,
    )


def run():
    program.run(
        main,
        (data_flags, training_flags, evaluation),
        first=(
            "run_dir",
            "scale",
            "recipe",
            "seed",
            "resume",
            "dataset",
            "data_dir",
            "method",
            "gamma",
            "budgets",
        ),
        required=["run_dir"],
        parse=parsing.with_scale,
    )


if __name__ == "__main__":
    run()
