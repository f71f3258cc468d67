"""The model card beside an exported f_A: what it is, and what was measured.

`card.json` is for programs, `card.md` says the same to people. The card holds
the SHA-256 of each file, so that figures stay with the model they are of.
"""

import contextlib
import json
import pathlib

import jsonschema

from priv_keras import files
from priv_keras.runs import results

NAME = "card.json"
PAGE = "card.md"
MAX_BYTES = 1 << 20
TEXT = {"type": "string"}
# Of what a stranger's card says, all that programs go by.
SCHEMA = {
    "type": "object",
    "properties": {
        "format": TEXT,
        "anonymizer": TEXT,
        "arguments": {
            "type": "object",
            "additionalProperties": {"type": ["number", "string"]},
        },
        "turns": {"type": "integer", "minimum": 0},
        "date": TEXT,
        "trained_size": {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 1 << 16},
            "minItems": 2,
            "maxItems": 2,
        },
        "psnr": {"type": ["number", "null"]},
        "data": {"type": "object"},
        "versions": {"type": "object"},
        "flags": TEXT,
        "figures": {"type": ["object", "null"]},
        "files": {"type": "object", "additionalProperties": TEXT},
    },
}
# Earlier versions did not write the arguments.
SCHEMA["required"] = [x for x in SCHEMA["properties"] if x != "arguments"]
SCOPE = (
    "These figures hold for the attackers named here and for frames of the "
    "size it was trained at. Of other attackers and other sizes nothing is "
    "known."
)


@contextlib.contextmanager
def published(folder, card=None):
    """Yields a new folder that takes the place of `folder` when it is filled.

    Args:
        folder: `pathlib.Path`; what is there stays if filling fails.
        card: Dict for `write`; `None` for no card.
    """
    with files.published(folder) as partial:
        yield partial
        if card is not None:
            write(partial, card)


def write(folder, card):
    """Writes a card, with the hashes of what is in `folder` now.

    Args:
        folder: `pathlib.Path`.
        card: Dict: `format`, `anonymizer` (the network's name), `arguments`
            (dict: its `width`, where it has one, and its `dtype_policy`),
            `turns`, `date`, `trained_size` (width and height in pixels),
            `psnr` (dB from the model that was trained, or `None`), `data`
            (dict), `versions` (dict), `flags` (a flagfile's text), `figures`
            (as of `figures`, or `None` where nobody judged it).
    """
    hashes = {name: files.sha256(folder / name) for name in _files(folder)}
    _save(folder, {**card, "scope": SCOPE, "files": hashes})


def amend(folder, figures):
    """Puts `figures` on the card of `folder`, and leaves all else."""
    _save(folder, {**load(folder), "figures": figures})


def _save(folder, card):
    for name, text in (
        (NAME, json.dumps(card, indent=1) + "\n"),
        (PAGE, page(card)),
    ):
        files.write(folder / name, text)


def load(folder):
    """Returns the card of `folder` as a dict, or `None` where there is none.

    Raises:
        ValueError: If it is damaged.
    """
    path = pathlib.Path(folder, NAME)
    if not path.is_file():
        return None
    try:
        with open(path, "rb") as file:
            card = json.loads(file.read(MAX_BYTES))
        jsonschema.validate(card, SCHEMA)
    except (ValueError, RecursionError, jsonschema.ValidationError) as error:
        said = getattr(error, "message", str(error))
        raise ValueError(
            f"{path} is damaged: {said!r:.200}. Export the model anew."
        ) from error
    return card


def check(folder):
    """Returns the card of `folder`, or `None`, once its files are as it says.

    Raises:
        ValueError: If a file differs, is missing, is not on the card, or is a
            link, a pipe or a device.
    """
    folder = pathlib.Path(folder)
    card = load(folder)
    if card is None:
        return None
    known, found = card["files"], _files(folder)
    wrong = [
        name for name in found if files.sha256(folder / name) != known.get(name)
    ]
    wrong += sorted(set(known) - set(found))
    if wrong:
        raise ValueError(
            f"{', '.join(map(_shown, wrong[:5]))} in {folder} is not what "
            f"{NAME} there describes: its SHA-256 differs, it is missing, or "
            "it came later. "
            "Get the folder anew from where it was exported, or export the "
            "model anew with `python -m priv_keras.export`."
        )
    return card


def _files(folder):
    """Names of all files of a model, relative to `folder`, sorted."""
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError(
                f"{_shown(path.name)} in {folder} is a link, a pipe or a "
                "device, where only files are wanted. If you know where a link "
                "leads, copy the folder with `cp -rL`."
            )
    return [
        path.relative_to(folder).as_posix()
        for path in paths
        if path.is_file() and path not in (folder / NAME, folder / PAGE)
    ]


def _shown(name):
    """A stranger's file name, without what would command a terminal."""
    return name if name.isprintable() else ascii(name)


def figures(result):
    """A_T and A_B of a run.

    Args:
        result: Dict, what `result.json` holds.

    Returns:
        Dict: `target`, `raw_target`, and lists `attackers`, `raw_attackers`
        and `attacks` of scores with `name`; each score has its `value` (an
        accuracy, or the cMAP of attributes) and its `interval` at 95 %, and
        says whether what was trained for it had `converged`.
        `chance` is the score of the commonest label, of each side.
    """
    anonymized, raw = result["anonymized"], result["raw"]
    return {
        "target": _score(anonymized["target"]),
        "raw_target": _score(raw["target"]),
        "attackers": [_score(x) for x in anonymized["attackers"]],
        "raw_attackers": [_score(x) for x in raw["attackers"]],
        "attacks": [_score(x) for x in result["attacks"] if "interval" in x],
        "chance": {
            side: chance["majority"]
            for side, chance in result["chance"].items()
        },
    }


def _score(score):
    value = score.get("accuracy", score.get("cmap"))
    keys = ("attack", "name", "converged")
    kept = {key: score[key] for key in keys if key in score}
    return {**kept, "value": value, "interval": score["interval"]}


def page(card):
    """The card as Markdown."""
    width, height = card["trained_size"]
    lines = [
        f"# Anonymizer, {card['format']}",
        "",
        f"{_origin(card)}. Exported {card['date']}. Takes and returns uint8 "
        "frames, any height and width; its figures are of frames of "
        f"{width}x{height} pixels.",
        "",
        *_quality(card["psnr"]),
        "## What was measured",
        "",
        *_measured(card["figures"]),
        "",
        card["scope"],
        "",
        "## Data",
        "",
        *(f"- {name}: {value}" for name, value in card["data"].items()),
        "",
        "## Files",
        "",
        "| file | SHA-256 |",
        "|---|---|",
        *(f"| {name} | {digest} |" for name, digest in card["files"].items()),
        "",
        "## Made with",
        "",
        *(f"- {name} {text}" for name, text in card["versions"].items()),
        "",
        "```",
        card["flags"].strip(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _origin(card):
    arguments = card.get("arguments", {})
    built = ", ".join(f"{name} {value}" for name, value in arguments.items())
    built = f" ({built})" if built else ""
    if not card["turns"]:
        return (
            f"The baseline `{card['anonymizer']}`{built} of priv_keras, which "
            "nobody trained"
        )
    return (
        f"f_A of priv_keras, `--anonymizer={card['anonymizer']}`{built}, after "
        f"{card['turns']} turns of the game"
    )


def _quality(psnr):
    if psnr is None:
        return []
    return [
        f"PSNR from the model that was trained: {psnr:.1f} dB. It was that "
        "model that was judged.",
        "",
    ]


def _measured(figures):
    if figures is None:
        return ["Not judged."]
    strongest = max(figures["attackers"], key=lambda x: x["value"])
    count, chance = len(figures["attackers"]), figures["chance"]
    rows = [
        ("A_T", figures["target"], figures["raw_target"], chance["actions"]),
        *(
            (f"A_B, {after['name']}", after, raw, chance["budget_labels"])
            for after, raw in zip(
                figures["attackers"], figures["raw_attackers"], strict=True
            )
        ),
        *(
            (f"A_B, {x['attack']}: {x['name']}", None, x, None)
            if x["attack"] == results.RAW_VIDEO
            else (f"A_B, {x['attack']}: {x['name']}", x, None, None)
            for x in figures["attacks"]
        ),
    ]
    return [
        f"A_T {_text(figures['target'])}. A_B^{count} {_text(strongest)}, the "
        f"strongest of {count} attackers: {strongest['name']}. With 95 % "
        f"intervals. {results.caveat(figures['attackers'])}".rstrip(),
        *_stronger(figures["attacks"], strongest),
        "",
        "| | anonymized | raw | commonest label |",
        "|---|---|---|---|",
        *(
            f"| {name} | {_text(after)} | {_text(raw)} | {_text(chance)} |"
            for name, after, raw, chance in rows
        ),
    ]


def _stronger(attacks, strongest):
    """A sentence on the attack that reads the most, if it is none of the
    paper's."""
    more = [
        found
        for found in attacks
        if found["attack"] != results.RAW_VIDEO
        and found["value"] > strongest["value"]
    ]
    if not more:
        return []
    most = max(more, key=lambda found: found["value"])
    return [
        f"Another attack reads more: {most['attack']} ({most['name']}), "
        f"{_text(most)}."
    ]


def _text(score):
    if score is None:
        return ""
    if isinstance(score, float):
        return f"{score:.3f}"
    low, high = score["interval"]
    return f"{score['value']:.3f} [{low:.3f}, {high:.3f}]"
