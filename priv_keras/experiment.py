"""What `train` and `evaluate` share: the data and the parties of a run.

Part of the programs: reads flags, through them builds what the library takes.
"""

import json
import os
import pathlib

import keras
import tensorflow as tf

from flags import data as data_flags
from flags import evaluation as evaluation_flags
from flags import training as training_flags
from priv_keras import callbacks
from priv_keras import losses
from priv_keras.algorithms import ALGORITHMS
from priv_keras.algorithms.base import ByTurn
from priv_keras.algorithms.base import Optimizers
from priv_keras.algorithms.base import Restarts
from priv_keras.algorithms.gates import Gate
from priv_keras.evaluation.two_step import Protocol
from priv_keras.networks import anonymizer
from priv_keras.networks import budgets
from priv_keras.networks import c3d
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import write

LABELS = "labels.json"

# Each reader of a split draws its own random numbers.
STREAMS = (
    "game",
    "gate",
    "identity",
    "target",
    "budget",
    "attackers",
    "raw",
    "game_budget",
)


class Data:
    """The dataset of a run, as batches.

    Args:
        folder: Folder that holds `manifest.json` and the shards.

    Attributes:
        labels: Dict: `actions` and `budget_labels` to tuples of class names.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.manifest = manifest.load(folder)
        names = {
            "actions": self.manifest["target"],
            "budget_labels": self.manifest["budget"],
        }
        self.records = names
        self.labels = {
            party: tuple(self.manifest["labels"][name])
            for party, name in names.items()
        }

    @property
    def clip_shape(self):
        size = data_flags.SIZE.value
        return (data_flags.FRAMES.value, size, size, 3)

    def clips(
        self, split, stream, *, training=False, clips_per_video=1, frames=None
    ):
        """Returns single clips of a split, with names as the game knows them:
        `clips`, `actions`, `budget_labels` and `video`."""

        def rename(example):
            return {
                "clips": example["clips"],
                "video": example["video"],
                **{party: example[n] for party, n in self.records.items()},
            }

        return read.clips(
            str(self.folder / f"{split}-*.tfrecord"),
            labels=tuple(self.records.values()),
            frames=frames or data_flags.FRAMES.value,
            size=data_flags.SIZE.value,
            frame_size=(
                data_flags.FRAME_WIDTH.value,
                data_flags.FRAME_HEIGHT.value,
            ),
            training=training,
            flip=training,
            seed=100 * data_flags.SEED.value + STREAMS.index(stream),
            clips_per_video=clips_per_video,
        ).map(rename)

    def training_batches(self, split, stream):
        """Endless batches of random cuts, for an update or a gate."""
        return (
            self.clips(split, stream, training=True)
            .map(_without_video)
            .repeat()
            .batch(data_flags.BATCH_SIZE.value, drop_remainder=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    def budget_batches(self, stream):
        """Endless batches of `--budget_batch_size` cuts for f_B."""
        flags = training_flags
        return (
            self.clips(
                "train",
                stream,
                training=True,
                frames=flags.BUDGET_FRAMES.value,
            )
            .map(_without_video)
            .repeat()
            .batch(flags.BUDGET_BATCH_SIZE.value, drop_remainder=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    def game_batches(self):
        """Endless batches for a turn; f_B's own clips where
        `--budget_batch_size` asks for them."""
        if not training_flags.BUDGET_BATCH_SIZE.value:
            return self.training_batches("train", "game")

        def join(batch, for_budgets):
            return {
                "clips": batch["clips"],
                "actions": batch["actions"],
                "budget_clips": for_budgets["clips"],
                "budget_labels": for_budgets["budget_labels"],
            }

        return tf.data.Dataset.zip(
            self.training_batches("train", "game"),
            self.budget_batches("game_budget"),
        ).map(join)

    def budget_warm_up_batches(self):
        if not training_flags.BUDGET_BATCH_SIZE.value:
            return self.training_batches("train", "budget")
        return self.budget_batches("budget")

    def test_batches(self, split, stream, clips_per_video=None):
        """One pass over a split, in file order."""
        per_video = clips_per_video or self.manifest["clips_per_video"]
        count = len(self.manifest["splits"][split]["videos"]) * per_video
        return (
            self.clips(split, stream, clips_per_video=per_video)
            # Unknown to tf.data, and Keras warns of a dataset that just ends.
            .apply(tf.data.experimental.assert_cardinality(count))
            .batch(data_flags.BATCH_SIZE.value)
        )

    def validation_batches(self, stream):
        return self.test_batches("validation", stream, 1).map(_without_video)

    def views(self, stream):
        """`--attacker_views` random cuts of each training video, batched."""
        return (
            self.clips("train", stream, training=True)
            .repeat(evaluation_flags.ATTACKER_VIEWS.value)
            .batch(data_flags.BATCH_SIZE.value)
        )


def _without_video(example):
    return {name: example[name] for name in example if name != "video"}


def open_data():
    """Returns the `Data` that `--dataset` and `--data_dir` name.

    Puppets are drawn and written where they are missing. Every shard is
    checked against the manifest before it is used.
    """
    dataset = data_flags.DATASET.value
    parent = data_flags.DATA_DIR.value
    if dataset == "puppets":
        parent = write.puppets(
            parent,
            paper_size=data_flags.SCALE.value == "paper",
            workers=os.cpu_count(),
        )
    elif parent is None:
        raise ValueError(
            f"--dataset={dataset} needs --data_dir, the folder that `python "
            f"-m tfrecords_tools.build --dataset={dataset} --raw_dir=... "
            "--out_dir=DATA_DIR` wrote."
        )
    data = Data(pathlib.Path(parent, dataset))
    read.check(data.folder)
    return data


def build_game(data):
    """Returns the untrained game of `--method` on `data`."""
    flags = training_flags
    keras.mixed_precision.set_global_policy(flags.PRECISION.value)
    return ALGORITHMS[flags.METHOD.value](
        anonymizer.build(flags.ANONYMIZER_WIDTH.value),
        _target(data),
        [
            budgets.build(
                name,
                len(data.labels["budget_labels"]),
                data.clip_shape[1:],
                flags.BUDGET_NORMALIZATION.value,
                flags.BUDGET_WEIGHTS.value,
            )
            for name in flags.BUDGETS.value
        ],
        budget_task=losses.SINGLE_LABEL,
        gamma=flags.GAMMA.value,
        restarts=_restarts(data),
        accumulate_steps=flags.ACCUMULATE_STEPS.value,
        target_gate=_gate(
            data, flags.TARGET_THRESHOLD.value, flags.MAX_TARGET_STEPS.value
        ),
        budget_gate=_gate(
            data, flags.BUDGET_THRESHOLD.value, flags.MAX_BUDGET_STEPS.value
        ),
        **_own_arguments(),
    )


def _target(data):
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
    if weights and keras_file:
        target.load_weights(weights)
    elif weights:
        c3d.load_sports1m(target, weights)
    return target


def _own_arguments():
    """Those that only the algorithm of `--method` has."""
    flags = training_flags
    return {
        "grl": {"warm_up_turns": flags.REVERSAL_WARM_UP.value},
        "kbeam": {"ascent_steps": flags.ASCENT_STEPS.value},
        "entropy": {"most_confident": flags.MOST_CONFIDENT.value},
    }[flags.METHOD.value]


def _gate(data, threshold, max_steps):
    """A gate as `--gate_*` say."""
    flags = training_flags
    validation = len(data.manifest["splits"]["validation"]["videos"])
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
    if not flags.RESTART_EVERY.value:
        return None
    gate = _gate(
        data, flags.BUDGET_THRESHOLD.value, flags.MAX_RESTART_STEPS.value
    )
    return Restarts(flags.RESTART_EVERY.value, gate, data_flags.SEED.value)


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
        epochs=-(
            -flags.ATTACKER_STEPS.value // flags.ATTACKER_STEPS_PER_EPOCH.value
        ),
        steps_per_epoch=flags.ATTACKER_STEPS_PER_EPOCH.value,
        patience=flags.ATTACKER_PATIENCE.value,
        learning_rate=flags.ATTACKER_LEARNING_RATE.value,
        batch_size=flags.ATTACKER_BATCH_SIZE.value,
        frames=flags.ATTACKER_FRAMES.value,
    )


def seed_everything(stream):
    """Seeds weights and dropout; each phase anew, so that one that is skipped
    on resume leaves the next as it would have been."""
    keras.utils.set_random_seed(
        100 * data_flags.SEED.value + STREAMS.index(stream)
    )


def write_labels(run_dir, data):
    """Keeps what the classes of the run's parties mean."""
    pathlib.Path(run_dir, LABELS).write_text(json.dumps(data.labels, indent=1))


def check_labels(run_dir, data):
    """Raises unless the classes of `data` are those the run was trained on.

    Raises:
        ValueError: If another dataset, or another version, has taken their
            place.
    """
    path = pathlib.Path(run_dir, LABELS)
    if not path.exists():
        return
    known = {k: tuple(v) for k, v in json.loads(path.read_text()).items()}
    for party, names in data.labels.items():
        if known[party] != names:
            raise ValueError(
                f"The {party} of {data.folder} are {list(names)}; the run in "
                f"{run_dir} knows {list(known[party])}. Give the --data_dir "
                "that it was trained on."
            )


def load_game(data, run_dir):
    """Returns the trained game of a run and the turns it played.

    Raises:
        FileNotFoundError: If the run has no checkpoint.
    """
    games = callbacks.saved_games(pathlib.Path(run_dir, "checkpoints"))
    if not games:
        raise FileNotFoundError(
            f"{run_dir} holds no trained game. Train one with `python -m "
            f"priv_keras.train --run_dir={run_dir}`."
        )
    game = build_game(data)
    game.compile(optimizers=build_optimizers(game), validation=None)
    game.load_weights(games[-1])
    return game, callbacks.turn_of(games[-1])
