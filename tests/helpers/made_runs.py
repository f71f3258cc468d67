"""Folders like those of `train` and `evaluate`, with made-up figures."""

import json

import numpy as np

from priv_keras import baselines
from priv_keras import pixels
from priv_keras.reports import comparison


def score(name, value, attributes=None):
    """Returns what `two_step.attack` records."""
    found = {"name": name, "interval": [value - 0.05, value + 0.05]}
    found["converged"] = name != "y"
    if attributes is None:
        return {**found, "accuracy": value}
    return {
        **found,
        "cmap": value,
        "average_precisions": attributes,
        "prevalence": [0.5, 0.1],
    }


def result(method="entropy", privacy=0.3, static=(), attributes=None, seed=0):
    """Returns a result of two attackers, of which the second is stronger by 0.1
    on anonymized clips."""

    def side(utility, *privacies):
        return {
            "attackers": [
                score(name, value, attributes)
                for name, value in zip("xy", privacies, strict=True)
            ],
            "target": score("f_T", utility),
        }

    return {
        "dataset": "made",
        "test_dataset": None,
        "method": method,
        "scale": "tiny",
        "seed": seed,
        "turns": 2 if method in comparison.METHODS else 0,
        "budget_labels": ["face", "gender"],
        "raw": side(0.9 + 0.01 * seed, 0.95, 0.9),
        "anonymized": side(0.8, privacy, privacy + 0.1),
        "attacks": [
            {"attack": "static", **score(name, value)}
            for name, value in zip("xy", static, strict=False)
        ],
        "chance": {
            "actions": {"majority": 0.2},
            "budget_labels": {"majority": 0.1},
        },
    }


GAMES = {
    f"{method}{name}": (method, flags)
    for method, letter in (("grl", "a"), ("kbeam", "a,b,c,d"), ("entropy", "a"))
    for name, flags in {
        "": [f"--budgets={letter}"],
        "_restart": [f"--budgets={letter}", "--restart_every=5"],
        "_lite": [f"--budgets={letter}", "--anonymizer=lite"],
    }.items()
}


def make_all(folder):
    """Writes a run of each game in `GAMES` and of each baseline, with all
    attacks, and returns their folders."""
    made = []
    for i, name in enumerate([*GAMES, *baselines.BASELINES]):
        method, flags = GAMES.get(name, (name, []))
        privacy = 0.2 + 0.02 * i
        run = make(
            folder / name,
            [*flags, f"--target_weights={'/very/long' * 30}"],
            method=method,
            privacy=privacy,
            static=(privacy - 0.05, privacy),
        )
        made.append(run)
        path = run / "result.json"
        content = json.loads(path.read_text())
        content["attacks"] += [
            {"attack": "video", **score("c3d", privacy)},
            {"attack": "inversion", "name": "unet", "psnr": 20.0, "ssim": 0.5},
            {"attack": "inversion", **score("x", privacy)},
            {"attack": "0.1 of the labels", **score("x", privacy)},
        ]
        path.write_text(json.dumps(content))
    return made


def make(folder, flags=(), **options):
    """Writes a run and returns its folder."""
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(result(**options)))
    seed = options.get("seed", 0)
    lines = [f"--seed={seed}", "--gamma=2.0", *flags]
    (folder / "config.flags").write_text("".join(f"{x}\n" for x in lines))
    if options.get("method", "entropy") in comparison.METHODS:
        turns = [
            {"turn": 1, "target_loss": 1.0, "target_steps": 2},
            {"turn": 1, "budget_entropy": 1.5, "budget_0_steps": 4},
            {"turn": 1, "val_target_accuracy": 0.5},
            {"turn": 2, "target_loss": 0.5, "target_steps": 1},
            {"turn": 2, "val_target_accuracy": 0.7},
        ]
        (folder / "metrics.jsonl").write_text(
            "".join(json.dumps(turn) + "\n" for turn in turns)
        )
    picture = np.zeros((8, 8, 3), "uint8")
    pixels.write_png(picture, folder / "before_after.png")
    loop = np.stack([picture, picture + 255])
    pixels.write_loop(loop, folder / "before_after.webp")
    return folder
