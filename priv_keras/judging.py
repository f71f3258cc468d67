"""Step 2 of Sec. 3.6 for one run: its figures beside raw ones and chance.

Part of the programs: what `train` ends with and `evaluate` does.
"""

import functools
import json
import os
import pathlib

import keras
import numpy as np

from flags import data as data_flags
from flags import evaluation as flags
from flags import training as training_flags
from priv_keras import experiment
from priv_keras import metrics
from priv_keras.evaluation import two_step
from priv_keras.losses import SINGLE_LABEL
from priv_keras.networks import attackers
from priv_keras.networks import c3d

SPLITS = ("train", "validation", "test")


def judge(game, turn, data, run_dir, say):
    """Attacks f_A with fresh attackers, and raw clips with the same ones.

    What an attacker found is kept below `run_dir/evaluation`, so that a killed
    evaluation goes on where it was. Writes `result.json`.

    Args:
        game: Trained game.
        turn: Int, the turns it played.
        data: `data.Data`.
        run_dir: Folder of the run.
        say: Callable of a string, as `print`.

    Returns:
        Dict, what `result.json` holds.
    """
    two_step.check_unseen(flags.ATTACKERS.value, training_flags.BUDGETS.value)
    folder = pathlib.Path(run_dir, "evaluation")
    target = _sides(
        data.target, data.tested_target, game.anonymizer, folder / "cache"
    )
    budget = target
    if data.tested_budget is not data.tested_target:
        budget = _sides(
            data.budget,
            data.tested_budget,
            game.anonymizer,
            folder / "cache_budget",
        )
    result = {
        "dataset": data_flags.DATASET.value,
        "test_dataset": data_flags.TEST_DATASET.value,
        "method": training_flags.METHOD.value,
        "scale": data_flags.SCALE.value,
        "seed": data_flags.SEED.value,
        "turns": turn,
        "raw": {
            "attackers": _attacks(
                "raw", budget["raw"], data, folder, None, say
            ),
            "target": _raw_target(target["raw"], data, folder, say),
        },
        "anonymized": {
            "attackers": _attacks(
                "anonymized", budget["anonymized"], data, folder, turn, say
            ),
            "target": two_step.score(
                game.target,
                target["anonymized"]["test"],
                "actions",
                data_flags.BATCH_SIZE.value,
            ),
        },
        "chance": {
            "actions": _chance(target["raw"]["test"], "actions"),
            "budget_labels": _chance(budget["raw"]["test"], "budget_labels"),
        },
    }
    _write(result, pathlib.Path(run_dir, "result.json"))
    return result


def _sides(trained, tested, anonymizer, cache):
    """All splits that attackers meet, raw and as f_A leaves them."""
    clips = {
        "train": trained.views("attackers"),
        "validation": trained.test_batches("validation", "attackers"),
        "test": tested.test_batches("test", "attackers"),
    }
    return {
        "raw": {split: two_step.unfiltered(clips[split]) for split in SPLITS},
        "anonymized": {
            split: two_step.filtered(clips[split], anonymizer, cache / split)
            for split in SPLITS
        },
    }


def _chance(dataset, label):
    """What is right without a look: of attributes, their mean prevalence."""
    labels = np.array([example[label].numpy() for example in dataset])
    if labels.ndim == 2:
        return {"majority": float(np.nanmean(metrics.prevalence(labels)))}
    return metrics.chance(labels)


def _write(result, path):
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(partial, path)


def _record(folder, side, name, data, *key):
    """A file for one figure, named by all that the figure depends on.

    So other shards, as of another fold, never show the figures of these. What
    is raw no method changes: runs of one `--shared_dir` share it.
    """
    if side == "raw":
        folder = pathlib.Path(data_flags.SHARED_DIR.value or folder)
    digest = experiment.fingerprint(
        data,
        experiment.attacker_protocol()._asdict(),
        flags.ATTACKER_WIDTH.value,
        flags.ATTACKER_VIEWS.value,
        training_flags.PRECISION.value,
        *key,
    )
    return folder / side / f"{name}-{digest}.json"


def _attacks(side, splits, data, folder, turn, say):
    results = []
    for i, name in enumerate(flags.ATTACKERS.value):
        seed = 1000 * data_flags.SEED.value + i
        found = two_step.attack(
            name,
            functools.partial(_attacker, name, data, seed),
            splits,
            data.budget_task,
            experiment.attacker_protocol(),
            seed=seed,
            record=str(_record(folder, side, name, data, turn, seed)),
        )
        say(
            f"{name} on {side} clips: A_B {two_step.figure(found):.3f} after "
            f"{found['epochs']} epochs"
        )
        results.append(found)
    return results


def _attacker(name, data, seed):
    keras.utils.set_random_seed(seed)
    return attackers.build(
        name,
        len(data.labels["budget_labels"]),
        data.clip_shape[1:],
        flags.ATTACKER_WIDTH.value,
    )


def _raw_target(splits, data, folder, say):
    """f_T trained on raw clips: the utility that there is to lose."""

    def run():
        experiment.seed_everything("raw")
        model = c3d.build(
            len(data.labels["actions"]),
            training_flags.TARGET_WIDTH.value,
            data.clip_shape,
        )
        protocol = experiment.attacker_protocol()._replace(
            steps=flags.RAW_TARGET_STEPS.value,
            frames=data_flags.FRAMES.value,
            batch_size=data_flags.BATCH_SIZE.value,
            learning_rate=training_flags.WARM_UP_TARGET_LEARNING_RATE.value,
        )
        fitted = two_step.train(
            model,
            splits,
            "actions",
            SINGLE_LABEL,
            protocol,
            seed=data_flags.SEED.value,
        )
        scored = two_step.score(
            model, splits["test"], "actions", data_flags.BATCH_SIZE.value
        )
        return {**scored, **fitted}

    settings = (
        flags.RAW_TARGET_STEPS.value,
        training_flags.TARGET_WIDTH.value,
        training_flags.WARM_UP_TARGET_LEARNING_RATE.value,
        data_flags.BATCH_SIZE.value,
    )
    record = _record(folder, "raw", "target", data, *settings)
    found = two_step.once(str(record), run)
    say(f"f_T on raw clips: A_T {two_step.figure(found):.3f}")
    return found


def table(result):
    """The trade-off of a run as text: each figure with its 95 % interval."""
    strongest = {
        side: two_step.strongest(result[side]["attackers"])
        for side in ("raw", "anonymized")
    }
    count = len(result["raw"]["attackers"])
    chance = {k: v["majority"] for k, v in result["chance"].items()}
    lines = [
        f"{'':24}{'A_T':22}A_B^{count}, the strongest of {count} attackers"
    ]
    for side, label in (
        ("raw", "raw clips"),
        ("anonymized", f"{result['method']}, {result['turns']} turns"),
    ):
        lines.append(
            f"{label:24}{_figure(result[side]['target']):22}"
            f"{_figure(strongest[side]):22}{strongest[side]['name']}"
        )
    lines.append(
        f"{'commonest label':24}{chance['actions']:<22.3f}"
        f"{chance['budget_labels']:.3f}"
    )
    lines.append("")
    lines.append(f"{'attacker':24}{'on raw clips':22}on anonymized clips")
    for raw, anonymized in zip(
        result["raw"]["attackers"],
        result["anonymized"]["attackers"],
        strict=True,
    ):
        lines.append(f"{raw['name']:24}{_figure(raw):22}{_figure(anonymized)}")
    return "\n".join(lines)


def _figure(score):
    low, high = score["interval"]
    return f"{two_step.figure(score):.3f} [{low:.3f}, {high:.3f}]"
