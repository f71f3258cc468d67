"""The two-step protocol of Sec. 3.6: freeze f_A, then attack its output.

Step 1 is the game. Step 2 trains N fresh attackers, of families that f_A never
met, on f_A's output and reports the strongest: A_B^N. The same attackers on
raw clips, and naming the commonest label, give the scale of that figure.
"""

import json
import os
from typing import NamedTuple

import tensorflow as tf

from priv_keras import files
from priv_keras import supervised
from priv_keras.evaluation import scores
from priv_keras.networks import attackers
from priv_keras.pixels import to_float

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
        splits: Dict with `train` and `validation`, see `filtering.filtered`.
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
        _augmented(splits["train"], label, protocol, seed),
        scores.labelled(splits["validation"], label, protocol.batch_size),
        task,
        learning_rate=protocol.learning_rate,
        epochs=-(-protocol.steps // protocol.steps_per_epoch),
        steps_per_epoch=protocol.steps_per_epoch,
        patience=protocol.patience,
        callbacks=callbacks,
    )
    # Not the augmented batches, which would be other ones on a second pass.
    some = scores.labelled(splits["train"], label, protocol.batch_size).take(
        INFERRED
    )
    found = model.evaluate(some, verbose=0, return_dict=True)
    return {**fitted, "inferred_accuracy": found["accuracy"]}


def _augmented(train, label, protocol, seed):
    """Returns endless batches of clips, some mirrored, of random frames."""

    def augment(example, key):
        clips = example["clips"]
        flip = tf.random.stateless_uniform((), key) < 0.5
        flip &= protocol.mirror
        clips = tf.cond(flip, lambda: tf.reverse(clips, [2]), lambda: clips)
        order = tf.random.experimental.stateless_shuffle(
            tf.range(tf.shape(clips)[0]), key
        )
        chosen = tf.sort(order[: protocol.frames])
        return to_float(tf.gather(clips, chosen)), example[label]

    # A key per clip: stateful random ops in a parallel map would not repeat.
    keys = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    examples = train.shuffle(4096, seed=seed, reshuffle_each_iteration=True)
    return (
        tf.data.Dataset.zip(examples.repeat(), keys.batch(2))
        .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(protocol.batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


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
    callbacks=(),
):
    """Trains and tests one attacker, or reads what an earlier call found.

    Args:
        name: The attacker's name.
        build: Callable without arguments that returns the untrained model.
        splits: Dict of `train`, `validation` and `test`.
        task, protocol, seed, callbacks: See `train`.
        record: Path of a JSON file; if it exists, its content is returned.
        weights: Path at which to keep the attacker's weights, or `None`.

    Returns:
        Dict of `scores.score` and `supervised.fit`, with the attacker's `name`.
    """
    if weights and not os.path.exists(weights) and os.path.exists(record):
        os.remove(record)  # of an attacker whose weights were not kept

    def run():
        model = build()
        fitted = train(
            model,
            splits,
            "budget_labels",
            task,
            protocol,
            seed=seed,
            callbacks=callbacks,
        )
        if weights:
            os.makedirs(os.path.dirname(weights), exist_ok=True)
            model.save_weights(weights)
        scored = scores.score(
            model, splits["test"], "budget_labels", protocol.batch_size
        )
        return {"name": name, **scored, **fitted}

    return once(record, run)


def once(record, run):
    """Returns `run()`, or its earlier result from the JSON file `record`."""
    if os.path.exists(record):
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
