"""What a run will take, measured by one update of each party.

Part of the programs: this module reads flags.
"""

import resource
import time
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from flags import data as data_flags
from flags import evaluation as evaluation_flags
from flags import training as flags
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.streams import Streams
from priv_keras.experiment import attack
from priv_keras.experiment import play

ONCE = Gate(1.0, 1)  # one update


class Part(NamedTuple):
    """A part of a run."""

    name: str
    updates: int  # at most
    seconds: float  # of each


def plan(data, say):
    """Prints parameters, memory and time of a run, of which nothing is played.

    The times are those of one update of each party after it was traced, and
    loops count with their maximum number of updates.

    Args:
        data: `data.Data`.
        say: Callable that takes a line, such as `print`.
    """
    game = play.new_game(data)
    for line in networks(game):
        say(line)
    seconds, traced = update_seconds(game, data)
    parts = [*of_game(game, seconds), *of_judge(data, seconds)]
    for line in table(parts, traced):
        say(line)


def networks(game):
    """Yields a line about each network of the game."""
    parties = {"f_A": game.anonymizer, "f_T": game.target}
    parties |= {f"f_B^{i}": budget for i, budget in enumerate(game.budgets)}
    for name, party in parties.items():
        yield f"{name:8}{party.name:28}{party.count_params():>12,} parameters"


def update_seconds(game, data):
    """Measures one update of each party.

    Returns:
        Dict of `f_A`, `f_T` and `f_B` (all of them) to seconds; and the
        seconds that their graphs took to be traced.
    """
    game.target_gate = game.budget_gate = ONCE
    game.anonymizer_steps = game.ascent_steps = 1
    streams = Streams(
        iter(data.datasets(0).target), game.validation, game.budget_data
    )
    is_beam = flags.METHOD.value == "kbeam"
    move = game.ascend_anonymizer if is_beam else game.update_anonymizer
    steps = {
        "f_A": lambda: move(streams),
        "f_T": lambda: game.train_target(streams),
        "f_B": lambda: game.train_budgets(streams, ONCE),
    }
    first, second = (
        {name: timed(step) for name, step in steps.items()} for _ in range(2)
    )
    return second, sum(first.values()) - sum(second.values())


def timed(step):
    """Returns the seconds that `step()` takes until its outputs are there."""
    began = time.perf_counter()
    tf.nest.map_structure(np.array, step())
    return time.perf_counter() - began


def of_game(game, seconds):
    """Yields the parts of a run up to the last turn of its game."""
    is_beam = flags.METHOD.value == "kbeam"
    steps = flags.ASCENT_STEPS if is_beam else flags.ANONYMIZER_STEPS
    turns, every = flags.MAX_ITER.value, flags.RESTART_EVERY.value
    restarts = -(-turns // every) if every else bool(game.restarts)
    warm_up = 0 if game.restarts else flags.WARM_UP_BUDGET_STEPS.value
    for name, updates, party in (
        ("warm-up of f_A", flags.WARM_UP_ANONYMIZER_STEPS.value, "f_A"),
        ("warm-up of f_T", flags.WARM_UP_TARGET_STEPS.value, "f_T"),
        ("warm-up of f_B", warm_up, "f_B"),
        ("game, f_A", turns * steps.value, "f_A"),
        ("game, f_T", turns * flags.MAX_TARGET_STEPS.value, "f_T"),
        ("game, f_B", turns * flags.MAX_BUDGET_STEPS.value, "f_B"),
        ("game, restarts", restarts * flags.MAX_RESTART_STEPS.value, "f_B"),
    ):
        if updates:
            yield Part(name, updates, seconds[party])


def of_judge(data, seconds):
    """Yields the parts of a run that judge it, each for both kinds of clips."""
    updates = evaluation_flags.RAW_TARGET_STEPS.value
    yield Part("f_T on raw clips", updates, seconds["f_T"])
    protocol = attack.attacker_protocol()
    clips = np.zeros(
        (protocol.batch_size, protocol.frames, *data.clip_shape[1:]), "float32"
    )
    classes = len(data.labels["budget_labels"])
    multi = data.budget.is_multi_label
    labels = np.zeros((len(clips), classes) if multi else len(clips), "int64")
    for i, name in enumerate(evaluation_flags.ATTACKERS.value):
        model = attack.build_attacker(name, data, i)
        model.compile(
            optimizer=keras.optimizers.Adam(),
            loss=data.attacker_task.loss,
            jit_compile=False,
        )
        _, each = (
            timed(lambda model=model: model.train_on_batch(clips, labels))
            for _ in range(2)
        )
        yield Part(f"{name}, twice", 2 * protocol.steps, each)


def table(parts, traced):
    """Yields a line for each part of a run, and for the whole."""
    yield f"{'':28}{'updates':>10}{'s each':>10}{'minutes, at most':>20}"
    for part in parts:
        minutes = part.updates * part.seconds / 60
        yield (
            f"{part.name:28}{part.updates:10,}{part.seconds:10.3f}"
            f"{minutes:20.1f}"
        )
    whole = sum(part.updates * part.seconds for part in parts)
    yield f"{'tracing the game':28}{'':20}{traced / 60:20.1f}"
    yield f"{'whole run':28}{'':20}{(whole + traced) / 60:20.1f}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    yield (
        f"Memory so far: {peak:.1f} GiB. Batches of "
        f"{data_flags.BATCH_SIZE.value} clips. Loops end earlier once they "
        "pass their thresholds."
    )
