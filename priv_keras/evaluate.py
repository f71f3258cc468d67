"""Judges a trained run, or a simple rule (--baseline), by fresh attackers.

    python -m priv_keras.evaluate --run_dir=RUN --attackers=resnet_v2_50

The flags of the run apply, unless the command line overrides them. The same
command continues where it was stopped.
"""

import pathlib
import sys

from absl import app
from absl import flags as absl_flags

from flags import data as data_flags
from flags import evaluation
from flags import parsing
from flags import program
from flags import training


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    # In here, so that `--help` does not wait for TensorFlow.
    from priv_keras import attacking
    from priv_keras import bad_records
    from priv_keras import console
    from priv_keras import experiment
    from priv_keras import exporting
    from priv_keras import faults
    from priv_keras import files
    from priv_keras import judging
    from priv_keras.data import open_data

    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    name = evaluation.BASELINE.value
    try:
        experiment.be_deterministic()
        check_run_dir(run_dir, name)
        data = open_data()
        experiment.check_labels(run_dir, data)
        attacking.check(data)
        accused = (
            judging.baseline(name, run_dir)
            if name
            else judging.trained(data, run_dir)
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with faults.told(data):
        bad_records.tell(data, console.say)
        if name:
            config = parsing.serialize(absl_flags.FLAGS, skip=["run_dir"])
            files.write(run_dir / "config.flags", config)
            bad_records.write(run_dir, data)
        result = judging.judge(accused, data, run_dir, console.say)
        exporting.add_figures(run_dir, result)
        print("\n" + judging.table(result))
        console.say_next(run_dir, exported=not name)
        bad_records.tell(data, console.say)
    return 0


def check_run_dir(run_dir, baseline):
    """Raises where the folder of a baseline holds another run, whose figures
    its own would replace."""
    if baseline and (run_dir / "checkpoints").exists():
        raise ValueError(
            f"--run_dir={run_dir} holds a trained run. Choose another folder "
            f"for --baseline={baseline}."
        )
    config = run_dir / "config.flags"
    if baseline and config.exists():
        known = parsing.last_value(config.read_text().splitlines(), "baseline")
        if known != baseline:
            held = f"--baseline={known}" if known else "the run of a game"
            raise ValueError(
                f"--run_dir={run_dir} holds {held}. Choose another folder for "
                f"--baseline={baseline}."
            )


def run():
    program.run(
        main,
        (data_flags, evaluation, training),
        first=(
            *("run_dir", "scale", "recipe", "dataset", "data_dir"),
            *("attackers", "attacks", "baseline", "checkpoint"),
            "attacker_steps",
        ),
        required=["run_dir"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
