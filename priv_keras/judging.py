"""Step 2 of Sec. 3.6 for one run: its figures beside raw ones and chance.

Part of the programs: what `train` ends with and `evaluate` does.
"""

import contextlib
import functools
import json
import pathlib
import shutil
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from absl import flags as absl_flags

from flags import data as data_flags
from flags import evaluation as flags
from flags import parsing
from flags import training as training_flags
from priv_keras import attacking
from priv_keras import baselines
from priv_keras import board
from priv_keras import card
from priv_keras import console
from priv_keras import experiment
from priv_keras import figures as drawings
from priv_keras import files
from priv_keras import metrics
from priv_keras import video
from priv_keras.attacking import Court
from priv_keras.baselines import obfuscate
from priv_keras.evaluation import two_step
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL

SPLITS = ("train", "validation", "test")
# Frames of a clip that covers outlast a detection by: one that is missed does
# not leak. No more, because they may be spread over a whole video.
CLIP_MEMORY = 1


class Accused(NamedTuple):
    """What is judged."""

    method: str
    turns: int  # that f_A played to, 0 for a baseline
    # Of clips (batch, frames, height, width, 3) in [0, 1], to the same.
    anonymizer: Callable
    target: keras.Model | None  # f_T; `None` to train one on its output


def trained(data, path):
    """The `Accused` of a checkpoint."""
    game, turns = experiment.load_game(data, path)
    method = training_flags.METHOD.value
    return Accused(method, turns, PerFrame(game.anonymizer), game.target)


def baseline(name, run_dir):
    """The `Accused` of a name, in whose run detections are kept.

    Raises:
        FileNotFoundError: If it needs a detector that is not installed.
    """
    shared = data_flags.SHARED_DIR.value or pathlib.Path(run_dir, "evaluation")
    built = baselines.build(
        name, cache=pathlib.Path(shared, "detections"), memory=CLIP_MEMORY
    )
    if isinstance(built, keras.Model):
        return Accused(name, 0, PerFrame(built), None)
    return Accused(name, 0, obfuscate.of_clips(built), None)


def judge(accused, data, run_dir, say):
    """Attacks f_A with fresh attackers, and raw clips with the same ones.

    What an attacker found is kept below `run_dir/evaluation`, so that a killed
    evaluation goes on where it was. Writes `result.json` and, with
    `--pictures`, `before_after.png` and `.webp`.

    Args:
        accused: `Accused`.
        data: `data.Data`.
        run_dir: Folder of the run.
        say: Callable of a string, as `print`.

    Returns:
        Dict, what `result.json` holds.
    """
    # Of baselines too, who have no game that sets it.
    keras.mixed_precision.set_global_policy(training_flags.PRECISION.value)
    # Cuts of clips depend on the global seed too, and a game has left another.
    experiment.seed_everything("attackers")
    folder = pathlib.Path(run_dir, "evaluation")
    court = Court(data, folder, (accused.method, accused.turns), say)
    with _cache(folder / "cache") as cache:
        result = _attacked(court, accused, cache)
    if training_flags.PICTURES.value:
        _draw(accused, data, pathlib.Path(run_dir))
    _write_board(result, data, run_dir)
    result = _without_detail(result)
    text = json.dumps(result, indent=1) + "\n"
    files.write(pathlib.Path(run_dir, "result.json"), text)
    return result


@contextlib.contextmanager
def _cache(folder):
    """A place for what is filtered, gone once all attackers have read it."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _attacked(court, accused, cache):
    """All that `result.json` holds."""
    target, budget = _both_sides(court.data, accused, cache)
    return {
        "dataset": data_flags.DATASET.value,
        "test_dataset": data_flags.TEST_DATASET.value,
        "method": accused.method,
        "scale": data_flags.SCALE.value,
        "seed": data_flags.SEED.value,
        "turns": accused.turns,
        "judging": parsing.serialize(
            absl_flags.FLAGS, package="flags.evaluation"
        ),
        "budget_labels": court.data.labels["budget_labels"],
        "raw": {
            "attackers": attacking.retrained(court, "raw", budget["raw"]),
            "target": _fresh_target(court, "raw", target["raw"]),
        },
        "anonymized": {
            "attackers": attacking.retrained(
                court, "anonymized", budget["anonymized"]
            ),
            "target": _target(court, accused.target, target["anonymized"]),
        },
        "attacks": [
            found
            for kind in flags.ATTACKS.value
            if kind != "retrained"
            for found in attacking.ATTACKS[kind](
                court, budget, accused.anonymizer
            )
        ],
        "untouched": _untouched(budget),
        "chance": {
            "actions": _chance(target["raw"]["test"], "actions"),
            "budget_labels": _chance(budget["raw"]["test"], "budget_labels"),
        },
    }


def _without_detail(found):
    """What is told of a score, without what is drawn of it."""
    if isinstance(found, dict):
        return {
            name: _without_detail(value)
            for name, value in found.items()
            if name != "detail"
        }
    if isinstance(found, list):
        return [_without_detail(value) for value in found]
    return found


def _write_board(result, data, run_dir):
    chosen = (
        *(data_flags.DATASET, data_flags.BUDGET_DATASET, data_flags.SCALE),
        *(data_flags.SEED, training_flags.GAMMA, training_flags.BUDGETS),
        *(training_flags.RESTART_EVERY, training_flags.ANONYMIZER),
        *(training_flags.MAX_ITER, training_flags.PRECISION),
        *(training_flags.TARGET_THRESHOLD, training_flags.BUDGET_THRESHOLD),
        training_flags.ANONYMIZER_LEARNING_RATE,
        training_flags.TARGET_LEARNING_RATE,
        training_flags.BUDGET_LEARNING_RATE,
    )
    settings = {flag.name: _setting(flag.value) for flag in chosen}
    figures, details = {}, {}
    for side in ("raw", "anonymized"):
        target = result[side]["target"]
        strongest = two_step.strongest(result[side]["attackers"])
        figures |= {
            f"{side}/A_T": two_step.figure(target),
            f"{side}/A_B": two_step.figure(strongest),
        }
        details |= {
            f"{side}/actions": (target["detail"], "actions"),
            f"{side}/private": (strongest["detail"], "budget_labels"),
        }
    with board.result_writer(run_dir, result["turns"]):
        board.write_result({"method": result["method"], **settings}, figures)
        for name, (detail, party) in details.items():
            _write_detail(name, detail, data.labels[party])


def _write_detail(name, detail, classes):
    if "confusion" in detail:
        drawn = drawings.confusion(detail["confusion"], classes, name)
        board.write_figure(f"confusion/{name}", drawn)
    else:
        board.write_curves(
            f"precision_recall/{name}", detail["counts"], classes
        )


def _setting(value):
    """A flag's value as the HParams tab takes it."""
    if isinstance(value, list):
        return ",".join(value)
    return "none" if value is None else value


def _draw(accused, data, run_dir):
    """Writes `before_after.png` and `before_after.webp`, which moves: raw
    validation clips above what f_A makes of them."""
    before = experiment.pictured_clips(data)
    after = np.array(accused.anonymizer(tf.constant(before)))
    sheets = [
        video.sheet({"raw": before[:, i], "anonymized": after[:, i]})
        for i in range(before.shape[1])
    ]
    video.write_png(sheets[len(sheets) // 2], run_dir / "before_after.png")
    video.write_loop(sheets, run_dir / "before_after.webp")


def _both_sides(data, accused, cache):
    """What f_T and what attackers meet, once where they are the same."""
    if data.tested_budget is data.tested_target:
        both = _sides(data.target, data.target, accused, cache)
        return both, both
    # Of f_T's own videos f_A has to filter more only to train an f_T on them.
    needed = ("test",) if accused.target else SPLITS
    target, budget = cache / "target", cache / "budget"
    return (
        _sides(data.target, data.tested_target, accused, target, needed),
        _sides(data.budget, data.tested_budget, accused, budget),
    )


def _sides(trained, tested, accused, cache, filtered=SPLITS):
    """The splits that attackers meet, raw and as f_A leaves them."""
    clips = {
        "train": trained.views("attackers"),
        "validation": trained.test_batches("validation", "attackers"),
        "test": tested.test_batches("test", "attackers"),
    }
    counts = {
        "train": trained.view_count(),
        "validation": trained.clip_count("validation"),
        "test": tested.clip_count("test"),
    }
    bytes_of = {split: trained.clip_bytes() for split in SPLITS}
    bytes_of["test"] = tested.clip_bytes()
    fits = {s: counts[s] * bytes_of[s] <= attacking.IN_MEMORY for s in SPLITS}
    # A baseline can leave frames as they are, and those are not for disks.
    on_disk = accused.target is not None

    def watched(work, split):
        return functools.partial(
            console.each, name=f"{work} {split} clips", total=counts[split]
        )

    return {
        "raw": {
            split: two_step.unfiltered(
                clips[split],
                keep=fits[split],
                watched=watched("decoding", split),
            )
            for split in SPLITS
        },
        "anonymized": {
            split: two_step.filtered(
                clips[split],
                accused.anonymizer,
                cache / split if on_disk else None,
                keep=fits[split],
                watched=watched("filtering", split),
            )
            for split in filtered
        },
    }


def _chance(dataset, label):
    """What is right without a look: of attributes, the mean prevalence of
    those that cMAP counts, which some clip shows."""
    labels = np.array([example[label].numpy() for example in dataset])
    if labels.ndim == 2:
        prevalence = metrics.prevalence(labels)
        return {"majority": float(prevalence[prevalence > 0].mean())}
    return metrics.chance(labels)


def _untouched(splits):
    """Share of the test frames that come out as they went in, 8-bit: where a
    baseline found nothing to cover."""
    same = [
        (one["clips"].numpy() == other["clips"].numpy()).all(axis=(1, 2, 3))
        for one, other in zip(
            splits["raw"]["test"], splits["anonymized"]["test"], strict=True
        )
    ]
    return float(np.concatenate(same).mean())


def _target(court, target, splits):
    """How well f_T reads actions off what f_A puts out."""
    if target is None:
        return _fresh_target(court, "anonymized", splits)
    batch_size = data_flags.BATCH_SIZE.value
    return two_step.score(target, splits["test"], "actions", batch_size)


def _fresh_target(court, side, splits):
    """f_T trained on clips as they are: raw, the utility there is to lose."""
    protocol = experiment.video_protocol()

    def run():
        experiment.seed_everything("raw")
        model = experiment.build_video_network(court.data, "actions")
        with console.watch(f"f_T on {side} clips", protocol.steps) as watch:
            fitted = two_step.train(
                model,
                splits,
                "actions",
                SINGLE_LABEL,
                protocol,
                seed=data_flags.SEED.value,
                callbacks=[watch],
            )
        scored = two_step.score(
            model, splits["test"], "actions", protocol.batch_size
        )
        return {**scored, **fitted}

    record = court.record(
        side, "target", training_flags.TARGET_WIDTH.value, protocol
    )
    found = two_step.once(record, run)
    court.say(f"f_T on {side} clips: A_T {two_step.figure(found):.3f}")
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
        ("anonymized", _name(result)),
    ):
        lines.append(
            f"{label:24}{_figure(result[side]['target']):22}"
            f"{_figure(strongest[side]):22}{strongest[side]['name']}"
        )
    lines.append(
        f"{'commonest label':24}{chance['actions']:<22.3f}"
        f"{chance['budget_labels']:.3f}"
    )
    if result["untouched"]:
        lines.append(
            f"Frames that it left as they are: {result['untouched']:.0%}"
        )
    lines.append("")
    lines.append(f"{'attacker':24}{'on raw clips':22}on anonymized clips")
    for raw, anonymized in zip(
        result["raw"]["attackers"],
        result["anonymized"]["attackers"],
        strict=True,
    ):
        lines.append(f"{raw['name']:24}{_figure(raw):22}{_figure(anonymized)}")
    if doubt := card.caveat(result["anonymized"]["attackers"]):
        lines.append(doubt)
    if result["attacks"]:
        lines += ["", f"{'other attacks':24}{'by':24}"]
        lines += [
            f"{found['attack']:24}{found['name']:24}{_figure(found)}"
            for found in result["attacks"]
        ]
    return "\n".join(lines)


def _name(result):
    turns = f", {result['turns']} turns" if result["turns"] else ""
    return f"{result['method']}{turns}"


def _figure(score):
    if "psnr" in score:
        return (
            f"PSNR {score['psnr']:.1f} dB, SSIM {score['ssim']:.2f} (f_A's own "
            f"output: {score['before']['psnr']:.1f} dB, "
            f"{score['before']['ssim']:.2f})"
        )
    low, high = score["interval"]
    return f"{two_step.figure(score):.3f} [{low:.3f}, {high:.3f}]"
