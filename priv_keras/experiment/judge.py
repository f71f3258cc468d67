"""Step 2 of Sec. 3.6 for one run: its figures beside raw ones and chance.

Part of the programs: `train` ends with this, and `evaluate` does it.
"""

import json
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from absl import flags as absl_flags

from flags import data as data_flags
from flags import evaluation as flags
from flags import parsing
from flags import training as training_flags
from priv_keras import baselines
from priv_keras import files
from priv_keras import metrics
from priv_keras.baselines import obfuscate
from priv_keras.evaluation import admission
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.evaluation.judges import JUDGES
from priv_keras.experiment import attack
from priv_keras.experiment import attacked_clips
from priv_keras.experiment import console
from priv_keras.experiment import reproducibility
from priv_keras.experiment import result_files
from priv_keras.experiment import worth
from priv_keras.experiment.attack import Evaluation
from priv_keras.experiment.game import RawTarget
from priv_keras.experiment.game import load_game
from priv_keras.experiment.game import start_target
from priv_keras.experiment.game import target_form
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL
from priv_keras.runs import results
from priv_keras.runs.folder import RunFolder


class Candidate(NamedTuple):
    """What is judged."""

    method: str
    turns: int  # that f_A has played; 0 for a baseline
    # Takes and returns clips (batch, frames, height, width, 3) in [0, 1].
    anonymizer: Callable
    target: keras.Model | None  # f_T; `None` to train one on the output
    budgets: tuple = ()  # the f_B^i of the game


def trained(data, path):
    """Returns the `Candidate` of a checkpoint.

    Args:
        data: `data.Data`.
        path: `pathlib.Path` of the checkpoint.
    """
    game, turns = load_game(data, path)
    return Candidate(
        training_flags.METHOD.value,
        turns,
        PerFrame(game.anonymizer),
        game.target,
        tuple(game.budgets),
    )


def baseline(name, run_dir):
    """Returns the `Candidate` of a baseline, which keeps its detections.

    Args:
        name: String, the baseline.
        run_dir: Folder of the run, where detections are kept unless there is
            a `--shared_dir`.

    Raises:
        FileNotFoundError: If it needs a detector that is not installed.
    """
    shared = data_flags.SHARED_DIR.value or RunFolder(run_dir).evaluation
    built = baselines.build(
        name,
        cache=pathlib.Path(shared, "detections"),
        memory=attacked_clips.CLIP_MEMORY,
    )
    if isinstance(built, keras.Model):
        return Candidate(name, 0, PerFrame(built), None)
    return Candidate(name, 0, obfuscate.of_clips(built), None)


def judge_raw(data, run_dir, say):
    """Trains f_T and the attackers on raw clips, before there is any f_A.

    `judge` finds what they found.

    Args:
        data: `data.Data`.
        run_dir: Folder of the run.
        say: Callable that takes a line, such as `print`.

    Returns:
        `game.RawTarget`.

    Raises:
        ValueError: If there is nothing to keep or nothing to hide, see `worth`.
    """
    evaluation = begin(data, run_dir, (), say)
    target, budget = attacked_clips.raw_sides(data)
    read, weights = _fresh_target(evaluation, "raw", target)
    worth.check_actions(read, _chance(target["test"], "actions"), say)
    worth.check_private(
        attack.retrained(evaluation, {"raw": budget})["raw"],
        _chance(budget["test"], "budget_labels"),
        say,
    )
    return RawTarget(read["validation_accuracy"], weights)


def begin(data, run_dir, candidate, say):
    """Returns the `Evaluation` of a run, and sets precision and seeds for it.

    Args:
        data, run_dir, say: See `judge`.
        candidate: See `Evaluation`.
    """
    # For a baseline, no game has set the policy.
    keras.mixed_precision.set_global_policy(training_flags.PRECISION.value)
    # The cuts of clips depend on the global seed, which a game has changed.
    reproducibility.seed_everything("attackers")
    return Evaluation(data, RunFolder(run_dir).evaluation, candidate, say)


def judge(candidate, data, run_dir, say):
    """Attacks f_A with fresh attackers, and raw clips with the same ones.

    What an attacker finds is kept below `run_dir/evaluation`, so that a killed
    evaluation continues where it stopped. Writes `result.json` and, with
    `--pictures`, `before_after.png` and `.webp`.

    Args:
        candidate: `Candidate`.
        data: `data.Data`.
        run_dir: Folder of the run.
        say: Callable that takes a line, such as `print`.

    Returns:
        Dict, the content of `result.json`.
    """
    named = (candidate.method, candidate.turns)
    evaluation = begin(data, run_dir, named, say)
    # Without an attacker that counts, no earlier figure may stay.
    RunFolder(run_dir).result.unlink(missing_ok=True)
    with attacked_clips.cache(evaluation.folder / "cache") as cache:
        result = _attacked(evaluation, candidate, cache)
    if training_flags.PICTURES.value:
        result_files.draw(candidate, data, pathlib.Path(run_dir))
    result_files.write_tensorboard(result, data, run_dir)
    result = result_files.without_detail(result)
    text = json.dumps(result, indent=1) + "\n"
    files.write(RunFolder(run_dir).result, text)
    return result


def _ensemble(attackers, say):
    """Returns the attack of all networks that count together, if there are
    several: a list of it, or of nothing."""
    networks = [
        found
        for found in results.admitted(attackers)
        if not found["name"].startswith(results.FLOOR)
    ]
    if len(networks) < 2:
        return []
    found = scores.ensemble(networks)
    say(f"{found['name']} together: A_B {results.value(found):.3f}")
    return [{"attack": "ensemble", **found}]


def settings(candidate):
    """Returns what a result says of the run and of how it is judged.

    Args:
        candidate: `Candidate`.
    """
    return {
        "dataset": data_flags.DATASET.value,
        "test_dataset": data_flags.TEST_DATASET.value,
        "method": candidate.method,
        "scale": data_flags.SCALE.value,
        "judge": flags.JUDGE.value,
        "seed": data_flags.SEED.value,
        "turns": candidate.turns,
        "judging": parsing.serialize(
            absl_flags.FLAGS, package="flags.evaluation"
        ),
    }


def _attacked(evaluation, candidate, cache):
    """Returns the content of `result.json`, and the details for TensorBoard."""
    target, budget = attacked_clips.both_sides(
        evaluation.data, candidate, cache
    )
    attacked = attack.retrained(evaluation, budget)
    failed = _failures(attacked)
    for found in attacked["anonymized"]:
        if found["name"] in failed:
            found["failed"] = failed[found["name"]]
            evaluation.say(f"{found['name']} {found['failed']}: not counted")
    return {
        **settings(candidate),
        "budget_labels": evaluation.data.labels["budget_labels"],
        "raw": {
            "attackers": attacked["raw"],
            "strongest": scores.strongest(attacked["raw"]),
            "target": _fresh_target(evaluation, "raw", target["raw"])[0],
        },
        "anonymized": {
            "attackers": attacked["anonymized"],
            "strongest": scores.strongest(
                results.admitted(attacked["anonymized"])
            ),
            "target": _target(
                evaluation, candidate.target, target["anonymized"]
            ),
        },
        "attacks": [
            *_ensemble(attacked["anonymized"], evaluation.say),
            *(
                found
                for kind in _kinds()
                for found in attack.ATTACKS[kind](evaluation, budget, candidate)
            ),
        ],
        "untouched": _untouched(budget),
        "chance": {
            "actions": _chance(target["raw"]["test"], "actions"),
            "budget_labels": _chance(budget["raw"]["test"], "budget_labels"),
        },
    }


def _kinds():
    """Returns the kinds of attack to make besides `retrained`."""
    kinds = (*flags.ATTACKS.value, *JUDGES[flags.JUDGE.value].attacks)
    return [kind for kind in dict.fromkeys(kinds) if kind != "retrained"]


def _failures(attacked):
    if not JUDGES[flags.JUDGE.value].admits:
        return {}
    return admission.failures(attacked["raw"], attacked["anonymized"])


def _chance(dataset, label):
    """Returns the score of a guess that never looks at a clip.

    For attributes, it is the mean prevalence of those that some clip shows,
    which are the ones that cMAP counts.
    """
    labels = np.array([example[label].numpy() for example in dataset])
    if labels.ndim == 2:
        prevalence = metrics.prevalence(labels)
        return {"majority": float(prevalence[prevalence > 0].mean())}
    return metrics.chance(labels)


def _untouched(splits):
    """Returns the share of test frames that f_A leaves as they are, in 8 bits.

    In these, a baseline found nothing to cover.
    """
    same = [
        (one["clips"].numpy() == other["clips"].numpy()).all(axis=(1, 2, 3))
        for one, other in zip(
            splits["raw"]["test"], splits["anonymized"]["test"], strict=True
        )
    ]
    return float(np.concatenate(same).mean())


def _target(evaluation, target, splits):
    """Scores how well f_T recognises actions in the output of f_A."""
    if target is None:
        return _fresh_target(evaluation, "anonymized", splits)[0]
    batch_size = data_flags.BATCH_SIZE.value
    return scores.score(target, scores.tested(splits), "actions", batch_size)


def _fresh_target(evaluation, side, splits):
    """Trains and scores a fresh f_T on raw or anonymized clips.

    Returns:
        What was found, a dict, and the path of its weights, which are kept on
        raw clips alone.
    """
    protocol = attack.on_raw_clips(attack.video_protocol())

    def run():
        reproducibility.seed_everything("raw")
        model = start_target(evaluation.data)
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
        if weights:
            two_step.keep(model, weights)
        scored = scores.score(
            model, scores.tested(splits), "actions", protocol.batch_size
        )
        return {**scored, **fitted}

    key = (target_form(), training_flags.TARGET_WEIGHTS.value, protocol)
    record = evaluation.record(side, "target", *key)
    weights = attack.weights_of(record) if side == "raw" else None
    found = two_step.once(record, run, weights)
    evaluation.say(f"f_T on {side} clips: A_T {results.value(found):.3f}")
    return found, weights
