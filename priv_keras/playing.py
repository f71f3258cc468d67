"""One run, from an untrained game to an exported anonymizer (Algorithm 3).

Part of the programs: what `train` does once its command line is understood.
"""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from flags import data as data_flags
from flags import training as flags
from priv_keras import callbacks
from priv_keras import distribution
from priv_keras import experiment
from priv_keras import exporting
from priv_keras import supervised
from priv_keras import video
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL

PICTURED = 6  # frames in a before/after picture
WARM_UP_EPOCH = 50  # updates between validations


def play(data, run_dir, strategy, say):
    """Warms the parties up, plays the game, saves it and exports f_A.

    Args:
        data: `data.Data`.
        run_dir: Folder of the run. Where it holds checkpoints, goes on from
            the last.
        strategy: `tf.distribute.Strategy`, of which only the chief writes.
        say: Callable of a string, as `print`.
    """
    run_dir = pathlib.Path(run_dir)
    checkpoints = run_dir / "checkpoints"
    chief = distribution.is_chief(strategy)
    # On one device: Keras's own `fit` fails on several workers.
    if chief and not is_warm(checkpoints):
        game = new_game(data)
        warm_up(game, data, say)
        callbacks.save_weights(game, warm_up_path(checkpoints))
        del game
    with strategy.scope():
        # The variables of a game come from the chief, and so the others wait
        # here until it has warmed up.
        game = new_game(data)
    # Out of the scope: what a worker does alone makes variables of its own.
    turn = resume(game, checkpoints, say)
    _fit(game, data, run_dir, turn, chief, say)
    if chief:
        export(game, data, run_dir, say)


def new_game(data):
    """The game of this run, ready to be played from its first turn."""
    experiment.seed_everything("game")
    game = experiment.build_game(data)
    game.compile(
        optimizers=experiment.build_optimizers(game),
        validation=data.target.training_batches("validation", "gate"),
        budget_data=data.game_budget_batches(),
    )
    return game


def warm_up_path(folder):
    return folder / "warm_up.weights.h5"


def is_warm(folder):
    return warm_up_path(folder).exists() or callbacks.saved_games(folder)


def resume(game, folder, say):
    """Loads the newest checkpoint; returns the turns played."""
    games = callbacks.saved_games(folder)
    if not games:
        game.load_weights(warm_up_path(folder))
        return 0
    game.load_weights(games[-1])
    say(f"resumed after turn {callbacks.turn_of(games[-1])}")
    return callbacks.turn_of(games[-1])


def warm_up(game, data, say):
    """f_A to the identity, then f_T, then each f_B on what f_A puts out."""
    shared = _shared_warm_up(data)
    if shared and shared.exists():
        _pair(game).load_weights(shared)
        say(f"warm-up of f_A and f_T: {shared}")
    else:
        _warm_up_anonymizer(game, data, say)
        _warm_up_target(game, data, say)
        if shared:
            callbacks.save_weights(_pair(game), shared)
    # A game with restarts trains fresh ones in its first turn.
    if not game.restarts:
        _warm_up_budgets(game, data, say)


def _shared_warm_up(data):
    """Where runs of one `--shared_dir` keep what no method changes."""
    folder = data_flags.SHARED_DIR.value
    if not folder:
        return None
    digest = experiment.fingerprint(
        data,
        data_flags.BATCH_SIZE.value,
        flags.PRECISION.value,
        flags.ANONYMIZER.value,
        flags.ANONYMIZER_WIDTH.value,
        flags.WARM_UP_ANONYMIZER_STEPS.value,
        flags.WARM_UP_ANONYMIZER_LEARNING_RATE.value,
        flags.TARGET_WIDTH.value,
        flags.TARGET_WEIGHTS.value,
        flags.WARM_UP_TARGET_STEPS.value,
        flags.WARM_UP_TARGET_LEARNING_RATE.value,
    )
    return pathlib.Path(folder, f"warm_up-{digest}.weights.h5")


def _pair(game):
    """f_A and f_T as one model, to save and load."""
    clips = keras.Input(game.target.input_shape[1:])
    anonymized = PerFrame(game.anonymizer)(clips)
    return keras.Model(clips, game.target(anonymized))


def _warm_up_anonymizer(game, data, say):
    experiment.seed_everything("identity")
    frames = data.target.training_batches("train", "identity").map(
        lambda batch: tf.reshape(batch["clips"], (-1, *data.clip_shape[1:]))
    )
    error = supervised.fit_identity(
        game.anonymizer,
        frames,
        learning_rate=flags.WARM_UP_ANONYMIZER_LEARNING_RATE.value,
        steps=flags.WARM_UP_ANONYMIZER_STEPS.value,
    )
    say(f"warm-up of f_A: {error:.3f} from the identity")


def _warm_up_target(game, data, say):
    experiment.seed_everything("target")
    reached = _warm_up_classifier(
        game,
        game.target,
        data.target.training_batches("train", "target"),
        data.target.validation_batches("gate"),
        "actions",
        SINGLE_LABEL,
        flags.WARM_UP_TARGET_LEARNING_RATE.value,
        flags.WARM_UP_TARGET_STEPS.value,
    )
    say(f"warm-up of f_T: validation A_T {reached:.3f}")


def _warm_up_budgets(game, data, say):
    experiment.seed_everything("budget")
    for i, budget in enumerate(game.budgets):
        reached = _warm_up_classifier(
            game,
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
    game, classifier, train, validation, label, task, learning_rate, steps
):
    def pairs(dataset):
        return dataset.map(lambda batch: (batch["clips"], batch[label]))

    clips = keras.Input(classifier.input_shape[1:])
    anonymized = PerFrame(game.anonymizer)(clips)
    steps_per_epoch = min(WARM_UP_EPOCH, steps)
    game.anonymizer.trainable = False
    fitted = supervised.fit(
        keras.Model(clips, classifier(anonymized)),
        pairs(train),
        pairs(validation),
        task,
        learning_rate=learning_rate,
        epochs=steps // steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
    )
    game.anonymizer.trainable = True
    return fitted["validation_accuracy"]


def _fit(game, data, run_dir, turn, chief, say):
    turns = flags.TURNS_PER_EPOCH.value
    watchers = [callbacks.StopAtNonFinite(run_dir / "checkpoints")]
    if chief:
        watchers += [
            callbacks.TurnLog(run_dir, say),
            callbacks.WarnOfStuckGates(say),
            callbacks.SaveGame(run_dir / "checkpoints"),
        ]
    if chief and flags.PICTURES.value:
        watchers.append(callbacks.BeforeAfter(run_dir, _pictured(data)))
    experiment.seed_everything("game")
    game.fit(
        data.game_batches(),
        initial_epoch=turn // turns,
        epochs=flags.MAX_ITER.value // turns,
        steps_per_epoch=turns,
        validation_data=data.validation_batches("game"),
        callbacks=watchers,
        shuffle=False,
        verbose=0,
    )


def _pictured(data):
    """A middle frame of some validation clips."""
    clips = data.target.clips("validation", "game").take(PICTURED)
    middle = data_flags.FRAMES.value // 2
    return np.stack([example["clips"][middle] for example in clips])


def export(game, data, run_dir, say):
    """Writes `export/anonymizer` and `before_after.png`."""
    turns = flags.MAX_ITER.value
    exporting.export(game, data, run_dir, turns, ["savedmodel"], say=say)
    if flags.PICTURES.value:
        before = _pictured(data)
        after = game.anonymizer(before).numpy()
        video.write_png(
            video.before_after(before, after), run_dir / "before_after.png"
        )
