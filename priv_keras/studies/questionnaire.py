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
    # Here, so that scoring does not wait for TensorFlow.
    from priv_keras import pixels

    file = io.BytesIO()
    pixels.write_loop(frames, file)
    data = base64.b64encode(file.getvalue()).decode()
    return f"data:image/webp;base64,{data}"
