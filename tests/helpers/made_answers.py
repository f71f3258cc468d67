"""Answers of the participants of a human study."""

import json


def key_of(folder):
    return json.loads((folder / "key.json").read_text())


def answers(folder, code, choose):
    """A file as the page saves it; `choose(clip, question)` is an option."""
    key = key_of(folder)
    path = folder / f"answers-{code}.json"
    content = {
        "study": key["study"],
        "participant": code,
        "answers": {
            clip: {
                name: choose(about["truth"], name) for name in about["truth"]
            }
            for clip, about in key["clips"].items()
        },
    }
    path.write_text(json.dumps(content))
    return path


def right(truth, name):
    return truth[name]
