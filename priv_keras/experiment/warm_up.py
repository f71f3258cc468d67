"""The warm-up before a game: f_A as the identity, then f_T, then each f_B.

Part of the programs: this module reads flags.
"""

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
from priv_keras.runs import checkpoints

WARM_UP_EPOCH = 50  # updates between validations
FAR = 0.15  # accuracy that f_A costs before the game, from which it is told
PATIENCE = 4  # validations without a better score, at a plateau
PAIR = "pair"  # stem of the checkpoints that hold f_A and f_T


def warm_up(game, data, folder, say, raw_accuracy=None):
    """Trains f_A to be the identity, then f_T and each f_B on its output.

    No method changes the warm-up of f_A and f_T, so that runs with the same
    `--shared_dir` share it. It is loaded if it was saved before.

    Args:
        game: The game, whose parties are changed.
        data: `data.Data`.
        folder: `pathlib.Path` of the run's checkpoints.
        say: Callable that takes a line, such as `print`.
        raw_accuracy: Float, the validation accuracy of an f_T on raw clips, to
            which that on f_A's output is compared; `None` for no comparison.
    """
    shared = data_flags.SHARED_DIR.value or folder
    stem = f"{PAIR}-{_pair_fingerprint(data)}"
    path = checkpoints.newest(shared, stem, say)
    if path:
        checkpoints.load(_pair(game), path)
        say(f"warm-up of f_A and f_T: {path}")
    else:
        _warm_up_anonymizer(game, data, say)
        _warm_up_target(game, data, say, raw_accuracy)
        checkpoints.save(_pair(game), shared, stem)
    # A game with restarts trains fresh budget models in its first turn.
    if not game.restarts:
        _warm_up_budgets(game, data, say)


def _pair_fingerprint(data):
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
        flags.TARGET_WEIGHTS.value,
        flags.WARM_UP_TARGET_STEPS.value,
        flags.WARM_UP_TARGET_LEARNING_RATE.value,
        flags.WARM_UP_TOGETHER.value,
    )


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


def _warm_up_target(game, data, say, raw_accuracy):
    reproducibility.seed_everything("target")
    reached = _warm_up_classifier(
        game,
        "f_T",
        game.target,
        data.target.training_batches("train", "target"),
        data.target.validation_batches("gate"),
        "actions",
        SINGLE_LABEL,
        flags.WARM_UP_TARGET_LEARNING_RATE.value,
        flags.WARM_UP_TARGET_STEPS.value,
        together=flags.WARM_UP_TOGETHER.value,
    )
    say(f"warm-up of f_T: validation A_T {reached:.3f}")
    if raw_accuracy and reached < raw_accuracy - FAR:
        say(
            f"warning: f_T reads {reached:.3f} of what f_A puts out, and "
            f"{raw_accuracy:.3f} of raw clips. Raise --warm_up_target_steps, "
            "--anonymizer_width or --anonymizer_bits, or lower "
            "--anonymizer_low_pass."
        )


def _warm_up_budgets(game, data, say):
    reproducibility.seed_everything("budget")
    for i, budget in enumerate(game.budgets):
        reached = _warm_up_classifier(
            game,
            f"f_B^{i}",
            budget,
            data.budget_batches("budget"),
            data.budget.validation_batches("gate"),
            "budget_labels",
            game.budget_task,
            flags.WARM_UP_BUDGET_LEARNING_RATE.value,
            flags.WARM_UP_BUDGET_STEPS.value,
        )
        say(f"warm-up of f_B^{i}: validation A_B {reached:.3f}")


def _warm_up_classifier(
    game,
    name,
    classifier,
    train,
    validation,
    label,
    task,
    learning_rate,
    steps,
    together=False,
):
    def pairs(dataset):
        return dataset.map(lambda batch: (batch["clips"], batch[label]))

    clips = keras.Input(classifier.input_shape[1:])
    anonymized = PerFrame(game.anonymizer)(clips)
    steps_per_epoch = min(WARM_UP_EPOCH, steps)
    game.anonymizer.trainable = together
    with console.watch(f"warm-up of {name}", steps) as watch:
        fitted = supervised.fit(
            keras.Model(clips, classifier(anonymized)),
            pairs(train),
            pairs(validation),
            task,
            learning_rate=learning_rate,
            epochs=steps // steps_per_epoch,
            steps_per_epoch=steps_per_epoch,
            patience=PATIENCE,
            callbacks=[watch],
        )
    game.anonymizer.trainable = True
    return fitted["validation_accuracy"]
