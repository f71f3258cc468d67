"""The model card beside an exported f_A: what it is, and what was measured.

`card.json` is for programs, and `card.md` says the same to people. The card
holds the SHA-256 of each file, so that figures stay with their model.
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
PIXELS = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": 1 << 16},
    "minItems": 2,
    "maxItems": 2,
}
# What programs rely on in a card, which a stranger may have written.
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
        "frame_size": PIXELS,
        "trained_size": PIXELS,
        "psnr": {"type": ["number", "null"]},
        "data": {"type": "object"},
        "versions": {"type": "object"},
        "flags": TEXT,
        "figures": {"type": ["object", "null"]},
        "files": {"type": "object", "additionalProperties": TEXT},
    },
}
# Cards of earlier versions do not have these.
LATER = ("arguments", "frame_size")
SCHEMA["required"] = [x for x in SCHEMA["properties"] if x not in LATER]
SCOPE = (
    "These figures hold for the attackers named here and for frames of the "
    "size it was trained at. Nothing is known about other attackers and other "
    "sizes."
)


@contextlib.contextmanager
def published(folder, card=None):
    """Yields a new folder, which replaces `folder` once it is filled.

    Args:
        folder: `pathlib.Path`; what is there stays if filling fails.
        card: Dict, see `write`; `None` for no card.
    """
    with files.published(folder) as partial:
        yield partial
        if card is not None:
            write(partial, card)


def write(folder, card):
    """Writes a card with the hashes of the files that are in `folder` now.

    Args:
        folder: `pathlib.Path`.
        card: Dict of `format`, `anonymizer` (the network's name), `arguments`
            (dict of its `width`, if it has one, and its `dtype_policy`),
            `turns`, `date`, `frame_size` (width and height in pixels to which
            whole frames were resized), `trained_size` (those of the square
            that was cut from them),
            `psnr` (in dB, of its output to that of the trained model, or
            `None`), `data` (dict), `versions` (dict), `flags` (a flagfile's
            text) and `figures` (see `figures`, or `None` if it was not judged).
    """
    hashes = {name: files.sha256(folder / name) for name in _files(folder)}
    _save(folder, {**card, "scope": SCOPE, "files": hashes})


def amend(folder, figures):
    """Writes `figures` to the card of `folder`, and changes nothing else."""
    _save(folder, {**load(folder), "figures": figures})


def _save(folder, card):
    for name, text in (
        (NAME, json.dumps(card, indent=1) + "\n"),
        (PAGE, page(card)),
    ):
        files.write(folder / name, text)


def load(folder):
    """Returns the card of `folder` as a dict, or `None` if there is none.

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
        reason = getattr(error, "message", str(error))
        raise ValueError(
            f"{path} is damaged: {reason!r:.200}. Export the model again."
        ) from error
    return card


def dataset(card):
    """Returns the dataset on a card without the options of its shards."""
    return card["data"]["dataset"].partition(",")[0]


def check(folder):
    """Returns the card of `folder`, or `None`; raises unless its files match.

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
            "it was added later. Copy the folder again from where it was "
            "exported, or export the model again with `python -m "
            "priv_keras.export`."
        )
    return card


def _files(folder):
    """Returns the names of a model's files relative to `folder`, sorted."""
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
    """Returns a stranger's file name without control sequences."""
    return name if name.isprintable() else ascii(name)


def figures(result):
    """Returns A_T and A_B of a run, for its card.

    Args:
        result: Dict, the content of `result.json`.

    Returns:
        Dict of the scores `target` and `raw_target`, the lists of scores
        `attackers`, `raw_attackers` and `attacks`, the scores of the
        `strongest` attacker and of the one that validation has `chosen`
        (`None` if it is not known), and `chance`, which maps `actions` and
        `budget_labels` to the score of the commonest label. A
        score is a dict of its `value` (an accuracy, or the cMAP of attributes)
        and 95 % `interval`; in the lists it has a `name`, and says whether the
        attacker had `converged`.
    """
    anonymized, raw = result["anonymized"], result["raw"]
    chosen = results.chosen(result, "anonymized")
    return {
        "target": _score(anonymized["target"]),
        "raw_target": _score(raw["target"]),
        "attackers": [_score(x) for x in anonymized["attackers"]],
        "raw_attackers": [_score(x) for x in raw["attackers"]],
        "strongest": _score(results.privacy(result, "anonymized")),
        "chosen": chosen and _score(chosen),
        "judge": result.get("judge"),
        "attacks": [_score(x) for x in result["attacks"] if "interval" in x],
        "chance": {
            side: chance["majority"]
            for side, chance in result["chance"].items()
        },
    }


def _score(score):
    value = score.get("accuracy", score.get("cmap"))
    keys = ("attack", "name", "converged", "failed")
    kept = {key: score[key] for key in keys if key in score}
    return {**kept, "value": value, "interval": score["interval"]}


def page(card):
    """Returns the card as Markdown."""
    width, height = card["trained_size"]
    cut = "x".join(map(str, card.get("frame_size", ())))
    lines = [
        f"# Anonymizer, {card['format']}",
        "",
        f"{_origin(card)}. Exported {card['date']}. It takes and returns uint8 "
        "frames of any height and width; its figures were measured on frames "
        f"of {width}x{height} pixels"
        + (f", cut from frames of {cut} pixels." if cut else "."),
        "",
        *_bound(card.get("arguments", {}).get("bits")),
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


def _bound(bits):
    if not isinstance(bits, int | float):  # there are none, or a stranger's
        return []
    return [
        f"At most {bits:g} bits of each frame get through, by the noise that "
        "it adds, for any attacker who cannot guess that noise: priv_keras "
        "seeds it by 192 random bits where it loads a SavedModel as usual, and "
        "TensorFlow by 32 where the graph or a TFLite file is run. Frames add "
        f"up: that is {25 * bits:g} bits of a second of 25 frames, and N "
        "people can be told apart by log2(N) bits. What attackers read is "
        "below.",
        "",
    ]


def _quality(psnr):
    if psnr is None:
        return []
    return [
        f"The PSNR of its output to that of the trained model is {psnr:.1f} "
        "dB. The figures are those of the trained model.",
        "",
    ]


def _measured(figures):
    if figures is None:
        return ["Not judged."]
    # Cards of earlier versions have no `strongest`.
    strongest = figures.get("strongest") or results.strongest(
        figures["attackers"]
    )
    count = len(results.admitted(figures["attackers"]))
    chance = figures["chance"]
    low = results.below_floor(figures["attackers"])
    marks = dict.fromkeys(low, " (below the floor)")
    rows = [
        ("A_T", figures["target"], figures["raw_target"], chance["actions"]),
        *(
            (
                f"A_B, {after['name']}{marks.get(after['name'], '')}",
                after,
                raw,
                chance["budget_labels"],
            )
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
    failed = results.ended_at_chance(figures["target"], chance["actions"])
    return [
        *([f"**{failed}**", ""] if failed else []),
        f"A_T {_text(figures['target'])}. A_B^{count} {_text(strongest)}, the "
        f"strongest of {count} attackers: {strongest['name']}. With 95 % "
        f"intervals. {results.caveat([figures['attackers']])}".rstrip(),
        *([results.QUICK] if figures.get("judge") == "quick" else []),
        *_chosen(figures.get("chosen")),
        *_stronger(figures["attacks"], strongest),
        "",
        "| | anonymized | raw | commonest label |",
        "|---|---|---|---|",
        *(
            f"| {name} | {_text(after)} | {_text(raw)} | {_text(chance)} |"
            for name, after, raw, chance in rows
        ),
    ]


def _chosen(score):
    if score is None:
        return []
    return [
        f"The attacker that validation chose, {score['name']}, reads "
        f"{_text(score)}."
    ]


def _stronger(attacks, strongest):
    """Returns a sentence on the strongest attack, in a list, if it reads more
    than the strongest attacker of the paper's protocol."""
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
