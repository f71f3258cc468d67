"""What a program refuses before it loads TensorFlow or touches any data.

Part of the programs: this module reads flags.
"""

import json
import os
import pathlib

from absl import flags as absl_flags

from flags import data
from flags import evaluation
from flags import parsing
from flags import paths
from flags import training
from priv_keras.experiment import sides
from priv_keras.runs import checkpoints
from priv_keras.runs import folder
from priv_keras.runs import results
from priv_keras.runs.folder import RunFolder
from tfrecords_tools import storage


def check_data(run_dir):
    """Raises unless a run can use the shards that flags name.

    They must exist, fit together and, as far as their manifests tell, be those
    that the run was trained on.

    Args:
        run_dir: Folder of the run, which need not exist yet.

    Raises:
        FileNotFoundError, ValueError: See `sides.described`.
    """
    described = sides.described()
    if described:
        folder.check_labels(described, run_dir)


def check_names_people():
    """Raises if test clips are of people whom no attacker can name, since
    shards hold them out.

    Raises:
        ValueError: If so.
    """
    described = sides.described()
    if described and described.held_out_people:
        raise ValueError(
            f"{described.tested_budget.folder} holds people out, whom no "
            "attacker can name. Judge how well their clips are linked: "
            "priv-keras-linkage takes the same flags."
        )


def check_links_people():
    """Raises unless linkage can be judged.

    Raises:
        ValueError: If shards hold nobody out, or if attackers were to start
            from weights, of whose networks `linkage.embedder` knows nothing.
    """
    described = sides.described()
    if not described or not described.held_out_people:
        raise ValueError(
            f"--dataset={data.DATASET.value} holds nobody out: linkage is of "
            "people whom no attacker was trained on. Build shards with "
            "`tfrecords-build --dataset=folder --hold_out_people=N`."
        )
    if evaluation.ATTACKER_WEIGHTS.value:
        raise ValueError(
            f"--attacker_weights={evaluation.ATTACKER_WEIGHTS.value} is not "
            "for linkage, whose attackers start from random weights. Leave it "
            "out."
        )


def check_trained(run_dir):
    """Raises unless a folder holds a trained game.

    Args:
        run_dir: Folder of the run.

    Raises:
        FileNotFoundError: If there is no such folder, or no checkpoint in it.
    """
    run_dir = pathlib.Path(run_dir)
    if not run_dir.is_dir():
        raise FileNotFoundError(
            f"There is no folder --run_dir={run_dir}.{paths.beside(run_dir)}"
        )
    if not checkpoints.files(RunFolder(run_dir).checkpoints, checkpoints.TURNS):
        raise FileNotFoundError(
            f"--run_dir={run_dir} holds no trained game. Train one with "
            f"`python -m priv_keras.train --run_dir={run_dir}`."
        )


def check_worth(run_dir):
    """Raises if a run's f_T ended at chance, unless there is `--force`.

    Args:
        run_dir: Folder of the run.

    Raises:
        ValueError: If its anonymizer is of no use.
    """
    path = RunFolder(run_dir).result
    result = json.loads(path.read_text()) if path.is_file() else None
    if result and results.failure(result) and not training.FORCE.value:
        raise ValueError(
            f"--run_dir={run_dir}: {results.failure(result)} To export it all "
            "the same, add --force."
        )


def check_judged_baseline(run_dir):
    """Raises unless a folder holds a run of `--baseline`.

    Args:
        run_dir: Folder of the run.

    Raises:
        FileNotFoundError: If it does not.
    """
    name = evaluation.BASELINE.value
    if baseline_of(run_dir) != name:
        raise FileNotFoundError(
            f"--run_dir={run_dir} holds no run of --baseline={name}. Judge it "
            f"with `python -m priv_keras.evaluate --baseline={name} "
            f"--run_dir={run_dir}`."
        )


def baseline_of(run_dir):
    """Returns the baseline that a folder's run judged, or `None`."""
    config = RunFolder(run_dir).config
    if not config.is_file():
        return None
    return parsing.last_value(config.read_text().splitlines(), "baseline")


def check_game():
    """Raises unless the flags of a game fit together and their files exist.

    Raises:
        FileNotFoundError: If `--target_weights` or `--budget_weights` do not
            exist.
        ValueError: If a flag belongs to another `--method`, if `--baseline` is
            given, for which no game is played, if f_T has nothing to start
            from, or if workers are not named.
    """
    if evaluation.BASELINE.value:
        raise ValueError(
            f"--baseline={evaluation.BASELINE.value} is judged by `python -m "
            "priv_keras.evaluate`; train plays a game. Leave it out."
        )
    method = training.METHOD.value
    preset = parsing.preset(data.SCALE.value)
    for name, own in training.OWN.items():
        flag = absl_flags.FLAGS[name]
        usual = (str(flag.default), preset.get(name))
        if method != own and str(flag.value) not in usual:
            raise ValueError(
                f"--{name}={flag.value} is for --method={own}; "
                f"--method={method} has no use for it. Leave it out."
            )
    if training.WARM_UP_FROM_RAW.value and not training.WARM_UP_TOGETHER.value:
        raise ValueError(
            "--warm_up_from_raw is for a warm-up of f_T with f_A. Give "
            "--warm_up_together as well, or leave it out."
        )
    for flag in (training.TARGET_WEIGHTS, training.BUDGET_WEIGHTS):
        if flag.value not in (None, "imagenet"):
            _check_weights(flag)
    _check_workers()


def _check_weights(flag):
    # The name of a TensorFlow checkpoint is the prefix of its files' names.
    names = (flag.value, f"{flag.value}.index")
    if not any(storage.path(name).exists() for name in names):
        raise FileNotFoundError(
            f"--{flag.name}={flag.value} is not there. Name a Keras file "
            f"(*.weights.h5); see {flag.name} in --help."
            + paths.beside(pathlib.Path(flag.value))
        )


def _check_workers():
    if training.STRATEGY.value != "multi_worker":
        return
    example = (
        '{"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": '
        '"worker", "index": 0}}, with another index on each'
    )
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        config["cluster"], config["task"]
    except KeyError as error:
        raise ValueError(
            "--strategy=multi_worker needs the environment variable TF_CONFIG, "
            f"as in {example}."
        ) from error
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"The environment variable TF_CONFIG cannot be read ({error}). It "
            f"must be as in {example}."
        ) from error
