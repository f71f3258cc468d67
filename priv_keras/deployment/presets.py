"""Trained anonymizers that come with the package.

Each is a folder of a card and weights, without a graph: `Anonymizer.load`
rebuilds the network from these.
"""

import pathlib

from priv_keras.deployment import card

FOLDER = pathlib.Path(__file__).parent / "presets"


def names():
    """Returns the names of all presets, sorted."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{card.NAME}"))


def folder(name):
    """Returns the `pathlib.Path` of a preset.

    Raises:
        ValueError: If there is no preset of that name.
    """
    if name not in names():
        raise ValueError(
            f"There is no preset {name!r}, only {', '.join(names())}."
        )
    return FOLDER / name


def caution(name):
    """Returns a sentence on what the figures of a preset are worth."""
    trained = card.dataset(card.load(folder(name)))
    return (
        f"{name} was trained on {trained} and measured there: nothing is known "
        "of what it hides in other films. To hide people in yours, train on "
        "clips of yours."
    )


def listing():
    """Returns a table of all presets: what was measured, and on what."""
    rows = [("preset", "trained on", "A_T, of raw", "A_B, of raw", "bits")]
    for name in names():
        about = card.load(folder(name))
        figures = about["figures"]
        raw = max(found["value"] for found in figures["raw_attackers"])
        rows.append(
            (
                name,
                card.dataset(about),
                f"{figures['target']['value']:.3f}, "
                f"{figures['raw_target']['value']:.3f}",
                f"{figures['strongest']['value']:.3f}, {raw:.3f}",
                f"{about['arguments'].get('bits', 'unbounded')}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(
        [
            *lines,
            "A_T: how well actions are still recognised. A_B: how well the "
            "strongest of the attackers on its card recognises people.",
            "These figures hold for no other film.",
        ]
    )
