"""One game, from untrained parties to its last turn (Algorithms 1-4).

Part of the programs: this is what `train` does once it has read its flags.
"""

import contextlib
import pathlib

import tensorflow as tf

from flags import data as data_flags
from flags import training as flags
from priv_keras import callbacks
from priv_keras import metrics
from priv_keras.algorithms.replicas import read
from priv_keras.experiment import console
from priv_keras.experiment import reproducibility
from priv_keras.experiment import warm_up
from priv_keras.experiment.data import pictured_clips
from priv_keras.experiment.game import build_game
from priv_keras.experiment.game import build_optimizers
from priv_keras.experiment.strategy import is_chief
from priv_keras.runs import checkpoints
from priv_keras.runs.folder import RunFolder
from priv_keras.runs.turns import open_events
from priv_keras.runs.turns import read_turns
from priv_keras.runs.turns import stuck_gates

# What to do about an f_B that is certain, by method.
REMEDIES = {
    "grl": "Raise --gamma or --anonymizer_steps.",
    "kbeam": "Raise --ascent_steps or --anonymizer_learning_rate.",
    "entropy": "Give --privacy_cost=uniform, or raise --gamma or "
    "--anonymizer_steps.",
}
WARM_UP = "warm_up"  # stem of the checkpoint before the game


def play(data, run_dir, strategy, say, raw=None):
    """Warms the parties up, plays the game and saves it.

    Args:
        data: `data.Data`.
        run_dir: Folder of the run. If it holds checkpoints, the run continues
            from the last one.
        strategy: `tf.distribute.Strategy`. Only its chief writes files.
        say: Callable that takes a line, such as `print`.
        raw: `game.RawTarget`; `None` if there is none.
    """
    run_dir = pathlib.Path(run_dir)
    folder = RunFolder(run_dir).checkpoints
    chief = is_chief(strategy)
    if chief:
        checkpoints.forget_partial(folder)
    # On one device, because Keras's own `fit` fails on several workers. Damaged
    # files are named below, where the game is loaded.
    if chief and not last_game(folder, console.say_nothing):
        game = new_game(data)
        warm_up.warm_up(game, data, folder, say, raw)
        checkpoints.save(game, folder, WARM_UP)
        del game
    with strategy.scope():
        # The chief sends the variables of a game, so the other workers wait
        # here until it has warmed the parties up.
        game = new_game(data)
    # Outside the scope, because what one worker does alone creates variables
    # of its own.
    path = last_game(folder, say)
    checkpoints.load(game, path)
    if path.name.startswith("turn"):
        say(f"resumed after turn {game.turns_played()}")
    _fit(game, data, run_dir, chief, say)


def new_game(data):
    """Returns the game of this run, ready to be played from its first turn."""
    reproducibility.seed_everything("game")
    game = build_game(data)
    datasets = data.datasets(0)
    game.compile(
        optimizer=build_optimizers(game),
        validation=datasets.validation,
        budget_data=datasets.budget,
    )
    return game


def last_game(folder, say):
    """Returns the path of the checkpoint to continue from.

    Args:
        folder: `pathlib.Path` of the checkpoints.
        say: Callable that takes a line.

    Returns:
        `pathlib.Path` of the last whole game, else of the warm-up; `None` if
        there is neither.
    """
    return checkpoints.newest(
        folder, checkpoints.TURNS, say
    ) or checkpoints.newest(folder, WARM_UP, say)


def _fit(game, data, run_dir, chief, say):
    """Plays all turns that are left.

    What an epoch does depends only on the game at its start, `--seed`, the
    number of the epoch and the batches drawn in it so far. A run that is killed
    and resumed therefore ends like one that was not.
    """
    played = game.turns_played()
    opened = open_events(run_dir, played) if chief else contextlib.nullcontext()
    bar = console.watch("game", flags.MAX_ITER.value, played)
    with opened as events, bar as watch:
        watchers = _watchers(data, run_dir, events, say)
        _play_epochs(game, data, [*watchers, watch])
    # Behind a bound on f_A, nobody is expected to pass a gate.
    if not flags.ANONYMIZER_BITS.value:
        for warning in stuck_gates(read_turns(run_dir)):
            say(warning)


def _play_epochs(game, data, watchers):
    turns = flags.TURNS_PER_EPOCH.value
    while game.turns_played() < flags.MAX_ITER.value:
        epoch, played = divmod(game.turns_played(), turns)
        if not played:
            game.drawn.assign(tf.zeros_like(read(game.drawn)))
        datasets = data.datasets(epoch, read(game.drawn).numpy())
        game.deal(datasets.validation, datasets.budget)
        game.fit(
            datasets.target,
            initial_epoch=epoch,
            epochs=epoch + 1,
            steps_per_epoch=turns - played,
            validation_data=data.validation_batches("game"),
            callbacks=watchers,
            shuffle=False,
            verbose=0,
        )


def _watchers(data, run_dir, events, say):
    """Returns the callbacks of the game; without `events`, of a mere worker."""
    stop = callbacks.StopAtNonFinite(RunFolder(run_dir).checkpoints)
    if events is None:
        return [stop]
    pictured = pictured_clips(data)
    pictures = []
    name = data.target.records["actions"]
    actions = list(data.target.each_label("validation", name))
    chance = metrics.chance(actions)["majority"]
    if flags.PICTURES.value:
        pictures.append(callbacks.BeforeAfter(events, pictured))
    saver = callbacks.SaveGame(run_dir, flags.KEEP.value)
    return [
        stop,
        callbacks.TurnLog(
            run_dir,
            events,
            flags.MAX_ITER.value,
            say,
            flags.LOG_EVERY.value,
            len(actions),
        ),
        *pictures,
        saver,
        callbacks.StopAtSignal(saver),
        callbacks.EarlySigns(chance, REMEDIES[flags.METHOD.value], say),
        callbacks.WatchAnonymizer(
            pictured[:, data_flags.FRAMES.value // 2], say
        ),
    ]
