"""The attacks of one evaluation, which `--attackers` and `--attacks` name.

Part of the programs: this module reads flags.
"""

import functools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras

from flags import data as data_flags
from flags import evaluation as flags
from flags import training as training_flags
from priv_keras.evaluation import attacks
from priv_keras.evaluation import floors
from priv_keras.evaluation import inversion
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.evaluation.judges import JUDGES
from priv_keras.evaluation.two_step import Protocol
from priv_keras.experiment import console
from priv_keras.experiment import reproducibility
from priv_keras.experiment.data import Data
from priv_keras.experiment.game import build_target
from priv_keras.experiment.game import target_form
from priv_keras.networks import attackers
from priv_keras.runs import results

FORMAT = 6  # version of the records of attacks
# Up to this many bytes, decoded clips are kept in memory; larger sets of clips
# are decoded again for each epoch.
IN_MEMORY = 4 * 2**30


class Evaluation(NamedTuple):
    """What every attack of one evaluation needs."""

    data: Data
    folder: pathlib.Path  # where records and caches are kept
    candidate: tuple  # the method of f_A and the turns that it has played
    say: Callable  # prints a line

    def record(self, side, name, *key):
        """Returns the path of the record of one figure.

        Its name depends on everything that the figure depends on, so that
        other shards, such as those of another fold, never show the figures of
        these. No method changes the figures of raw clips, and so runs with the
        same `--shared_dir` share those.
        """
        folder = self.folder
        if side == "raw":
            folder = pathlib.Path(data_flags.SHARED_DIR.value or folder)
        else:
            key = (*key, *self.candidate)
        digest = reproducibility.fingerprint(
            self.data,
            FORMAT,
            flags.JUDGE.value,
            attacker_protocol()._asdict(),
            flags.ATTACKER_WIDTH.value,
            flags.ATTACKER_VIEWS.value,
            flags.ATTACKER_WEIGHTS.value,
            training_flags.PRECISION.value,
            *key,
        )
        return str(folder / side / f"{name}-{digest}.json")

    def tell(self, what, found):
        """Says what an attack found, and returns it."""
        epochs = f" after {found['epochs']} epochs" if "epochs" in found else ""
        self.say(
            f"{found['name']} {what}: A_B {results.value(found):.3f}{epochs}"
        )
        if "inferred_accuracy" in found and two_step.stale(
            found["training_accuracy"], found["inferred_accuracy"]
        ):
            self.say(
                f"warning: {found['name']} recognises its training clips only "
                "while it trains on them: its stale batch statistics fool it, "
                "not f_A. Raise --attacker_steps or --attacker_batch_size."
            )
        return found


def retrained(evaluation, sides, kind=None, key=()):
    """Trains each of `--attackers` on clips like those it is tested on.

    This is the attack of Sec. 3.6. Attackers without deep learning are added
    to it if `--judge` has them.

    Args:
        evaluation: `Evaluation`.
        sides: Dict of `"raw"`, `"anonymized"` or both, in this order, to a
            dict of the datasets `train`, `validation` and `test`.
        kind: String, a name for the clips; that of the side if `None`.
        key: Tuple of what else the figures depend on.

    Returns:
        Dict of the same sides to lists of dicts, see `two_step.attack`.
    """
    found = {side: [] for side in sides}
    for i, name in enumerate(flags.ATTACKERS.value):
        build = two_step.reusable(_builder(evaluation, i, name))
        for side, splits in sides.items():
            attack = _network(evaluation, i, build, side, splits, kind, key)
            found[side].append(attack)
    if not JUDGES[flags.JUDGE.value].floors:
        return found
    for side, splits in sides.items():
        found[side] += _floors(evaluation, side, splits, kind, key)
    return found


def _network(evaluation, i, build, side, splits, kind, key):
    """Trains one of `--attackers` on one side."""
    name = flags.ATTACKERS.value[i]
    protocol = attacker_protocol()
    record = evaluation.record(side, name, *key, _seed(i))
    what = f"on {kind or side} clips"
    kept = side == "raw" and (protocol.starts or _reused())
    # An attacker with few labels must not start from one that knew them all.
    started = side == "anonymized" and protocol.starts and not key
    raw = weights_of(evaluation.record("raw", name, _seed(i)))
    with console.watch(f"{name} {what}", protocol.steps) as watch:
        attack = two_step.attack(
            name,
            build,
            splits,
            evaluation.data.attacker_task,
            # What raw clips show is only the scale of the other figures.
            protocol if side != "raw" else on_raw_clips(protocol),
            seed=_seed(i),
            record=record,
            weights=weights_of(record) if kept else None,
            start=raw if started else None,
            callbacks=[watch],
        )
    return evaluation.tell(what, attack)


def _floors(evaluation, side, splits, kind, key):
    """Attacks without deep learning."""
    what = f"on {kind or side} clips"
    described = functools.cache(
        lambda: floors.describe_all(splits, data_flags.SEED.value)
    )
    classes = len(evaluation.data.labels["budget_labels"])
    return [
        evaluation.tell(
            what,
            two_step.once(
                evaluation.record(side, name, *key),
                lambda name=name: floors.attack(
                    name, described(), classes, data_flags.SEED.value
                ),
            ),
        )
        for name in floors.NAMES
    ]


def _seed(i):
    return 1000 * data_flags.SEED.value + i


def _reused():
    """Returns a true value if attackers trained on raw clips are reused."""
    return {"static", "inversion"} & set(flags.ATTACKS.value)


def weights_of(record):
    """Returns the path of the weights that belong to a record."""
    return record.replace(".json", ".weights.h5")


def _builder(evaluation, i, name):
    return functools.partial(build_attacker, name, evaluation.data, _seed(i))


def build_attacker(name, data, seed):
    """Returns an untrained attacker, as `--attacker_*` say.

    Args:
        name: String, one of `--attackers`.
        data: `data.Data`.
        seed: Int, of its initial weights.
    """
    keras.utils.set_random_seed(seed)
    return attackers.build(
        name,
        len(data.labels["budget_labels"]),
        data.clip_shape[1:],
        flags.ATTACKER_WIDTH.value,
        flags.ATTACKER_WEIGHTS.value,
    )


def _fine_tuned(evaluation, budget, candidate):
    """Trains the budget models of the game further, on all frames of a clip.

    These are the attackers that f_A has learned to fool, and no unseen ones.
    """
    if not candidate.budgets:
        evaluation.say("fine_tuned: left out, since a rule has no f_B.")
    form = {
        "frames": evaluation.data.budget.cut.frames,
        "batch_size": data_flags.BATCH_SIZE.value,
    }
    protocol = attacker_protocol()._replace(starts=0, **form)
    found = []
    for i, budget_model in enumerate(candidate.budgets):
        name = f"budget_{i}"
        with console.watch(f"{name} of the game", protocol.steps) as watch:
            attack = two_step.attack(
                name,
                lambda model=budget_model: model,
                budget["anonymized"],
                evaluation.data.attacker_task,
                protocol,
                seed=_seed(i),
                record=evaluation.record("fine_tuned", name, form, _seed(i)),
                callbacks=[watch],
            )
        attack = evaluation.tell("of the game, trained further", attack)
        found.append({"attack": "fine_tuned", **attack})
    return found


def _static(evaluation, budget, candidate):
    return [
        evaluation.tell("trained on raw clips", found)
        for found in _raw_trained(
            evaluation, scores.tested(budget["anonymized"]), "static"
        )
    ]


def _raw_trained(evaluation, test, kind, *key):
    """Tests on other clips the attackers that were trained on raw clips."""
    return [
        {
            "attack": kind,
            **attacks.static(
                name,
                _builder(evaluation, i, name),
                weights_of(evaluation.record("raw", name, _seed(i))),
                test,
                flags.ATTACKER_BATCH_SIZE.value,
                record=evaluation.record(kind, name, _seed(i), *key),
            ),
        }
        for i, name in enumerate(flags.ATTACKERS.value)
    ]


def _video(evaluation, budget, candidate):
    """Attacks with a 3D network, while the paper's average over frames."""

    def build():
        keras.utils.set_random_seed(_seed(0))
        return build_target(evaluation.data, "budget_labels")

    found = []
    for side in ("raw", "anonymized"):
        protocol = video_protocol()
        record = evaluation.record(side, "video", target_form(), protocol)
        with console.watch(f"c3d on {side} clips", protocol.steps) as watch:
            attack = two_step.attack(
                "c3d",
                build,
                budget[side],
                evaluation.data.attacker_task,
                protocol,
                seed=_seed(0),
                record=record,
                callbacks=[watch],
            )
        kind = "video" if side == "anonymized" else results.RAW_VIDEO
        found.append(
            {"attack": kind, **evaluation.tell(f"on {side} clips", attack)}
        )
    return found


def _few_labels(evaluation, budget, candidate):
    found = []
    splits = budget["anonymized"]
    for share in map(float, flags.LABEL_SHARES.value):
        # Two shares of few videos can be the same videos; they then have the
        # same record.
        videos = attacks.few_videos(
            splits["train"], share, data_flags.SEED.value
        )
        few = {split: splits[split] for split in splits if split != "fresh"}
        few["train"] = attacks.of_videos(splits["train"], videos)
        kind = f"{share:g} of the labels"
        found += [
            {"attack": kind, **attack}
            for attack in retrained(
                evaluation,
                {"anonymized": few},
                f"anonymized ({kind})",
                videos,
            )["anonymized"]
        ]
    return found


def _inversion(evaluation, budget, candidate):
    settings = (
        flags.INVERSION_STEPS.value,
        flags.INVERSION_WIDTH.value,
        data_flags.BATCH_SIZE.value,
    )

    def run():
        network = _trained_inverter(evaluation, candidate.anonymizer)
        raw = budget["raw"]["test"]
        anonymized = budget["anonymized"]["test"]
        rebuilt = inversion.reconstructed(network, anonymized)
        likeness = {
            "attack": "inversion",
            "name": "unet",
            **inversion.likeness(rebuilt, raw),
            "before": inversion.likeness(anonymized, raw),
        }
        return [
            likeness,
            *_raw_trained(evaluation, rebuilt, "inversion", *settings),
        ]

    # The record's name depends on the attackers too, because it holds what
    # they found.
    record = evaluation.record(
        "inversion", "unet", *settings, flags.ATTACKERS.value
    )
    likeness, *found = two_step.once(record, run)
    return [
        likeness,
        *(
            evaluation.tell("on reconstructed clips", attack)
            for attack in found
        ),
    ]


def _trained_inverter(evaluation, anonymizer):
    """Trains a U-Net to reconstruct raw training clips from f_A's output."""
    # The same cuts as those of the other attackers, whose detections are kept.
    reproducibility.seed_everything("attackers")
    shards, views = evaluation.data.budget, flags.ATTACKER_VIEWS.value
    size = 2 * shards.view_count(views) * shards.clip_bytes()
    pairs = inversion.pairs(
        shards.views("attackers", views), anonymizer, keep=size <= IN_MEMORY
    )
    keras.utils.set_random_seed(_seed(0))
    network = inversion.build(flags.INVERSION_WIDTH.value)
    steps = flags.INVERSION_STEPS.value
    with console.watch("unet, inverting f_A", steps) as watch:
        inversion.train(
            network,
            pairs,
            batch_size=data_flags.BATCH_SIZE.value,
            frames=flags.ATTACKER_FRAMES.value,
            learning_rate=flags.ATTACKER_LEARNING_RATE.value,
            steps=steps,
            callbacks=[watch],
        )
    return network


ATTACKS = {
    "fine_tuned": _fine_tuned,
    "static": _static,
    "video": _video,
    "inversion": _inversion,
    "few_labels": _few_labels,
}


def attacker_protocol():
    """Returns the `Protocol` of `--judge` and the flags `--attacker_*`."""
    judge = JUDGES[flags.JUDGE.value]
    steps_per_epoch = flags.ATTACKER_STEPS_PER_EPOCH.value
    return Protocol(
        steps=flags.ATTACKER_STEPS.value,
        steps_per_epoch=steps_per_epoch,
        patience=judge.patience,
        learning_rate=flags.ATTACKER_LEARNING_RATE.value,
        batch_size=flags.ATTACKER_BATCH_SIZE.value,
        frames=flags.ATTACKER_FRAMES.value,
        least=judge.least * steps_per_epoch,
        starts=judge.starts,
        doubles=judge.doubles,
        augments=judge.augments,
        echoes=judge.echoes,
    )


def on_raw_clips(protocol):
    """Returns the protocol of what is only compared with: a perfect epoch ends
    it, nothing is doubled, and each clip is read once, since no f_A has to
    filter it."""
    return protocol._replace(doubles=False, goal=1.0, echoes=1)


def video_protocol():
    """Returns the `Protocol` of an f_T on raw clips and of the 3D attacker."""
    return attacker_protocol()._replace(
        steps=flags.RAW_TARGET_STEPS.value,
        doubles=False,
        augments=data_flags.AUGMENT.value,
        echoes=1,
        frames=data_flags.FRAMES.value,
        batch_size=data_flags.BATCH_SIZE.value,
        learning_rate=training_flags.WARM_UP_TARGET_LEARNING_RATE.value,
        mirror=data_flags.MIRROR.value,
    )
