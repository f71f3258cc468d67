"""The two-step protocol of Sec. 3.6 on any filter of clips, from Python."""

import functools
import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from priv_keras import losses
from priv_keras import metrics
from priv_keras.evaluation import filtering
from priv_keras.evaluation import floors
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.networks import attackers as networks
from priv_keras.networks import c3d

PROTOCOL = two_step.Protocol(
    steps=2400,
    steps_per_epoch=75,
    patience=3,
    learning_rate=2e-3,
    batch_size=64,
    frames=1,
    least=300,
    starts=1,
    doubles=True,
    augments=True,
)
ATTACKERS = ("resnet_v1_26", "mobilenet_v1_1")
SPLITS = ("train", "validation", "test")


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
    """Trains fresh attackers, and a fresh f_T, on the output of a filter.

    Each trains on the training clips, stops on the validation clips and is
    scored once on the test clips, and on raw clips too, for comparison. The
    figures hold for these attackers alone.

    Args:
        anonymizer: Callable that takes clips `(batch, frames, height, width,
            3)` in [0, 1] and returns the same.
        splits: Dict of `train`, `validation` and `test` to finite
            `tf.data.Dataset`s of batches: dicts of `clips`, `actions`
            `(batch,)`, `budget_labels` `(batch,)` or, for attributes of 0 or
            1, `(batch, attributes)`, and `video`, strings that name the video
            of each clip. Without `video` each clip is a video of its own.
        attackers: Names of `priv_keras.networks.attackers.NAMES`, to which
            those without deep learning, `floors.NAMES`, are added.
        width: Positive float that scales the attackers' channels.
        protocol: `Protocol` of the attackers.
        build_target: Callable that takes the number of actions and the shape of
            a clip and returns an untrained f_T; by default a C3D of `width`.
        seed: Int, of the order of clips and their augmentation.
        folder: Path for what each attacker found, from where the same call
            would continue; `None` to keep nothing.

    Returns:
        Dict: `raw` and `anonymized`, each with the score of `target` and a list
        of scores of `attackers`, see `scores.score`, and what is known of the
        `strongest` of them, see `scores.strongest`; and `chance`, the scores
        of naming the commonest label.

    Raises:
        ValueError: If a split is missing or an attacker is unknown.
    """
    _check(splits, attackers)
    sides = _sides(anonymizer, splits)
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
    return {**found, "chance": _chances(sides["raw"]["test"])}


def _check(splits, attackers):
    missing = [name for name in SPLITS if name not in splits]
    if missing:
        raise ValueError(
            f"`splits` must have {', '.join(SPLITS)}. Received: "
            f"{', '.join(splits)}."
        )
    two_step.check_unseen(attackers, budgets=())


def _sides(anonymizer, splits):
    """Returns the splits raw and anonymized, with the videos of their clips."""
    splits = {name: _with_videos(splits[name]) for name in SPLITS}
    return {
        "raw": {name: filtering.unfiltered(splits[name]) for name in splits},
        "anonymized": {
            name: filtering.filtered(splits[name], anonymizer)
            for name in splits
        },
    }


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
    classes = 1 + int(labels.max()) if single else labels.shape[1]
    task = losses.SINGLE_LABEL if single else losses.MULTI_LABEL
    found = [
        two_step.attack(
            name,
            functools.partial(networks.build, name, classes, shape[1:], width),
            splits,
            task,
            protocol._replace(doubles=protocol.doubles and side != "raw"),
            seed=seed,
            record=folder / side / f"{name}.json",
            weights=folder / side / f"{name}.weights.h5",
            start=folder / "raw" / f"{name}.weights.h5"
            if side != "raw" and protocol.starts
            else None,
        )
        for name in attackers
    ]
    described = functools.cache(lambda: floors.describe_all(splits, seed))
    found += [
        two_step.once(
            folder / side / f"{name}.json",
            lambda name=name: floors.attack(name, described(), classes, seed),
        )
        for name in floors.NAMES
    ]
    train_target = functools.partial(
        _target, splits, build_target, protocol, seed
    )
    target = two_step.once(folder / side / "target.json", train_target)
    strongest = scores.strongest(found)
    return {"target": target, "attackers": found, "strongest": strongest}


def _target(splits, build_target, protocol, seed):
    """Trains f_T, which reads whole clips, and scores it."""
    shape = splits["train"].element_spec["clips"].shape
    actions = 1 + max(int(one["actions"]) for one in splits["train"])
    model = build_target(actions, tuple(shape))
    batch_size = max(1, protocol.batch_size // 4)
    protocol = protocol._replace(
        frames=shape[0], batch_size=batch_size, doubles=False, augments=False
    )
    fitted = two_step.train(
        model, splits, "actions", losses.SINGLE_LABEL, protocol, seed=seed
    )
    scored = scores.score(model, splits["test"], "actions", batch_size)
    return {**scored, **fitted}


def _c3d(actions, shape, width):
    return c3d.build(actions, width, shape)


def _chances(dataset):
    return {
        label: _chance(dataset, label) for label in ("actions", "budget_labels")
    }


def _chance(dataset, label):
    labels = np.array([one[label] for one in dataset])
    if labels.ndim == 2:
        prevalence = metrics.prevalence(labels)
        return {"majority": float(prevalence[prevalence > 0].mean())}
    return metrics.chance(labels)
