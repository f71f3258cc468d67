"""The attacks of one evaluation: `--attackers` and `--attacks`.

Part of the programs: reads flags.
"""

import functools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras

from flags import data as data_flags
from flags import evaluation as evaluation_flags
from flags import evaluation as flags
from flags import training as training_flags
from priv_keras.evaluation import attacks
from priv_keras.evaluation import inversion
from priv_keras.evaluation import two_step
from priv_keras.evaluation.two_step import Protocol
from priv_keras.experiment import console
from priv_keras.experiment import reproducibility
from priv_keras.experiment.data import Data
from priv_keras.networks import attackers
from priv_keras.networks import c3d
from priv_keras.runs import results

FORMAT = 2  # of what is recorded of an attack
# Bytes of raw clips that are kept decoded; more are decoded for each epoch.
IN_MEMORY = 4 * 2**30


class Evaluation(NamedTuple):
    """What every attack of one evaluation needs."""

    data: Data
    folder: pathlib.Path  # of records and caches
    accused: tuple  # what f_A is and the turn that it played to
    say: Callable

    def record(self, side, name, *key):
        """Path of a file for one figure, named by all that it depends on.

        So other shards, as of another fold, never show the figures of these.
        What is raw no method changes: runs of one `--shared_dir` share it.
        """
        folder = self.folder
        if side == "raw":
            folder = pathlib.Path(data_flags.SHARED_DIR.value or folder)
        else:
            key = (*key, *self.accused)
        digest = reproducibility.fingerprint(
            self.data,
            FORMAT,
            attacker_protocol()._asdict(),
            flags.ATTACKER_WIDTH.value,
            flags.ATTACKER_VIEWS.value,
            flags.ATTACKER_WEIGHTS.value,
            training_flags.PRECISION.value,
            *key,
        )
        return str(folder / side / f"{name}-{digest}.json")

    def tell(self, what, found):
        """Says a figure, and returns it."""
        epochs = f" after {found['epochs']} epochs" if "epochs" in found else ""
        self.say(
            f"{found['name']} {what}: A_B {results.value(found):.3f}{epochs}"
        )
        if "inferred_accuracy" in found and two_step.stale(
            found["training_accuracy"], found["inferred_accuracy"]
        ):
            self.say(
                f"warning: {found['name']} knows its training clips only while "
                "it trains on them: its batch statistics are stale, and f_A "
                "not what fools it. Raise --attacker_steps or "
                "--attacker_batch_size."
            )
        return found


def retrained(court, side, splits, kind=None, key=()):
    """Each of `--attackers`, trained on what it is tested on (Sec. 3.6).

    Args:
        court: `Court`.
        side: `"raw"` or `"anonymized"`.
        splits: Dict of `train`, `validation` and `test`.
        kind: String, how to name it where it is not the paper's attack.
        key: What else the figures depend on.

    Returns:
        List of what `two_step.attack` returns.
    """
    found = []
    protocol = attacker_protocol()
    for i, name in enumerate(flags.ATTACKERS.value):
        record = court.record(side, name, *key, _seed(i))
        what = f"on {kind or side} clips"
        with console.watch(f"{name} {what}", protocol.steps) as watch:
            attack = two_step.attack(
                name,
                _builder(court, i, name),
                splits,
                court.data.attacker_task,
                protocol,
                seed=_seed(i),
                record=record,
                weights=_weights(record)
                if side == "raw" and _reused()
                else None,
                callbacks=[watch],
            )
        found.append(court.tell(what, attack))
    return found


def _seed(i):
    return 1000 * data_flags.SEED.value + i


def _reused():
    """Whether an attack needs attackers that were trained on raw clips."""
    return {"static", "inversion"} & set(flags.ATTACKS.value)


def _weights(record):
    return record.replace(".json", ".weights.h5")


def _builder(court, i, name):
    return functools.partial(_build, name, court.data, _seed(i))


def _build(name, data, seed):
    keras.utils.set_random_seed(seed)
    return attackers.build(
        name,
        len(data.labels["budget_labels"]),
        data.clip_shape[1:],
        flags.ATTACKER_WIDTH.value,
        flags.ATTACKER_WEIGHTS.value,
    )


def _static(court, budget, anonymizer):
    return [
        court.tell("trained on raw clips", found)
        for found in _raw_trained(court, budget["anonymized"]["test"], "static")
    ]


def _raw_trained(court, test, kind, *key):
    """What attackers that were trained on raw clips find in others."""
    return [
        {
            "attack": kind,
            **attacks.static(
                name,
                _builder(court, i, name),
                _weights(court.record("raw", name, _seed(i))),
                test,
                flags.ATTACKER_BATCH_SIZE.value,
                record=court.record(kind, name, _seed(i), *key),
            ),
        }
        for i, name in enumerate(flags.ATTACKERS.value)
    ]


def _video(court, budget, anonymizer):
    """A 3D network over the clip, where the paper's average its frames."""

    def build():
        keras.utils.set_random_seed(_seed(0))
        return build_video_network(court.data, "budget_labels")

    found = []
    for side in ("raw", "anonymized"):
        protocol = video_protocol()
        record = court.record(
            side, "video", training_flags.TARGET_WIDTH.value, protocol
        )
        with console.watch(f"c3d on {side} clips", protocol.steps) as watch:
            attack = two_step.attack(
                "c3d",
                build,
                budget[side],
                court.data.attacker_task,
                protocol,
                seed=_seed(0),
                record=record,
                callbacks=[watch],
            )
        kind = "video" if side == "anonymized" else results.RAW_VIDEO
        found.append({"attack": kind, **court.tell(f"on {side} clips", attack)})
    return found


def _few_labels(court, budget, anonymizer):
    found = []
    splits = budget["anonymized"]
    for share in map(float, flags.LABEL_SHARES.value):
        # Two shares of few videos can be the same videos: one record of both.
        videos = attacks.few_videos(
            splits["train"], share, data_flags.SEED.value
        )
        few = {**splits, "train": attacks.of_videos(splits["train"], videos)}
        kind = f"{share:g} of the labels"
        found += [
            {"attack": kind, **attack}
            for attack in retrained(
                court, "anonymized", few, f"anonymized ({kind})", videos
            )
        ]
    return found


def _inversion(court, budget, anonymizer):
    settings = (
        *(flags.INVERSION_STEPS.value, flags.INVERSION_WIDTH.value),
        data_flags.BATCH_SIZE.value,
    )

    def run():
        # As the cuts of the other attackers were made: of these, detections
        # are kept.
        reproducibility.seed_everything("attackers")
        shards = court.data.budget
        size = 2 * shards.view_count() * shards.clip_bytes()
        pairs = inversion.pairs(
            shards.views("attackers"), anonymizer, keep=size <= IN_MEMORY
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
            *_raw_trained(court, rebuilt, "inversion", *settings),
        ]

    # The record names the attackers too: it holds what they found.
    record = court.record("inversion", "unet", *settings, flags.ATTACKERS.value)
    likeness, *found = two_step.once(record, run)
    return [
        likeness,
        *(court.tell("on reconstructed clips", attack) for attack in found),
    ]


ATTACKS = {
    "static": _static,
    "video": _video,
    "inversion": _inversion,
    "few_labels": _few_labels,
}


def attacker_protocol():
    """How `--attacker_*` train an attacker."""
    flags = evaluation_flags
    return Protocol(
        steps=flags.ATTACKER_STEPS.value,
        steps_per_epoch=flags.ATTACKER_STEPS_PER_EPOCH.value,
        patience=flags.ATTACKER_PATIENCE.value,
        learning_rate=flags.ATTACKER_LEARNING_RATE.value,
        batch_size=flags.ATTACKER_BATCH_SIZE.value,
        frames=flags.ATTACKER_FRAMES.value,
    )


def video_protocol():
    """How f_T is trained on raw clips, and the attacker that is its like."""
    return attacker_protocol()._replace(
        steps=evaluation_flags.RAW_TARGET_STEPS.value,
        frames=data_flags.FRAMES.value,
        batch_size=data_flags.BATCH_SIZE.value,
        learning_rate=training_flags.WARM_UP_TARGET_LEARNING_RATE.value,
    )


def build_video_network(data, party):
    """Returns an untrained C3D for the labels of `party`."""
    return c3d.build(
        len(data.labels[party]),
        training_flags.TARGET_WIDTH.value,
        data.clip_shape,
    )
