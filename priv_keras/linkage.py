"""Judges whether clips of people whom no attacker knows can be linked.

    python -m priv_keras.linkage --run_dir=RUN

The run, or the simple rule (--baseline), is judged on shards that hold people
out (tfrecords_tools.build --hold_out_people). The flags of the run apply,
unless the command line overrides them. The same command continues where it
stopped.
"""

import pathlib

from absl import app

from flags import data as data_flags
from flags import evaluation
from flags import parsing
from flags import program
from flags import training
from priv_keras import evaluate
from priv_keras.experiment import refusals


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    run_dir = pathlib.Path(data_flags.RUN_DIR.value)
    name = evaluation.BASELINE.value
    evaluate.check(run_dir, name)
    refusals.check_links_people()
    # In here, so that `--help` and refusals do not wait for TensorFlow.
    from priv_keras.evaluation import linkage
    from priv_keras.experiment import bad_records
    from priv_keras.experiment import console
    from priv_keras.experiment import faults
    from priv_keras.experiment import linking

    data, candidate = evaluate.opened(run_dir, name)
    with faults.report_faults(data):
        bad_records.tell(data, console.say)
        if name:
            evaluate.keep_flags(data, run_dir)
        result = linking.link(candidate, data, run_dir, console.say)
        print("\n" + linkage.table(result["attackers"]))
        bad_records.tell(data, console.say)
    return 0


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
            "baseline",
            "checkpoint",
        ),
        required=["run_dir"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
