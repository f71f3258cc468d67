"""The game of a run and its parties, which `train` and `evaluate` share.

Part of the programs: this module turns flags into the library's arguments.
"""

from typing import NamedTuple

import keras

from flags import data as data_flags
from flags import evaluation as evaluation_flags
from flags import training as training_flags
from priv_keras.algorithms import ALGORITHMS
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import ByTurn
from priv_keras.algorithms.optimization import Optimizers
from priv_keras.algorithms.restarts import Restarts
from priv_keras.networks import anonymizer
from priv_keras.networks import budgets
from priv_keras.networks import c3d
from priv_keras.networks import targets
from priv_keras.runs import checkpoints
from priv_keras.runs.folder import RunFolder
from priv_keras.runs.turns import best_turn
from priv_keras.runs.turns import read_turns


class RawTarget(NamedTuple):
    """An f_T that learned raw clips."""

    accuracy: float  # on validation
    weights: str  # path


def build_game(data, started=True):
    """Returns the untrained game of `--method` on `data`.

    Args:
        data: `data.Data`.
        started: Bool, whether f_T and f_B start from `--target_weights` and
            `--budget_weights`. Give `False` if other weights are loaded next.

    Returns:
        `AdversarialModel`, which is not compiled.
    """
    flags = training_flags
    keras.mixed_precision.set_global_policy(flags.PRECISION.value)
    return ALGORITHMS[flags.METHOD.value](
        anonymizer.ANONYMIZERS[flags.ANONYMIZER.value](
            **anonymizer_arguments(), seed=data_flags.SEED.value
        ),
        start_target(data, started),
        [_budget(name, data, started) for name in flags.BUDGETS.value],
        budget_task=data.budget_task,
        gamma=flags.GAMMA.value,
        restarts=_restarts(data),
        anonymizer_steps=flags.ANONYMIZER_STEPS.value,
        budget_label_smoothing=flags.BUDGET_LABEL_SMOOTHING.value,
        accumulate_steps=flags.ACCUMULATE_STEPS.value,
        timed=not data_flags.DETERMINISTIC.value,
        target_gate=_gate(
            data, flags.TARGET_THRESHOLD.value, flags.MAX_TARGET_STEPS.value
        ),
        budget_gate=_gate(
            data, flags.BUDGET_THRESHOLD.value, flags.MAX_BUDGET_STEPS.value
        ),
        **_own_arguments(),
    )


def anonymizer_arguments():
    """Returns the arguments of f_A's network as a dict, as flags say."""
    flags = training_flags
    arguments = {
        "width": flags.ANONYMIZER_WIDTH.value,
        "low_pass": flags.ANONYMIZER_LOW_PASS.value,
    }
    if flags.ANONYMIZER_BITS.value:
        arguments["bits"] = flags.ANONYMIZER_BITS.value
        arguments["noise"] = flags.ANONYMIZER_NOISE.value
    if flags.ANONYMIZER.value == "full":
        arguments["upsampling"] = flags.ANONYMIZER_UPSAMPLING.value
    return arguments


def start_target(data, started=True):
    """Returns f_T as a game, or its training on raw clips, starts.

    Args:
        data: `data.Data`.
        started: Bool, see `build_game`.
    """
    weights = training_flags.TARGET_WEIGHTS.value
    target = build_target(data, "actions")
    if not started or not weights:
        return target
    if weights.endswith(".weights.h5"):
        checkpoints.load(target, weights)
    else:
        c3d.load_sports1m(target, weights)
    return target


def build_target(data, party):
    """Returns an untrained network of the form of f_T, as `--target_*` say.

    Args:
        data: `data.Data`.
        party: String, whose labels it reads: `actions` or `budget_labels`.

    Returns:
        Model from clips to logits.
    """
    weights = training_flags.TARGET_WEIGHTS.value or ".weights.h5"
    name, width, normalization, head = target_form()
    return targets.build(
        name,
        len(data.labels[party]),
        width,
        data.clip_shape,
        normalization=normalization,
        head=head,
        rescaling=c3d.CENTRED
        if weights.endswith(".weights.h5")
        else c3d.PIXELS,
    )


def target_form():
    """Returns name, width, normalization and head of f_T, as `--target_*` say.

    C3D has the paper's form if it starts from `--target_weights`. From random
    weights that form may stay at chance.
    """
    flags = training_flags
    is_papers = bool(flags.TARGET_WEIGHTS.value)
    return (
        flags.TARGET.value,
        flags.TARGET_WIDTH.value,
        flags.TARGET_NORMALIZATION.value or ("none" if is_papers else "batch"),
        flags.TARGET_HEAD.value or ("dense" if is_papers else "average"),
    )


def _budget(name, data, started=True):
    """Builds an f_B, with `--budget_weights` if they are given."""
    flags = training_flags
    weights = flags.BUDGET_WEIGHTS.value if started else None
    file = weights if weights != "imagenet" else None
    budget = budgets.build(
        name,
        len(data.labels["budget_labels"]),
        data.clip_shape[1:],
        flags.BUDGET_NORMALIZATION.value,
        "imagenet" if weights == "imagenet" else None,
        flags.BUDGET_POOLING.value,
    )
    if file:
        checkpoints.load(budget, file)
    return budget


def _own_arguments():
    """Returns the arguments that only the algorithm of `--method` takes."""
    flags = training_flags
    return {
        "grl": {"warm_up_turns": flags.REVERSAL_WARM_UP.value},
        "kbeam": {"ascent_steps": flags.ASCENT_STEPS.value},
        "entropy": {
            "most_confident": flags.MOST_CONFIDENT.value,
            "privacy_cost": flags.PRIVACY_COST.value,
            "privacy_on": flags.PRIVACY_ON.value,
            "entropy_threshold": flags.ENTROPY_THRESHOLD.value,
        },
    }[flags.METHOD.value]


def _gate(data, threshold, max_steps):
    """Builds a gate as `--gate_*` describe it; see `Shards.gate_batches`."""
    flags = training_flags
    validation = data.target.clip_count("validation")
    return Gate(
        threshold,
        max_steps,
        batches=flags.GATE_BATCHES.value
        or -(-validation // data_flags.BATCH_SIZE.value),
        running=flags.GATE_BATCHES.value > 0,
        patience=flags.GATE_PATIENCE.value,
    )


def _restarts(data):
    flags = training_flags
    if not flags.RESTART_EVERY.value and not flags.RESTART_PATIENCE.value:
        return None
    gate = _gate(
        data, flags.BUDGET_THRESHOLD.value, flags.MAX_RESTART_STEPS.value
    )
    return Restarts(
        flags.RESTART_EVERY.value,
        gate,
        data_flags.SEED.value,
        flags.RESTART_PATIENCE.value,
    )


def build_optimizers(game):
    """Returns Adam at alpha_A, alpha_T and, for each budget model, alpha_B.

    Args:
        game: The game of `build_game`.

    Returns:
        `Optimizers`.
    """
    flags = training_flags
    return Optimizers(
        _adam(_falling(flags.ANONYMIZER_LEARNING_RATE.value, game.turn)),
        _adam(_falling(flags.TARGET_LEARNING_RATE.value, game.turn)),
        [_adam(flags.BUDGET_LEARNING_RATE.value) for _ in game.budgets],
    )


def _falling(rate, turn):
    """Returns `rate`, or a schedule that `--final_learning_rate` asks for."""
    final = training_flags.FINAL_LEARNING_RATE.value
    if final == 1:
        return rate
    turns = training_flags.MAX_ITER.value
    return ByTurn(
        keras.optimizers.schedules.CosineDecay(rate, turns, alpha=final), turn
    )


def _adam(learning_rate):
    flags = training_flags
    accumulate = flags.ACCUMULATE_STEPS.value
    adam = keras.optimizers.Adam(
        learning_rate,
        global_clipnorm=flags.CLIP_NORM.value,
        gradient_accumulation_steps=accumulate if accumulate > 1 else None,
    )
    if flags.PRECISION.value == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam


def check_parties(data):
    """Raises unless f_T and f_B can start from the weights that flags name.

    Args:
        data: `data.Data`.

    Raises:
        OSError: If the weights are missing or cannot be downloaded.
        ValueError: If they belong to another network.
    """
    flags = training_flags
    if flags.TARGET_WEIGHTS.value:
        start_target(data)
    if flags.BUDGET_WEIGHTS.value:
        for name in dict.fromkeys(flags.BUDGETS.value):
            _budget(name, data)


def checkpoint_of(run_dir):
    """Returns the path of the game that `--checkpoint` names.

    Args:
        run_dir: Folder of the run.

    Returns:
        `pathlib.Path` of the last game, or of the best one on validation.

    Raises:
        FileNotFoundError: If the run has no such checkpoint.
    """
    folder = RunFolder(run_dir).checkpoints
    stem = checkpoints.TURNS
    if evaluation_flags.CHECKPOINT.value == "best":
        threshold = training_flags.TARGET_THRESHOLD.value
        best = best_turn(read_turns(run_dir), threshold)
        stem = checkpoints.stem_of(best or 0)
    path = checkpoints.newest(folder, stem, print)
    if not path:
        raise FileNotFoundError(
            f"{run_dir} holds no whole checkpoint for "
            f"--checkpoint={evaluation_flags.CHECKPOINT.value}. Continue the "
            "run with priv_keras.train --resume, or give another --checkpoint."
        )
    return path


def load_game(data, path):
    """Loads the game of a checkpoint.

    Args:
        data: `data.Data`.
        path: `pathlib.Path` of the checkpoint.

    Returns:
        The game, and the number of turns that it has played.
    """
    game = build_game(data, started=False)
    game.compile(optimizer=build_optimizers(game), validation=None)
    checkpoints.load(game, path)
    return game, checkpoints.turn_of(path)
