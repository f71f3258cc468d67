"""The two-step protocol of Sec. 3.6: freeze f_A, then attack its output.

Step 1 is the game. Step 2 trains N fresh attackers, of families that f_A never
met, on f_A's output and reports the strongest: A_B^N. The same attackers on
raw clips, and naming the commonest label, give the scale of that figure.
"""

import functools
import json
import os
from typing import NamedTuple

import keras
import tensorflow as tf

from priv_keras import augmentation
from priv_keras import files
from priv_keras import supervised
from priv_keras.evaluation import filtering
from priv_keras.evaluation import scores
from priv_keras.networks import attackers
from priv_keras.pixels import to_float
from priv_keras.runs import checkpoints

INFERRED = 4  # training batches on which a trained model is tested
LOST = 0.3  # accuracy lost from training to inference on the same clips


class Protocol(NamedTuple):
    """How each attacker is trained."""

    steps: int  # at most
    steps_per_epoch: int
    patience: int  # epochs
    learning_rate: float
    batch_size: int
    frames: int  # of each clip in one update; tests use all of them
    mirror: bool = True  # about every other clip; private labels have no sides
    least: int = 0  # updates before which it does not end
    # Starts from random weights, of which the best goes on after `least`
    # updates; with one or more, given weights are tried as well.
    starts: int = 0
    doubles: bool = False  # whether it ends only if a doubling finds no more
    goal: float | None = None  # the figure on validation that is good enough
    augments: bool = False  # whether to change more than to mirror clips
    # How often it reads, changed anew, what f_A filtered once: f_A can take
    # longer than an attacker (data echoing, Choi et al., arXiv:1907.05550).
    echoes: int = 1


def check_unseen(names, budgets):
    """Raises unless attackers are known, distinct, and of other families than
    the budget models.

    Args:
        names: Names of attackers.
        budgets: Names of the budget models of the game.

    Raises:
        ValueError: If one of them is not.
    """
    seen = {attackers.family(name) for name in budgets}
    known = [name for name in names if attackers.family(name) in seen]
    if known:
        raise ValueError(
            "An attacker of a family that the anonymizer trained against says "
            "nothing about unseen ones: Sec. 3.6 wants disjoint sets. "
            f"In both: {known}. Drop them from --attackers={','.join(names)}."
        )
    unknown = sorted(set(names) - set(attackers.NAMES))
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(
            f"--attackers={','.join(names)}: name one or several of "
            f"{', '.join(attackers.NAMES)}, each once."
        )


def train(model, splits, label, task, protocol, *, seed, callbacks=()):
    """Trains one classifier to convergence on the training split.

    Args:
        model: Model from clips to logits.
        splits: Dict with `train` and `validation`, see `filtering.filtered`;
            and perhaps `fresh`, a callable of the number of frames to read of
            each clip and of the batch size that returns training clips without
            end, see `filtering.fresh`. Without it, those of `train` are
            repeated.
        label: Which label, `actions` or `budget_labels`.
        task: `losses.Task`.
        protocol: `Protocol`.
        seed: Int, of the order of clips and their augmentation.
        callbacks: See `keras.Model.fit`.

    Returns:
        What `supervised.fit` returns, and `inferred_accuracy`, that of the
        trained model on some training batches. If it is far below
        `training_accuracy`, see `stale`.
    """
    fitted = supervised.fit(
        model,
        _augmented(splits, label, protocol, seed),
        scores.labelled(splits["validation"], label, protocol.batch_size),
        task,
        learning_rate=protocol.learning_rate,
        epochs=-(-protocol.steps // protocol.steps_per_epoch),
        steps_per_epoch=protocol.steps_per_epoch,
        patience=protocol.patience,
        goal=protocol.goal,
        least=-(-protocol.least // protocol.steps_per_epoch),
        doubled_over=_count(splits["validation"]) if protocol.doubles else None,
        callbacks=callbacks,
    )
    # Not the augmented batches, which would be other ones on a second pass.
    some = scores.labelled(splits["train"], label, protocol.batch_size).take(
        INFERRED
    )
    found = model.evaluate(some, verbose=0, return_dict=True)
    return {**fitted, "inferred_accuracy": found["accuracy"]}


def _count(dataset):
    return int(dataset.cardinality())


def _augmented(splits, label, protocol, seed):
    """Returns endless batches of training clips, changed at random."""

    def augment(example, key):
        keys = tf.random.split(key, 3)
        clips = example["clips"]
        clips = filtering.some_frames(clips, protocol.frames, keys[0])
        flip = tf.random.stateless_uniform((), keys[1]) < 0.5
        flip &= protocol.mirror
        clips = tf.cond(flip, lambda: tf.reverse(clips, [2]), lambda: clips)
        clips = to_float(clips)
        if protocol.augments:
            clips = augmentation.augmented(clips, keys[2])
        return clips, example[label]

    # A key per clip: stateful random ops in a parallel map would not repeat.
    keys = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    return (
        tf.data.Dataset.zip(_endless(splits, protocol, seed), keys.batch(2))
        .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(protocol.batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def _endless(splits, protocol, seed):
    if "fresh" not in splits:
        shuffled = splits["train"].shuffle(
            4096, seed=seed, reshuffle_each_iteration=True
        )
        return shuffled.repeat()
    clips = splits["fresh"](protocol.frames, protocol.batch_size)
    if protocol.echoes == 1:
        return clips

    def echoed(example):
        return tf.data.Dataset.from_tensors(example).repeat(protocol.echoes)

    apart = 2 * protocol.echoes * protocol.batch_size
    return clips.flat_map(echoed).shuffle(apart, seed=seed)


def attack(
    name,
    build,
    splits,
    task,
    protocol,
    *,
    seed,
    record,
    weights=None,
    start=None,
    callbacks=(),
):
    """Trains and tests one attacker, or reads what an earlier call found.

    Args:
        name: The attacker's name.
        build: Callable without arguments that returns the untrained model.
        splits: Dict of `train`, `validation` and `test`, and perhaps
            `redrawn`, see `scores.tested`.
        task, protocol, seed, callbacks: See `train`.
        record: Path of a JSON file; if it exists, its content is returned.
        weights: Path at which to keep the attacker's weights, or `None`.
        start: Path of weights from which it may start, besides those of
            `build`: each is trained for `protocol.least` updates, and the one
            that validation prefers goes on. `None` for those of `build` alone.

    Returns:
        Dict of `scores.score` and `supervised.fit`, with the attacker's
        `name`; and `start`, `random` or `raw clips`, if there was a choice.
    """

    def run():
        model = build()

        def fit(protocol, callbacks=()):
            return train(
                model,
                splits,
                "budget_labels",
                task,
                protocol,
                seed=seed,
                callbacks=callbacks,
            )

        begun = {"start": _start(model, start, fit, protocol)} if start else {}
        fitted = fit(protocol, callbacks)
        if weights:
            keep(model, weights)
        scored = scores.score(
            model, scores.tested(splits), "budget_labels", protocol.batch_size
        )
        return {"name": name, **scored, **fitted, **begun}

    return once(record, run, weights)


def _start(model, path, fit, protocol):
    """Gives a model the weights from which it learns more, and returns their
    name."""
    brief = protocol._replace(steps=protocol.least, patience=None)
    tried = []
    for i in range(protocol.starts):
        if i:
            # Its layers alone: what it was compiled with cannot be cloned.
            layers = keras.Model(model.inputs, model.outputs)
            model.set_weights(keras.models.clone_model(layers).get_weights())
        tried.append((fit(brief)["validation"], "random", model.get_weights()))
    checkpoints.load(model, path)
    tried.append((fit(brief)["validation"], "raw clips", model.get_weights()))
    _, name, weights = max(tried, key=lambda found: found[0])
    model.set_weights(weights)
    return name


def reusable(build):
    """Returns a callable like `build` that builds and traces but one model.

    Each call gives it the weights again that it had at first.

    Args:
        build: Callable without arguments that returns an untrained model.
    """

    @functools.cache
    def built():
        model = build()
        # Besides weights, these are the states of random numbers.
        return model, [(v, v.numpy()) for v in model.variables]

    def anew():
        model, first = built()
        for variable, value in first:
            variable.assign(value)
        return model

    return anew


def keep(model, weights):
    """Saves the weights of a model to a path, whose folder may be missing."""
    os.makedirs(os.path.dirname(weights), exist_ok=True)
    model.save_weights(weights)


def once(record, run, weights=None):
    """Returns `run()`, or its earlier result from the JSON file `record`.

    Args:
        record: Path of that file.
        run: Callable that returns what JSON can hold.
        weights: Path of what `run` also writes, without which an earlier result
            does not count; `None` for nothing.
    """
    whole = weights is None or os.path.exists(weights)
    if os.path.exists(record) and whole:
        with open(record) as file:
            return json.load(file)
    result = run()
    files.write(record, json.dumps(result, indent=1))
    return result


def stale(trained, inferred):
    """Returns whether an attacker is fooled by its own batch statistics alone.

    Such an attacker knows clips while it trains on them, and not in inference.

    Args:
        trained: Float, its accuracy on training batches in training mode.
        inferred: Float, that on training clips in inference mode.
    """
    return trained - inferred > LOST
