"""The warm-up before a game: f_A as the identity, then f_T, then each f_B.

Part of the programs: this module reads flags.
"""

import pathlib
from typing import NamedTuple

import keras
import tensorflow as tf

from flags import data as data_flags
from flags import training as flags
from priv_keras import supervised
from priv_keras.experiment import console
from priv_keras.experiment import reproducibility
from priv_keras.experiment.game import anonymizer_arguments
from priv_keras.experiment.game import target_form
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL
from priv_keras.losses import Task
from priv_keras.networks import bounds
from priv_keras.runs import checkpoints

WARM_UP_EPOCH = 50  # updates between validations
FAR = 0.15  # accuracy that f_A costs before the game, from which it is told
PATIENCE = 4  # validations without a better score, at a plateau
PAIR = "pair"  # stem of the checkpoints that hold f_A and f_T
# Bounds from which f_A and f_T begin to learn together: how many times the bits
# of the game, and the share of the updates.
LOOSER = ((64, 0.3), (8, 0.2))


class Lesson(NamedTuple):
    """What a classifier learns in its warm-up."""

    label: str  # `actions` or `budget_labels`
    task: Task
    train: tf.data.Dataset  # endless batches of clips and labels
    validation: tf.data.Dataset
    learning_rate: float
    steps: int  # at most


def warm_up(game, data, folder, say, raw=None):
    """Trains f_A to be the identity, then f_T and each f_B on its output.

    No method changes the warm-up of f_A and f_T, so that runs with the same
    `--shared_dir` share it. It is loaded if it was saved before.

    Args:
        game: The game, whose parties are changed.
        data: `data.Data`.
        folder: `pathlib.Path` of the run's checkpoints.
        say: Callable that takes a line, such as `print`.
        raw: `game.RawTarget`, to which f_T on f_A's output is also compared;
            `None` if there is none.
    """
    shared = data_flags.SHARED_DIR.value or folder
    stem = f"{PAIR}-{_pair_fingerprint(data, raw)}"
    path = checkpoints.newest(shared, stem, say)
    if path:
        checkpoints.load(_pair(game), path)
        say(f"warm-up of f_A and f_T: {path}")
    else:
        _warm_up_anonymizer(game, data, say)
        _warm_up_target(game, data, say, raw)
        checkpoints.save(_pair(game), shared, stem)
    # A game with restarts trains fresh budget models in its first turn.
    if not game.restarts:
        _warm_up_budgets(game, data, say)


def _pair_fingerprint(data, raw):
    return reproducibility.fingerprint(
        data,
        data_flags.BATCH_SIZE.value,
        flags.PRECISION.value,
        flags.ANONYMIZER.value,
        anonymizer_arguments(),
        flags.WARM_UP_ANONYMIZER_STEPS.value,
        flags.WARM_UP_ANONYMIZER_LEARNING_RATE.value,
        target_form(),
        data_flags.MIRROR.value,
        data_flags.AUGMENT.value,
        flags.TARGET_WEIGHTS.value,
        flags.WARM_UP_TARGET_STEPS.value,
        flags.WARM_UP_TARGET_LEARNING_RATE.value,
        flags.WARM_UP_TOGETHER.value and LOOSER,
        _start(raw),
    )


def _start(raw):
    """Returns the name of the weights that f_T starts from, which tells all
    that they depend on; a false value if there are none."""
    return flags.WARM_UP_FROM_RAW.value and pathlib.Path(raw.weights).name


def _pair(game):
    """Returns f_A and f_T as one model, to save and to load them together."""
    clips = keras.Input(game.target.input_shape[1:])
    anonymized = PerFrame(game.anonymizer)(clips)
    return keras.Model(clips, game.target(anonymized))


def _warm_up_anonymizer(game, data, say):
    reproducibility.seed_everything("identity")
    frames = data.target.training_batches("train", "identity").map(
        lambda batch: tf.reshape(batch["clips"], (-1, *data.clip_shape[1:]))
    )
    steps = flags.WARM_UP_ANONYMIZER_STEPS.value
    with console.watch("warm-up of f_A", steps) as watch:
        error = supervised.fit_identity(
            game.anonymizer,
            frames,
            learning_rate=flags.WARM_UP_ANONYMIZER_LEARNING_RATE.value,
            steps=steps,
            callbacks=[watch],
        )
    say(f"warm-up of f_A: {error:.3f} from the identity")


def _warm_up_target(game, data, say, raw):
    reproducibility.seed_everything("target")
    lesson = Lesson(
        "actions",
        SINGLE_LABEL,
        data.target.training_batches("train", "target"),
        data.target.validation_batches("gate"),
        flags.WARM_UP_TARGET_LEARNING_RATE.value,
        flags.WARM_UP_TARGET_STEPS.value,
    )
    if flags.WARM_UP_TOGETHER.value:
        _start_target(game, raw)
        reached = _warm_up_together(game, lesson)
    else:
        reached = _learn("f_T", game.target, game.anonymizer, lesson)
    say(f"warm-up of f_T: validation A_T {reached:.3f}")
    if raw and reached < raw.accuracy - FAR:
        say(
            f"warning: f_T reads {reached:.3f} of what f_A puts out, and "
            f"{raw.accuracy:.3f} of raw clips. Raise --warm_up_target_steps, "
            "--anonymizer_width or --anonymizer_bits, or lower "
            "--anonymizer_low_pass."
        )


def _start_target(game, raw):
    """Gives f_T what it learned of raw clips, if that is asked for."""
    if flags.WARM_UP_FROM_RAW.value:
        checkpoints.load(game.target, raw.weights)


def _warm_up_together(game, lesson):
    """Trains f_A with f_T, and tightens the bound on f_A, if any, in steps.

    From the bound itself, they learn slowly what to write.
    """
    left = lesson.steps
    for factor, share in LOOSER if flags.ANONYMIZER_BITS.value else ():
        looser = bounds.loosened(game.anonymizer, factor)
        some = lesson._replace(steps=max(1, int(share * lesson.steps)))
        _learn("f_T and f_A", game.target, looser, some, together=True)
        game.anonymizer.set_weights(looser.get_weights())
        left -= some.steps
    rest = lesson._replace(steps=max(1, left))
    return _learn(
        "f_T and f_A", game.target, game.anonymizer, rest, together=True
    )


def _warm_up_budgets(game, data, say):
    reproducibility.seed_everything("budget")
    lesson = Lesson(
        "budget_labels",
        game.budget_task,
        data.budget_batches("budget"),
        data.budget.validation_batches("gate"),
        flags.WARM_UP_BUDGET_LEARNING_RATE.value,
        flags.WARM_UP_BUDGET_STEPS.value,
    )
    for i, budget in enumerate(game.budgets):
        reached = _learn(f"f_B^{i}", budget, game.anonymizer, lesson)
        say(f"warm-up of f_B^{i}: validation A_B {reached:.3f}")


def _learn(name, classifier, anonymizer, lesson, together=False):
    """Trains a classifier on f_A's output, and f_A with it if `together`.

    Returns:
        Float, the validation accuracy of the epoch that is kept.
    """

    def pairs(dataset):
        return dataset.map(lambda batch: (batch["clips"], batch[lesson.label]))

    clips = keras.Input(classifier.input_shape[1:])
    anonymized = PerFrame(anonymizer)(clips)
    steps_per_epoch = min(WARM_UP_EPOCH, lesson.steps)
    anonymizer.trainable = together
    with console.watch(f"warm-up of {name}", lesson.steps) as watch:
        fitted = supervised.fit(
            keras.Model(clips, classifier(anonymized)),
            pairs(lesson.train),
            pairs(lesson.validation),
            lesson.task,
            learning_rate=lesson.learning_rate,
            epochs=lesson.steps // steps_per_epoch,
            steps_per_epoch=steps_per_epoch,
            patience=PATIENCE,
            callbacks=[watch],
        )
    anonymizer.trainable = True
    return fitted["validation_accuracy"]
