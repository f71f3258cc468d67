"""A folder of exports that the Hugging Face hub takes as a model as it is."""

import json
import re
import shutil

from priv_keras import files
from priv_keras.deployment import card as cards

PLACE = "anonymizer"  # the folder of the SavedModel, which `load` finds
PAGE = "README.md"
TAGS = ("priv-keras", "privacy", "anonymization", "action-recognition", "video")
# A flag whose value is a place on somebody's machine.
PATH_FLAG = re.compile(r"^(--\w+=).*[/~\\].*$", re.M)
# What the hub keeps outside of the history of a repository.
LARGE = ("*.data-*", "*.onnx", "*.pb", "*.tflite")
IN_LFS = "filter=lfs diff=lfs merge=lfs -text"
USE = """
## Use

With priv_keras installed:

```
hf download USER/NAME --local-dir FOLDER
priv-keras-anonymize FILM --model=FOLDER
```

or, in Python, `priv_keras.Anonymizer.from_preset("FOLDER")`, a function of
uint8 frames. Each folder has a card with the hashes of its files: {places}.
"""


def write(folder, exports):
    """Writes copies of exports, with a page on top that describes them.

    Paths among the flags of the run are taken off the cards: they tell who
    trained it, and where.

    Args:
        folder: `pathlib.Path`, which must not exist or must be empty.
        exports: List of `pathlib.Path`s of exported formats, each with its
            card; one of them is the SavedModel.

    Raises:
        ValueError: If a file is not the one that its card describes.
    """
    if folder.is_dir():
        folder.rmdir()
    with files.published(folder) as partial:
        for path in exports:
            shutil.copytree(path, partial / path.name)
            about = cards.check(partial / path.name)
            about["flags"] = PATH_FLAG.sub(r"\1<a path>", about["flags"])
            cards.write(partial / path.name, about)
            if path.name == PLACE:
                (partial / PAGE).write_text(_page(about, exports))
        rules = "".join(f"{pattern} {IN_LFS}\n" for pattern in LARGE)
        (partial / ".gitattributes").write_text(rules)


def _page(about, exports):
    metadata = {
        "library_name": "priv-keras",
        "pipeline_tag": "image-to-image",
        "tags": list(TAGS),
        **_results(about),
    }
    # JSON is YAML, too.
    head = [f"{key}: {json.dumps(value)}" for key, value in metadata.items()]
    places = ", ".join(f"`{path.name}/`" for path in exports)
    return "\n".join(
        ["---", *head, "---", cards.page(about) + USE.format(places=places)]
    )


def _results(about):
    """Returns what was measured in the form in which the hub shows it."""
    figures = about["figures"]
    if figures is None:
        return {}
    dataset = cards.dataset(about)
    strongest = figures["strongest"]
    metrics = [
        ("A_T", "actions that f_T recognises", figures["target"]),
        ("A_B", f"the strongest attacker, {strongest['name']}", strongest),
    ]
    found = {
        "task": {"type": "video-classification"},
        "dataset": {"name": dataset, "type": dataset},
        "metrics": [
            {"type": kind, "name": name, "value": score["value"]}
            for kind, name, score in metrics
        ],
    }
    return {"model-index": [{"name": about["anonymizer"], "results": [found]}]}
