"""The two-step protocol of Sec. 3.6 on any filter of clips, from Python."""

import functools
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from priv_keras import losses
from priv_keras import metrics
from priv_keras.evaluation import filtering
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.networks import attackers as networks
from priv_keras.networks import c3d

PROTOCOL = two_step.Protocol(
    steps=2400,
    steps_per_epoch=75,
    patience=12,
    learning_rate=2e-3,
    batch_size=64,
    frames=1,
)
ATTACKERS = ("resnet_v1_26", "mobilenet_v1_1")


def judge(
    anonymizer,
    splits,
    *,
    attackers=ATTACKERS,
    width=0.25,
    protocol=PROTOCOL,
    build_target=None,
    seed=0,
    folder=None,
):
    """Lets fresh attackers, and a fresh f_T, learn from what a filter puts out.

    Each attacker trains on the training clips, stops on the validation clips
    and is scored once on the test clips; on raw clips too, for comparison.
    The figures hold for these attackers alone.

    Args:
        anonymizer: Callable of clips `(batch, frames, height, width, 3)` in
            [0, 1] that returns the same.
        splits: Dict of `train`, `validation` and `test` to finite
            `tf.data.Dataset`s of batches: dicts of `clips`, `actions`
            `(batch,)`, `budget_labels` `(batch,)` or, if they are attributes
            of 0 or 1, `(batch, attributes)`, and `video`, strings by which
            clips of one video are known. Without `video` each clip is its own.
        attackers: Names of `priv_keras.networks.attackers.NAMES`.
        width: Positive float, scales the attackers' channels.
        protocol: `Protocol` of the attackers.
        build_target: Callable of the number of actions and the shape of a
            clip that returns an untrained f_T; by default a C3D of `width`.
        seed: Int, of the order of clips and their augmentation.
        folder: Where to keep what each attacker found, so that the same call
            continues from there; `None` to keep nothing.

    Returns:
        Dict: `raw` and `anonymized`, each with the score of `target` and a list
        of those of `attackers`; and `chance`, what the commonest label is right
        in. See `scores.score`.

    Raises:
        ValueError: If a split or an attacker is missing or unknown.
    """
    _check(splits, attackers)
    splits = {name: _with_videos(splits[name]) for name in _SPLITS}
    sides = {
        "raw": {name: filtering.unfiltered(splits[name]) for name in splits},
        "anonymized": {
            name: filtering.filtered(splits[name], anonymizer)
            for name in splits
        },
    }
    with tempfile.TemporaryDirectory() as scratch:
        attack = functools.partial(
            _attack,
            attackers=attackers,
            width=width,
            protocol=protocol,
            build_target=build_target or functools.partial(_c3d, width=width),
            seed=seed,
            folder=pathlib.Path(folder or scratch),
        )
        found = {side: attack(side, sides[side]) for side in sides}
    tested = sides["raw"]["test"]
    chance = {label: _chance(tested, label) for label in _LABELS}
    return {**found, "chance": chance}


_SPLITS = ("train", "validation", "test")
_LABELS = ("actions", "budget_labels")


def _check(splits, attackers):
    missing = [name for name in _SPLITS if name not in splits]
    if missing:
        raise ValueError(
            f"`splits` must have {', '.join(_SPLITS)}. Received: "
            f"{', '.join(splits)}."
        )
    two_step.check_unseen(attackers, budgets=())


def _with_videos(dataset):
    if "video" in dataset.element_spec:
        return dataset

    def name(index, batch):
        clips = tf.shape(batch["clips"], tf.int64)[0]
        ids = tf.strings.as_string(index) + "-"
        return {**batch, "video": ids + tf.strings.as_string(tf.range(clips))}

    return dataset.enumerate().map(name)


def _attack(
    side,
    splits,
    *,
    attackers,
    width,
    protocol,
    build_target,
    seed,
    folder,
):
    shape = splits["train"].element_spec["clips"].shape
    labels = np.array([one["budget_labels"] for one in splits["train"]])
    single = labels.ndim == 1
    classes = labels.max() + 1 if single else labels.shape[1]
    task = losses.SINGLE_LABEL if single else losses.MULTI_LABEL
    found = [
        two_step.attack(
            name,
            functools.partial(networks.build, name, classes, shape[1:], width),
            splits,
            task,
            protocol,
            seed=seed,
            record=folder / side / f"{name}.json",
        )
        for name in attackers
    ]
    train_target = functools.partial(
        _target, splits, build_target, protocol, seed
    )
    target = two_step.once(folder / side / "target.json", train_target)
    return {"target": target, "attackers": found}


def _target(splits, build_target, protocol, seed):
    """Trains f_T, which reads whole clips, and scores it."""
    shape = splits["train"].element_spec["clips"].shape
    actions = 1 + max(int(one["actions"]) for one in splits["train"])
    model = build_target(actions, tuple(shape))
    batch_size = max(1, protocol.batch_size // 4)
    protocol = protocol._replace(frames=shape[0], batch_size=batch_size)
    fitted = two_step.train(
        model, splits, "actions", losses.SINGLE_LABEL, protocol, seed=seed
    )
    scored = scores.score(model, splits["test"], "actions", batch_size)
    return {**scored, **fitted}


def _c3d(actions, shape, width):
    return c3d.build(actions, width, shape)


def _chance(dataset, label):
    labels = np.array([one[label] for one in dataset])
    if labels.ndim == 2:
        prevalence = metrics.prevalence(labels)
        return {"majority": float(prevalence[prevalence > 0].mean())}
    return metrics.chance(labels)
