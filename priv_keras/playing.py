"""One run, from an untrained game to an exported anonymizer (Algorithm 3).

Part of the programs: what `train` does once its command line is understood.
"""

import contextlib
import pathlib

import keras
import tensorflow as tf

from flags import data as data_flags
from flags import training as flags
from priv_keras import board
from priv_keras import callbacks
from priv_keras import checkpoints
from priv_keras import console
from priv_keras import distribution
from priv_keras import experiment
from priv_keras import exporting
from priv_keras import signs
from priv_keras import supervised
from priv_keras.algorithms.replicas import read
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL

WARM_UP_EPOCH = 50  # updates between validations
WARM_UP, PAIR = "warm_up", "pair"  # how checkpoints before the game are named


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
    folder = run_dir / "checkpoints"
    chief = distribution.is_chief(strategy)
    if chief:
        checkpoints.forget_partial(folder)
    # On one device: Keras's own `fit` fails on several workers.
    if chief and not last_game(folder, say=_silently):
        game = new_game(data)
        warm_up(game, data, folder, say)
        checkpoints.save(game, folder, WARM_UP)
        del game
    with strategy.scope():
        # The variables of a game come from the chief, and so the others wait
        # here until it has warmed up.
        game = new_game(data)
    # Out of the scope: what a worker does alone makes variables of its own.
    path = last_game(folder, say)
    checkpoints.load(game, path)
    if path.name.startswith("turn"):
        say(f"resumed after turn {game.turns_played()}")
    _fit(game, data, run_dir, chief, say)
    if chief:
        export(game, data, run_dir, say)


def new_game(data):
    """The game of this run, ready to be played from its first turn."""
    experiment.seed_everything("game")
    game = experiment.build_game(data)
    streams = data.streams(0)
    game.compile(
        optimizer=experiment.build_optimizers(game),
        validation=streams.validation,
        budget_data=streams.budget,
    )
    return game


def _silently(_):
    """Says nothing: what there is to say is said when a game is loaded."""


def last_game(folder, say):
    """The checkpoint to go on from, of the game or its warm-up, or `None`."""
    return checkpoints.newest(
        folder, checkpoints.TURNS, say
    ) or checkpoints.newest(folder, WARM_UP, say)


def warm_up(game, data, folder, say):
    """f_A to the identity, then f_T, then each f_B on what f_A puts out."""
    # Where runs of one `--shared_dir` keep what no method changes.
    shared = data_flags.SHARED_DIR.value or folder
    stem = f"{PAIR}-{_pair_fingerprint(data)}"
    path = checkpoints.newest(shared, stem, say)
    if path:
        checkpoints.load(_pair(game), path)
        say(f"warm-up of f_A and f_T: {path}")
    else:
        _warm_up_anonymizer(game, data, say)
        _warm_up_target(game, data, say)
        checkpoints.save(_pair(game), shared, stem)
    # A game with restarts trains fresh ones in its first turn.
    if not game.restarts:
        _warm_up_budgets(game, data, say)


def _pair_fingerprint(data):
    return experiment.fingerprint(
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


def _warm_up_target(game, data, say):
    experiment.seed_everything("target")
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
    )
    say(f"warm-up of f_T: validation A_T {reached:.3f}")


def _warm_up_budgets(game, data, say):
    experiment.seed_everything("budget")
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
    game, name, classifier, train, validation, label, task, learning_rate, steps
):
    def pairs(dataset):
        return dataset.map(lambda batch: (batch["clips"], batch[label]))

    clips = keras.Input(classifier.input_shape[1:])
    anonymized = PerFrame(game.anonymizer)(clips)
    steps_per_epoch = min(WARM_UP_EPOCH, steps)
    game.anonymizer.trainable = False
    with console.watch(f"warm-up of {name}", steps) as watch:
        fitted = supervised.fit(
            keras.Model(clips, classifier(anonymized)),
            pairs(train),
            pairs(validation),
            task,
            learning_rate=learning_rate,
            epochs=steps // steps_per_epoch,
            steps_per_epoch=steps_per_epoch,
            callbacks=[watch],
        )
    game.anonymizer.trainable = True
    return fitted["validation_accuracy"]


def _fit(game, data, run_dir, chief, say):
    """Plays from the turn that the game is at to the last.

    What an epoch does depends on nothing but the game at its start, `--seed`
    and its number, and within it on the batches drawn so far: a run that is
    killed and resumed ends as one that was not.
    """
    played = game.turns_played()
    opened = (
        callbacks.open_events(run_dir, played)
        if chief
        else contextlib.nullcontext()
    )
    turns = (flags.MAX_ITER.value, played)
    with opened as events, console.watch("game", *turns) as watch:
        watchers = _watchers(data, run_dir, events, say)
        _play_epochs(game, data, [*watchers, watch])
    for warning in callbacks.stuck_gates(callbacks.read_turns(run_dir)):
        say(warning)


def _play_epochs(game, data, watchers):
    turns = flags.TURNS_PER_EPOCH.value
    while game.turns_played() < flags.MAX_ITER.value:
        epoch, played = divmod(game.turns_played(), turns)
        if not played:
            game.drawn.assign(tf.zeros_like(read(game.drawn)))
        streams = data.streams(epoch, read(game.drawn).numpy())
        game.deal(streams.validation, streams.budget)
        game.fit(
            streams.target,
            initial_epoch=epoch,
            epochs=epoch + 1,
            steps_per_epoch=turns - played,
            validation_data=data.validation_batches("game"),
            callbacks=watchers,
            shuffle=False,
            verbose=0,
        )


def _watchers(data, run_dir, events, say):
    """Callbacks of the game; of a worker, whose `events` are `None`, one."""
    stop = callbacks.StopAtNonFinite(run_dir / "checkpoints")
    if events is None:
        return [stop]
    pictured = experiment.pictured_clips(data)
    pictures = []
    if flags.PICTURES.value:
        pictures.append(board.BeforeAfter(events, pictured))
    saver = callbacks.SaveGame(
        run_dir, flags.KEEP.value, flags.TARGET_THRESHOLD.value
    )
    return [
        stop,
        callbacks.TurnLog(
            run_dir, events, flags.MAX_ITER.value, say, flags.LOG_EVERY.value
        ),
        *pictures,
        saver,
        callbacks.StopAtSignal(saver),
        signs.WatchAnonymizer(pictured[:, data_flags.FRAMES.value // 2], say),
    ]


def export(game, data, run_dir, say):
    """Writes `export/anonymizer`."""
    turns = flags.MAX_ITER.value
    exporting.export(
        game.anonymizer, data, run_dir, turns, ["savedmodel"], say=say
    )
