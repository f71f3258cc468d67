"""The two-step protocol of Sec. 3.6: freeze f_A, then attack its output.

Step 1 is the game. Step 2 trains N fresh attackers, of families that f_A never
met, on what f_A puts out, and reports the strongest: A_B^N. The same attackers
on raw clips and the commonest label give the figure its scale.
"""

import json
import os
import shutil
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from priv_keras import files
from priv_keras import metrics
from priv_keras import supervised
from priv_keras.networks import attackers
from priv_keras.video import to_float
from priv_keras.video import to_uint8

INFERRED = 4  # training batches that a trained model is asked about


class Protocol(NamedTuple):
    """How each attacker is trained."""

    steps: int  # at most
    steps_per_epoch: int
    patience: int  # epochs
    learning_rate: float
    batch_size: int
    frames: int  # of each clip that one update sees; all are tested


def check_unseen(names, budgets):
    """Raises unless attackers are known ones, each once, and of families that
    no budget model is of.

    Args:
        names: Names of attackers.
        budgets: Names of the budget models of the game.

    Raises:
        ValueError: If not.
    """
    seen = {attackers.family(name) for name in budgets}
    known = [name for name in names if attackers.family(name) in seen]
    if known:
        raise ValueError(
            "An attacker of a family that the anonymizer trained against says "
            "nothing of unseen ones: Sec. 3.6 wants the two sets disjoint. "
            f"In both: {known}. Drop them from --attackers={','.join(names)}."
        )
    unknown = sorted(set(names) - set(attackers.NAMES))
    if unknown or not names or len(set(names)) < len(names):
        raise ValueError(
            f"--attackers={','.join(names)}: name one or several of "
            f"{', '.join(attackers.NAMES)}, each once."
        )


def filtered(dataset, anonymizer, folder=None, keep=True, watched=iter):
    """Passes a split through f_A once and keeps the result.

    What is kept is 8-bit, as what leaves a camera is.

    Args:
        dataset: Finite dataset of batches, dicts whose `clips` are
            `(batch, frames, height, width, 3)` in [0, 1].
        anonymizer: Callable of such clips that returns the same.
        folder: Folder for the result, made anew; `None` for memory. It is as
            private as f_A's output: a baseline can leave frames as they are.
        keep: Bool, as of `unfiltered`; of no account where there is a folder.
        watched: Callable of a dataset that yields its examples, and may count
            them before a user.

    Returns:
        Unbatched dataset of the same dicts, `clips` uint8.
    """
    file = ""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        file = os.path.join(folder, "clips")

    def anonymize(batch):
        return {**batch, "clips": to_uint8(anonymizer(batch["clips"]))}

    pixels = dataset.map(anonymize).unbatch()
    return whole(pixels.cache(file) if file or keep else pixels, watched)


def unfiltered(dataset, keep=True, watched=iter):
    """The same form for raw clips, of which none is on disk.

    Args:
        dataset: As of `filtered`.
        keep: Bool, whether to keep them in memory; if not, each pass makes
            them anew, and where they are cut at random it cuts them elsewhere.
        watched: As of `filtered`.

    Returns:
        As of `filtered`.
    """

    def as_pixels(batch):
        return {**batch, "clips": to_uint8(batch["clips"])}

    pixels = dataset.map(as_pixels).unbatch()
    return whole(pixels.cache() if keep else pixels, watched)


def whole(dataset, watched=iter):
    """Counts a dataset; a cache is filled, which is read only after that."""
    count = sum(1 for _ in watched(dataset))
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def train(model, splits, label, task, protocol, *, seed, callbacks=()):
    """Trains one classifier to convergence on a split's train part.

    Args:
        model: Model from clips to logits.
        splits: Dict with `train` and `validation`, as of `filtered`.
        label: Which label, `actions` or `budget_labels`.
        task: `losses.Task`.
        protocol: `Protocol`.
        seed: Int, of the order of clips and their augmentation.
        callbacks: As of `keras.Model.fit`.

    Returns:
        What `supervised.fit` returns, and `inferred_accuracy`, that of the
        trained model on some training batches: where it is far less than
        `training_accuracy`, see `signs.stale`.
    """

    def augment(example, key):
        clips = example["clips"]
        flip = tf.random.stateless_uniform((), key) < 0.5
        clips = tf.cond(flip, lambda: tf.reverse(clips, [2]), lambda: clips)
        order = tf.random.experimental.stateless_shuffle(
            tf.range(tf.shape(clips)[0]), key
        )
        chosen = tf.sort(order[: protocol.frames])
        return to_float(tf.gather(clips, chosen)), example[label]

    # A key per clip: stateful random ops in a parallel map cannot repeat.
    keys = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
    examples = splits["train"].shuffle(
        4096, seed=seed, reshuffle_each_iteration=True
    )
    batches = (
        tf.data.Dataset.zip(examples.repeat(), keys.batch(2))
        .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(protocol.batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )
    fitted = supervised.fit(
        model,
        batches,
        labelled(splits["validation"], label, protocol.batch_size),
        task,
        learning_rate=protocol.learning_rate,
        epochs=-(-protocol.steps // protocol.steps_per_epoch),
        steps_per_epoch=protocol.steps_per_epoch,
        patience=protocol.patience,
        callbacks=callbacks,
    )
    # Not `batches`, whose second pass is as random as when it starts.
    some = labelled(splits["train"], label, protocol.batch_size).take(INFERRED)
    found = model.evaluate(some, verbose=0, return_dict=True)
    return {**fitted, "inferred_accuracy": found["accuracy"]}


def labelled(dataset, label, batch_size):
    return dataset.map(
        lambda example: (to_float(example["clips"]), example[label])
    ).batch(batch_size)


def outputs(model, dataset, label, batch_size):
    """What a classifier says of a test split.

    Args:
        model: Model from clips to logits.
        dataset: Unbatched dataset, as of `filtered`.
        label: Which label, `actions` or `budget_labels`.
        batch_size: Int.

    Returns:
        Arrays: the labels, the logits `(clips, classes)`, the video ids
        `(clips,)`.
    """
    batches = [
        (
            batch[label].numpy(),
            model(to_float(batch["clips"])).numpy(),
            batch["video"].numpy(),
        )
        for batch in dataset.batch(batch_size)
    ]
    return tuple(map(np.concatenate, zip(*batches, strict=True)))


def score(model, dataset, label, batch_size):
    """How well a classifier reads a label on a test split.

    Args:
        model, dataset, label, batch_size: As of `outputs`.

    Returns:
        Dict. Of a single label: `accuracy` per clip, `video_accuracy` from
        logits averaged over the clips of a video. Of a multi-label one:
        `cmap`, `average_precisions` (`None` for an attribute that nothing
        shows) and `prevalence`, their chance levels. Of both: `interval` of
        the first at 95 % by bootstrap over videos, `f1`, the classes' mean,
        `clips` and `videos`; and `detail`, for pictures: `confusion`, or of
        attributes `counts`, see `metrics.threshold_counts`.
    """
    labels, logits, videos = outputs(model, dataset, label, batch_size)
    measure = attributes_score if labels.ndim == 2 else accuracy_score
    return {
        **measure(labels, logits, videos),
        "clips": len(labels),
        "videos": len(np.unique(videos)),
    }


def accuracy_score(labels, logits, videos):
    hits = logits.argmax(axis=1) == labels
    _, first, video = np.unique(videos, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), logits.shape[1]))
    np.add.at(sums, video, logits)
    return {
        "accuracy": float(hits.mean()),
        "interval": metrics.bootstrap_interval(
            lambda rows: hits[rows].mean(), videos
        ),
        "video_accuracy": float((sums.argmax(axis=1) == labels[first]).mean()),
        "f1": metrics.macro_f1(labels, logits.argmax(axis=1)),
        "detail": {
            "confusion": metrics.confusion(
                labels, logits.argmax(axis=1), logits.shape[1]
            )
        },
    }


def attributes_score(labels, logits, videos):
    each = metrics.average_precisions(labels, logits)
    return {
        "cmap": metrics.class_mean_average_precision(labels, logits),
        "interval": metrics.bootstrap_interval(
            lambda rows: np.nanmean(
                metrics.average_precisions(labels[rows], logits[rows])
            ),
            videos,
            resamples=200,
        ),
        "f1": metrics.macro_f1(labels, (logits > 0).astype(int)),
        "average_precisions": [None if np.isnan(x) else float(x) for x in each],
        "prevalence": metrics.prevalence(labels).tolist(),
        "detail": {"counts": metrics.threshold_counts(labels, logits)},
    }


def figure(score):
    """A_T or A_B of a `score`: its accuracy, or of attributes its cMAP."""
    return score.get("accuracy", score.get("cmap"))


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
        task: `losses.Task`.
        protocol: `Protocol`.
        seed: Int.
        record: Path of a JSON file; where it exists, its content is returned.
        weights: Path to keep the attacker's weights at, or `None`.
        callbacks: As of `keras.Model.fit`.

    Returns:
        Dict of `score` and `supervised.fit`, with the attacker's `name`.
    """
    if weights and not os.path.exists(weights) and os.path.exists(record):
        os.remove(record)  # of an attacker that was not kept

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
        scored = score(
            model, splits["test"], "budget_labels", protocol.batch_size
        )
        return {"name": name, **scored, **fitted}

    return once(record, run)


def once(record, run):
    """Returns `run()`, or its result from `record` where it already ran."""
    if os.path.exists(record):
        with open(record) as file:
            return json.load(file)
    result = run()
    files.write(record, json.dumps(result, indent=1))
    return result


def strongest(attacks):
    """A_B^N: the attack of the highest accuracy, or cMAP."""
    return max(attacks, key=figure)
