"""The page and the key of a human study (Appendix E).

People are shown clips and asked for the action and for private facts. The page
does not contain the right answers; the key has them for each clip.
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
    """A question about a clip."""

    name: str
    text: str
    options: list

    @property
    def is_attribute(self):
        """Whether the question asks for an attribute: yes or no."""
        return self.options == [YES, NO, UNKNOWN]


class Item(NamedTuple):
    """A clip of a study."""

    frames: np.ndarray  # uint8 (frames, height, width, 3), as they are shown
    condition: str  # "raw" or "anonymized"
    truth: dict  # name of a question to the right option


def questions(actions, budget_labels, multi_label):
    """Returns the questions of a study.

    Args:
        actions: Names of actions.
        budget_labels: Names of identities or of attributes.
        multi_label: Bool, whether `budget_labels` are attributes.

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
    """Returns the right options of the questions that a clip has labels for.

    Args:
        asked: List of `Question`, as `questions` returns it.
        action: Int, or `None` if the clip has no such label.
        budget_labels: Int, or ints `(attributes,)` with 1 for present, 0 for
            absent and -1 for unknown, or `None` if the clip has no such label.

    Returns:
        Dict of the name of a question to an option.
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
    """Chooses `count` clips, spread over the classes as evenly as possible.

    Args:
        classes: Ints `(clips,)`, the class of each clip.
        count: Int; if there are fewer clips, all are chosen.
        seed: Int.

    Returns:
        Sorted list of ints, the indices of the chosen clips.
    """
    rng = np.random.default_rng(seed)
    classes = np.asarray(classes)
    rounds = np.zeros(len(classes))
    for name in np.unique(classes):
        members = np.flatnonzero(classes == name)
        rounds[members] = rng.permutation(len(members))
    by_round = np.lexsort((rng.random(len(classes)), rounds))
    return sorted(int(index) for index in by_round[:count])


def assign(videos, conditions, seed):
    """Gives each video one condition, so that nobody sees it both ways.

    Args:
        videos: Names of videos, which may be repeated.
        conditions: List of conditions, which take turns.
        seed: Int.

    Returns:
        Dict of the name of a video to its condition.
    """
    names = list(dict.fromkeys(videos))
    random.Random(seed).shuffle(names)
    return {
        name: conditions[turn % len(conditions)]
        for turn, name in enumerate(names)
    }


def about(items):
    """Returns what the owner of a study has to know about its files.

    Args:
        items: List of `Item`.

    Returns:
        String, the content of `README.txt`.
    """
    raw = sum(item.condition == "raw" for item in items)
    warning = (
        f"{raw} of its {len(items)} clips are RAW FOOTAGE, which nothing has\n"
        "anonymized: show the page only to people who may see that."
        if raw
        else f"All of its {len(items)} clips are anonymized."
    )
    return (
        f"index.html  The page for participants. {warning}\n"
        "key.json    The right answers. Keep it away from participants.\n"
    )


def build(items, asked, seed):
    """Builds the page and the key of a study.

    Args:
        items: List of `Item`.
        asked: List of `Question`.
        seed: Int, which determines the names and the order of the clips.

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
    template = importlib.resources.files("priv_keras.studies") / "study.html"
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
    # In here, so that scoring does not wait for TensorFlow.
    from priv_keras import pixels

    file = io.BytesIO()
    pixels.write_loop(frames, file)
    data = base64.b64encode(file.getvalue()).decode()
    return f"data:image/webp;base64,{data}"
