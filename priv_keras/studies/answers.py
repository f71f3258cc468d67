"""Scores the answers of a human study."""

import json

import numpy as np

from priv_keras.studies import questionnaire
from priv_keras.studies.questionnaire import Question


def read_answers(text, key, name):
    """Reads a file of answers that a participant saved.

    Args:
        text: String, the content of the file.
        key: Dict, the key of the study.
        name: String or path, what to call the file in an error.

    Returns:
        The participant's code, and a dict of the answers: clip to a dict of
        question to option.

    Raises:
        ValueError: If it is not a file of answers to this study.
    """

    def refuse(why):
        raise ValueError(
            f"{name} {why}. Give the files that the page of this study saved, "
            "as they are."
        )

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        refuse("is not JSON")
    parts = {"study", "participant", "answers"}
    if not isinstance(found, dict) or found.keys() != parts:
        refuse("has no study, participant and answers")
    if found["study"] != key["study"]:
        refuse(f"answers study {found['study']!r} and not {key['study']!r}")
    code = found["participant"]
    if not isinstance(code, str) or not questionnaire.CODE.fullmatch(code):
        refuse(f"has no participant code, but {code!r}")
    if not isinstance(found["answers"], dict) or not found["answers"]:
        refuse("has no answers by clip")
    for clip, answers in found["answers"].items():
        if clip not in key["clips"]:
            refuse(f"answers clip {clip!r}, which is not in this study")
        _check(answers, key["clips"][clip]["truth"], key["questions"], refuse)
    return code, found["answers"]


def _check(answers, truth, asked, refuse):
    options = {question["name"]: question["options"] for question in asked}
    if not isinstance(answers, dict) or answers.keys() != truth.keys():
        refuse(f"has other questions than {sorted(truth)}: {answers!r}")
    for name, option in answers.items():
        if option not in options[name]:
            refuse(f"has {option!r} for {name!r}, which is not an option")


def score_answers(key, everybody, resamples=1000, seed=0):
    """Scores how often people were right, by condition and question.

    Args:
        key: Dict, the key of the study.
        everybody: Dict of a participant's code to the answers, as
            `read_answers` returns them.
        resamples: Int, the number of resamples of the bootstrap.
        seed: Int.

    Returns:
        List of dicts: `condition`, `question`, `answers` and `participants`
        (their numbers) and `unknown` (the share of "cannot tell"). A choice
        also has `accuracy`, which counts "cannot tell" as wrong; an attribute
        has `precision`, `recall` and `f1`, which count it as "no", and are
        `None` if they are not defined. `interval` is the 95 % interval of
        accuracy or F1, by bootstrap over participants and clips; it is `None`
        if there is only one participant, or no such figure.
    """
    asked = [Question(**question) for question in key["questions"]]
    rows = [
        (code, clip, question.name, answers[question.name])
        for code, clips in everybody.items()
        for clip, answers in clips.items()
        for question in asked
        if question.name in answers
    ]
    rng = np.random.default_rng(seed)
    found = []
    for condition in sorted({c["condition"] for c in key["clips"].values()}):
        for question in asked:
            mine = [
                (*row, key["clips"][row[1]]["truth"][question.name])
                for row in rows
                if row[2] == question.name
                and key["clips"][row[1]]["condition"] == condition
            ]
            if mine:
                figures = _figures(mine, question, resamples, rng)
                found.append({"condition": condition, **figures})
    return found


def _figures(rows, question, resamples, rng):
    people, clips, _, given, truth = map(np.array, zip(*rows, strict=True))
    measure = _attribute if question.is_attribute else _choice
    interval = None
    if len(np.unique(people)) > 1:
        weights = (
            _drawn(people, rng) * _drawn(clips, rng) for _ in range(resamples)
        )
        figures = (_main(measure(given, truth, each)) for each in weights)
        drawn = [figure for figure in figures if figure is not None]
        if drawn:
            interval = np.quantile(drawn, [0.025, 0.975]).tolist()
    return {
        "question": question.name,
        "answers": len(rows),
        "participants": len(np.unique(people)),
        "unknown": float(np.mean(given == questionnaire.UNKNOWN)),
        **measure(given, truth, np.ones(len(rows))),
        "interval": interval,
    }


def _drawn(groups, rng):
    """Draws how often the group of each row is in a resample of all groups."""
    names, index = np.unique(groups, return_inverse=True)
    return rng.multinomial(len(names), [1 / len(names)] * len(names))[index]


def _choice(given, truth, weights):
    total = weights.sum()
    hits = (weights * (given == truth)).sum()
    return {"accuracy": float(hits / total) if total else None}


def _attribute(given, truth, weights):
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(
        truth == questionnaire.YES,
        given == questionnaire.YES,
        average="binary",
        sample_weight=weights,
        zero_division=np.nan,
    )
    return {
        name: None if np.isnan(figure) else float(figure)
        for name, figure in zip(
            ("precision", "recall", "f1"), figures[:3], strict=True
        )
    }


def _main(figures):
    return figures["accuracy"] if "accuracy" in figures else figures["f1"]


def _shown(figure):
    return "none" if figure is None else f"{figure:.3f}"


def table(scores):
    """Yields scores as lines of text.

    Args:
        scores: List of dicts, as `score_answers` returns it.

    Yields:
        String.
    """
    yield f"{'condition':12}{'question':28}{'answers':>8}  figures"
    for found in scores:
        figures = ", ".join(
            f"{name} {_shown(found[name])}"
            for name in ("accuracy", "precision", "recall", "f1")
            if name in found
        )
        if found["interval"]:
            low, high = found["interval"]
            figures += f" [{low:.3f}, {high:.3f}]"
        yield (
            f"{found['condition']:12}{found['question']:28}"
            f"{found['answers']:8}  {figures}, cannot tell "
            f"{found['unknown']:.0%}"
        )
