"""The human study of Appendix E: a page that asks, and what answers are worth.

People are shown clips and asked for the action and for what is private. The
page holds no truth: that is in the key, by clip.
"""

import base64
import hashlib
import importlib.resources
import io
import json
import random
import re
from typing import NamedTuple

import numpy as np

UNKNOWN = "cannot tell"
YES, NO = "yes", "no"
ACTION = "action"
CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Question(NamedTuple):
    """What is asked of a clip."""

    name: str
    text: str
    options: list

    @property
    def is_attribute(self):
        return self.options == [YES, NO, UNKNOWN]


class Item(NamedTuple):
    """A clip of a study."""

    frames: np.ndarray  # uint8 (frames, height, width, 3), as it is shown
    condition: str  # "raw" or "anonymized"
    truth: dict  # question's name to the right option


def questions(actions, budget_labels, multi_label):
    """What a study asks.

    Args:
        actions: Names of actions.
        budget_labels: Names of identities, or of attributes.
        multi_label: Bool, whether they are attributes.

    Returns:
        List of `Question`.
    """
    asked = [
        Question(ACTION, "What are they doing?", [*actions, UNKNOWN]),
    ]
    if multi_label:
        return asked + [
            Question(name, f"Does it show: {name}?", [YES, NO, UNKNOWN])
            for name in budget_labels
        ]
    return [
        *asked,
        Question("identity", "Who is it?", [*budget_labels, UNKNOWN]),
    ]


def truth_of(asked, action=None, budget_labels=None):
    """The right options for a clip, of the questions it has labels for.

    Args:
        asked: List of `Question`.
        action: Int, or `None`.
        budget_labels: Int, or 0 and 1 `(attributes,)`; -1 where nobody knows;
            or `None`.

    Returns:
        Dict of question's name to option.
    """
    first, *private = asked
    truth = {} if action is None else {first.name: first.options[int(action)]}
    if budget_labels is None:
        return truth
    if not private[0].is_attribute:
        (identity,) = private
        return truth | {identity.name: identity.options[int(budget_labels)]}
    return truth | {
        question.name: YES if label else NO
        for question, label in zip(private, budget_labels, strict=True)
        if label >= 0
    }


def spread(classes, count, seed):
    """Places of `count` clips, spread over the classes as evenly as they go.

    Args:
        classes: Ints `(clips,)`.
        count: Int, at most `len(classes)`; where it is more, all are taken.
        seed: Int.

    Returns:
        Sorted list of ints.
    """
    rng = np.random.default_rng(seed)
    classes = np.asarray(classes)
    rounds = np.zeros(len(classes))
    for name in np.unique(classes):
        places = np.flatnonzero(classes == name)
        rounds[places] = rng.permutation(len(places))
    by_round = np.lexsort((rng.random(len(classes)), rounds))
    return sorted(int(place) for place in by_round[:count])


def assign(videos, conditions, seed):
    """Gives each video one condition, so that nobody sees it both ways.

    Args:
        videos: Names of videos, a name as often as it is shown.
        conditions: List of conditions, which take turns.
        seed: Int.

    Returns:
        Dict of video to condition.
    """
    names = list(dict.fromkeys(videos))
    random.Random(seed).shuffle(names)
    return {
        name: conditions[turn % len(conditions)]
        for turn, name in enumerate(names)
    }


def about(items):
    """What the owner of a study has to know about its files, as text."""
    raw = sum(item.condition == "raw" for item in items)
    footage = (
        f"{raw} of its {len(items)} clips are RAW FOOTAGE, which nothing has\n"
        "anonymized: show the page only to people who may see that."
        if raw
        else f"All of its {len(items)} clips are anonymized."
    )
    return (
        f"index.html  The page for participants. {footage}\n"
        "key.json    The right answers. Keep it away from participants.\n"
    )


def build(items, asked, seed):
    """Makes a study.

    Args:
        items: List of `Item`.
        asked: List of `Question`.
        seed: Int, of the clips' names and order.

    Returns:
        Strings: the page as HTML, and the key as JSON.
    """
    import jinja2

    rng = random.Random(seed)
    names = [f"{rng.getrandbits(64):016x}" for _ in items]
    shown = [
        {"id": name, "uri": _uri(item.frames), "asks": list(item.truth)}
        for name, item in zip(names, items, strict=True)
    ]
    rng.shuffle(shown)
    digest = hashlib.sha256(json.dumps([shown, asked]).encode())
    study = digest.hexdigest()[:16]
    template = importlib.resources.files("priv_keras") / "study.html"
    environment = jinja2.Environment(autoescape=True)
    page = environment.from_string(template.read_text()).render(
        study=study,
        clips=len(shown),
        items=shown,
        questions=[question._asdict() for question in asked],
    )
    key = {
        "study": study,
        "questions": [question._asdict() for question in asked],
        "clips": {
            name: {"condition": item.condition, "truth": item.truth}
            for name, item in zip(names, items, strict=True)
        },
    }
    return page, json.dumps(key, indent=1)


def _uri(frames):
    # Here, so that scoring does not wait for TensorFlow.
    from priv_keras import video

    file = io.BytesIO()
    video.write_loop(frames, file)
    data = base64.b64encode(file.getvalue()).decode()
    return f"data:image/webp;base64,{data}"


def read_answers(text, key, name):
    """Reads what a participant saved.

    Args:
        text: String, the file's content.
        key: Dict, the study's key.
        name: What to call the file in an error.

    Returns:
        The participant's code, and the answers: clip to question to option.

    Raises:
        ValueError: If it is no file of answers, or of another study.
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
    if not isinstance(found, dict) or found.keys() != {
        *("study", "participant", "answers")
    }:
        refuse("has no study, participant and answers")
    if found["study"] != key["study"]:
        refuse(f"answers study {found['study']!r} and not {key['study']!r}")
    code = found["participant"]
    if not isinstance(code, str) or not CODE.fullmatch(code):
        refuse(f"has no participant code, but {code!r}")
    if not isinstance(found["answers"], dict) or not found["answers"]:
        refuse("has no answers by clip")
    for clip, answers in found["answers"].items():
        if clip not in key["clips"]:
            refuse(f"answers clip {clip!r}, which this study has not")
        _check(answers, key["clips"][clip]["truth"], key["questions"], refuse)
    return code, found["answers"]


def _check(answers, truth, asked, refuse):
    options = {question["name"]: question["options"] for question in asked}
    if not isinstance(answers, dict) or answers.keys() != truth.keys():
        refuse(f"has other questions than {sorted(truth)}: {answers!r}")
    for name, option in answers.items():
        if option not in options[name]:
            refuse(f"has {option!r} for {name!r}, which is no option")


def score(key, everybody, resamples=1000, seed=0):
    """What people could tell, by condition and question.

    Args:
        key: Dict, the study's key.
        everybody: Dict of participant's code to answers, as `read_answers`
            returns them.
        resamples: Int, of the bootstrap.
        seed: Int.

    Returns:
        List of dicts: `condition`, `question`, `answers` (how many),
        `participants`, `unknown` (the share of "cannot tell"), and of a choice
        `accuracy`, for which "cannot tell" is wrong, of an attribute
        `precision`, `recall` and `f1`, for which it is "no"; each is `None`
        where nothing can be found or nobody said so. `interval` is of accuracy
        or F1, at 95 %, by bootstrap over participants and over clips; `None`
        of a single participant, or where there is no such figure.
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
    people, clips, _, said, truth = map(np.array, zip(*rows, strict=True))
    measure = _attribute if question.is_attribute else _choice
    interval = None
    if len(np.unique(people)) > 1:
        weights = (
            _drawn(people, rng) * _drawn(clips, rng) for _ in range(resamples)
        )
        figures = (_main(measure(said, truth, each)) for each in weights)
        drawn = [figure for figure in figures if figure is not None]
        if drawn:
            interval = np.quantile(drawn, [0.025, 0.975]).tolist()
    return {
        "question": question.name,
        "answers": len(rows),
        "participants": len(np.unique(people)),
        "unknown": float(np.mean(said == UNKNOWN)),
        **measure(said, truth, np.ones(len(rows))),
        "interval": interval,
    }


def _drawn(groups, rng):
    """How often the group of each row is in a resample of all groups."""
    names, place = np.unique(groups, return_inverse=True)
    return rng.multinomial(len(names), [1 / len(names)] * len(names))[place]


def _choice(said, truth, weights):
    total = weights.sum()
    hits = (weights * (said == truth)).sum()
    return {"accuracy": float(hits / total) if total else None}


def _attribute(said, truth, weights):
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(
        truth == YES,
        said == YES,
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
    """Scores as lines of text."""
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
