"""What `train` and `evaluate` share: the parties of a run.

Part of the programs: reads flags, through them builds what the library takes.
"""

import hashlib
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

from flags import data as data_flags
from flags import evaluation as evaluation_flags
from flags import training as training_flags
from priv_keras import bad_records
from priv_keras import callbacks
from priv_keras import checkpoints
from priv_keras import files
from priv_keras.algorithms import ALGORITHMS
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import ByTurn
from priv_keras.algorithms.optimization import Optimizers
from priv_keras.algorithms.restarts import Restarts
from priv_keras.data import STREAMS
from priv_keras.evaluation.two_step import Protocol
from priv_keras.networks import anonymizer
from priv_keras.networks import budgets
from priv_keras.networks import c3d
from priv_keras.sides import LABELS

PICTURED = 6  # clips in a before/after picture


def build_game(data, started=True):
    """Returns the untrained game of `--method` on `data`.

    Args:
        data: `data.Data`.
        started: Bool, whether f_T and f_B start from `--target_weights` and
            `--budget_weights`; not where other weights follow.
    """
    flags = training_flags
    keras.mixed_precision.set_global_policy(flags.PRECISION.value)
    return ALGORITHMS[flags.METHOD.value](
        anonymizer.ANONYMIZERS[flags.ANONYMIZER.value](
            flags.ANONYMIZER_WIDTH.value
        ),
        _target(data, started),
        [_budget(name, data, started) for name in flags.BUDGETS.value],
        budget_task=data.budget_task,
        gamma=flags.GAMMA.value,
        restarts=_restarts(data),
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


def _target(data, started=True):
    """f_T, from `--target_weights` where they are given."""
    flags = training_flags
    weights = flags.TARGET_WEIGHTS.value
    keras_file = not weights or weights.endswith(".weights.h5")
    target = c3d.build(
        len(data.labels["actions"]),
        flags.TARGET_WIDTH.value,
        data.clip_shape,
        c3d.CENTRED if keras_file else c3d.PIXELS,
    )
    if not started or not weights:
        return target
    if keras_file:
        checkpoints.load(target, weights)
    else:
        c3d.load_sports1m(target, weights)
    return target


def _budget(name, data, started=True):
    """An f_B, from `--budget_weights` where they are given."""
    flags = training_flags
    weights = flags.BUDGET_WEIGHTS.value if started else None
    file = weights if weights != "imagenet" else None
    budget = budgets.build(
        name,
        len(data.labels["budget_labels"]),
        data.clip_shape[1:],
        flags.BUDGET_NORMALIZATION.value,
        "imagenet" if weights == "imagenet" else None,
    )
    if file:
        checkpoints.load(budget, file)
    return budget


def _own_arguments():
    """Those that only the algorithm of `--method` has."""
    flags = training_flags
    return {
        "grl": {"warm_up_turns": flags.REVERSAL_WARM_UP.value},
        "kbeam": {"ascent_steps": flags.ASCENT_STEPS.value},
        "entropy": {"most_confident": flags.MOST_CONFIDENT.value},
    }[flags.METHOD.value]


def _gate(data, threshold, max_steps):
    """A gate as `--gate_*` say; see `Shards.gate_batches`."""
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
    """Adam at alpha_A, alpha_T and, for each budget model, alpha_B."""
    flags = training_flags
    return Optimizers(
        _adam(_falling(flags.ANONYMIZER_LEARNING_RATE.value, game.turn)),
        _adam(_falling(flags.TARGET_LEARNING_RATE.value, game.turn)),
        [_adam(flags.BUDGET_LEARNING_RATE.value) for _ in game.budgets],
    )


def _falling(rate, turn):
    """`rate`, or where `--final_learning_rate` says so its fall over turns."""
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


def attacker_protocol():
    """How `--attacker_*` train an attacker."""
    flags = evaluation_flags
    return Protocol(
        steps=flags.ATTACKER_STEPS.value,
        steps_per_epoch=flags.ATTACKER_STEPS_PER_EPOCH.value,
        patience=flags.ATTACKER_PATIENCE.value,
        learning_rate=flags.ATTACKER_LEARNING_RATE.value,
        batch_size=flags.ATTACKER_BATCH_SIZE.value,
        frames=flags.ATTACKER_FRAMES.value,
    )


def video_protocol():
    """How f_T is trained on raw clips, and the attacker that is its like."""
    return attacker_protocol()._replace(
        steps=evaluation_flags.RAW_TARGET_STEPS.value,
        frames=data_flags.FRAMES.value,
        batch_size=data_flags.BATCH_SIZE.value,
        learning_rate=training_flags.WARM_UP_TARGET_LEARNING_RATE.value,
    )


def build_video_network(data, party):
    """Returns an untrained C3D for the labels of `party`."""
    return c3d.build(
        len(data.labels[party]),
        training_flags.TARGET_WIDTH.value,
        data.clip_shape,
    )


def fingerprint(data, *settings):
    """A name for what depends on the data, on how clips are cut, on the seed
    and on `settings`, which JSON can hold, and on nothing else."""
    broken = bad_records.left_out(data)
    everything = [
        *([broken] if broken else []),
        data.target.manifest["options"],
        data.budget.manifest["options"],
        data.tested_target.manifest["options"],
        data.clip_shape,
        data.budget.frames,
        data_flags.FRAME_WIDTH.value,
        data_flags.FRAME_HEIGHT.value,
        data_flags.SEED.value,
        *settings,
    ]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:12]


def check_parties(data):
    """Raises unless f_T and each f_B can start from the weights that flags
    name.

    Raises:
        OSError: If they cannot be downloaded.
        ValueError: If they are of another network.
    """
    flags = training_flags
    if flags.TARGET_WEIGHTS.value:
        _target(data)
    if flags.BUDGET_WEIGHTS.value:
        for name in dict.fromkeys(flags.BUDGETS.value):
            _budget(name, data)


def be_deterministic():
    """Where `--deterministic`, TensorFlow repeats every bit on this machine."""
    if data_flags.DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()


def pictured_clips(data):
    """The validation clips that pictures are of, `(n, frames, height, width,
    3)` in [0, 1]: raw."""
    clips = data.target.clips("validation", "game").take(PICTURED)
    return np.stack([example["clips"] for example in clips])


def seed_everything(stream):
    """Seeds weights and dropout; each phase anew, so that one that is skipped
    on resume leaves the next as it would have been."""
    keras.utils.set_random_seed(
        100 * data_flags.SEED.value + STREAMS.index(stream)
    )


def write_labels(run_dir, data):
    """Keeps what the classes of the run's parties mean."""
    text = json.dumps(data.labels, indent=1)
    files.write(pathlib.Path(run_dir, LABELS), text)


def checkpoint_of(run_dir):
    """Path of the game that `--checkpoint` names: the last or the best.

    Raises:
        FileNotFoundError: If the run has no such checkpoint.
    """
    folder = pathlib.Path(run_dir, "checkpoints")
    stem = checkpoints.TURNS
    if evaluation_flags.CHECKPOINT.value == "best":
        threshold = training_flags.TARGET_THRESHOLD.value
        best = callbacks.best_turn(callbacks.read_turns(run_dir), threshold)
        stem = checkpoints.stem_of(best or 0)
    path = checkpoints.newest(folder, stem, print)
    if not path:
        raise FileNotFoundError(
            f"{run_dir} holds no whole checkpoint that is the "
            f"--checkpoint={evaluation_flags.CHECKPOINT.value}. Go on with it "
            "by priv_keras.train --resume, or give another --checkpoint."
        )
    return path


def load_game(data, path):
    """Returns the game of a checkpoint and the turns it played."""
    game = build_game(data, started=False)
    game.compile(optimizer=build_optimizers(game), validation=None)
    checkpoints.load(game, path)
    return game, checkpoints.turn_of(path)
