"""The model card beside an exported f_A: what it is, and what was measured.

`card.json` is for programs, `card.md` says the same to people. The card holds
the SHA-256 of each file, so that figures stay with the model they are of.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil

NAME = "card.json"
PAGE = "card.md"
# An attack on raw clips that results have beside the others, to compare with.
RAW_VIDEO = "video, on raw clips"
SCOPE = (
    "These figures hold for the attackers named here and for frames of the "
    "size it was trained at. Of other attackers and other sizes nothing is "
    "known."
)


@contextlib.contextmanager
def published(folder, card=None):
    """A new folder to fill, that takes the place of `folder` when complete.

    Args:
        folder: `pathlib.Path`; what is there stays, if filling fails.
        card: Dict as `write` takes it; `None` for none.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        if card is not None:
            write(partial, card)
    except BaseException:
        shutil.rmtree(partial)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)


def write(folder, card):
    """Writes a card, with the hashes of what is in `folder` now.

    Args:
        folder: `pathlib.Path`.
        card: Dict: `format`, `anonymizer`, `turns`, `date`, `trained_size`
            (width and height in pixels), `psnr` (dB from the model that was
            trained, or `None`), `data` (dict), `versions` (dict), `flags` (a
            flagfile's text), `figures` (as of `figures`, or `None` where
            nobody judged it).
    """
    hashes = {name: sha256(folder / name) for name in _files(folder)}
    _save(folder, {**card, "scope": SCOPE, "files": hashes})


def amend(folder, figures):
    """Puts `figures` on the card of `folder`, and leaves all else."""
    _save(folder, {**load(folder), "figures": figures})


def _save(folder, card):
    for name, text in (
        (NAME, json.dumps(card, indent=1) + "\n"),
        (PAGE, page(card)),
    ):
        partial = folder / (name + ".partial")
        partial.write_text(text)
        os.replace(partial, folder / name)


def load(folder):
    """Returns the card of `folder` as a dict, or `None` where there is none.

    Raises:
        ValueError: If it is damaged.
    """
    path = pathlib.Path(folder, NAME)
    if not path.exists():
        return None
    try:
        card = json.loads(path.read_text())
        card["files"].items()
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged: {error!r}. Export the model anew."
        ) from error
    return card


def check(folder):
    """Returns the card of `folder`, or `None`, once its files are as it says.

    Raises:
        ValueError: If a file differs, is missing, or is not on the card.
    """
    folder = pathlib.Path(folder)
    card = load(folder)
    if card is None:
        return None
    known, found = card["files"], _files(folder)
    wrong = [name for name in found if sha256(folder / name) != known.get(name)]
    wrong += sorted(set(known) - set(found))
    if wrong:
        raise ValueError(
            f"{', '.join(wrong)} in {folder} is not what {NAME} there "
            "describes: its SHA-256 differs, it is missing, or it came later. "
            "Get the folder anew from where it was exported, or export the "
            "model anew with `python -m priv_keras.export`."
        )
    return card


def _files(folder):
    """Names of all files of a model, relative to `folder`, sorted."""
    return sorted(
        str(path.relative_to(folder).as_posix())
        for path in folder.rglob("*")
        if path.is_file() and path not in (folder / NAME, folder / PAGE)
    )


def sha256(path):
    """The SHA-256 of the file at a `pathlib.Path`, as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def caveat(attackers):
    """A sentence on attackers whom `--attacker_steps` stopped; empty if none.

    Args:
        attackers: Iterable of dicts with `name`, and `converged` as of
            `supervised.fit`; of whom that is not known, they are named too.
    """
    stopped = dict.fromkeys(
        found["name"] for found in attackers if not found.get("converged")
    )
    if not stopped:
        return ""
    return (
        "Still learning when --attacker_steps ended: "
        f"{', '.join(stopped)}. With more they may find more."
    )


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
    if not card["turns"]:
        return (
            f"The baseline `{card['anonymizer']}` of priv_keras, which nobody "
            "trained"
        )
    return (
        f"f_A of priv_keras, `--anonymizer={card['anonymizer']}`, after "
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
            if x["attack"] == RAW_VIDEO
            else (f"A_B, {x['attack']}: {x['name']}", x, None, None)
            for x in figures["attacks"]
        ),
    ]
    return [
        f"A_T {_text(figures['target'])}. A_B^{count} {_text(strongest)}, the "
        f"strongest of {count} attackers: {strongest['name']}. With 95 % "
        f"intervals. {caveat(figures['attackers'])}".rstrip(),
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
        if found["attack"] != RAW_VIDEO and found["value"] > strongest["value"]
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
