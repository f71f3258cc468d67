"""What records of a turn cost: `python benchmarks/turn_log.py`.

Plays turns of the entropy game, at the paper's scale and at one as narrow as
`--scale=tiny`, whose turns are far shorter, and times what the run does only
for its records: `TurnLog` after each turn, the norm of each gradient, and the
pictures after an epoch. Writes `benchmarks/results/turn_log.md`.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time
from typing import NamedTuple

import machine
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "turn_log.md"
CLASSES = 8  # of actions, and of private labels
UPDATES = 2  # of each gated loop
PICTURED = 4  # clips


class Scale(NamedTuple):
    anonymizer_width: float
    target_width: float
    budget: str
    clip: tuple
    batch_size: int


SCALES = {
    "paper": Scale(1.0, 1.0, "mobilenet_v2_1.0", (16, 112, 112, 3), 2),
    "tiny": Scale(0.25, 0.25, "mobilenet_v2_0.35", (6, 48, 48, 3), 16),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    load = os.getloadavg()[0]
    rows = [measured(name, args.turns) for name in SCALES]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report(rows, args.turns, load))
    print(RESULTS.read_text())


def measured(name, turns):
    """Returns a row of the table: the seconds of a turn and of its records."""
    from priv_keras import callbacks
    from priv_keras.runs.turns import open_events

    scale = SCALES[name]
    game, clips = opened(scale)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_events(folder, 0) as events,
    ):
        log = callbacks.TurnLog(folder, events, turns, print)
        log.set_model(game)
        took = [turn(game, clips, log) for _ in range(turns + 1)][1:]
        played, logged = map(statistics.median, zip(*took, strict=True))
        shown = callbacks.BeforeAfter(events, pictured(scale))
        shown.set_model(game)
        before = size(folder)
        pictures = seconds(lambda: shown.on_epoch_end(0))
        grown = (size(folder) - before) / 2**20
    return name, played, logged, norms(game), pictures, grown


def opened(scale):
    """Returns the game, and an iterator over batches for its turns."""
    import keras
    import tensorflow as tf

    from priv_keras import losses
    from priv_keras.algorithms import Entropy
    from priv_keras.algorithms.gates import Gate
    from priv_keras.algorithms.optimization import Optimizers
    from priv_keras.networks import anonymizer
    from priv_keras.networks import budgets
    from priv_keras.networks import c3d

    rng = np.random.default_rng(0)
    batch = {
        "clips": rng.random((scale.batch_size, *scale.clip), "float32"),
        "actions": rng.integers(0, CLASSES, scale.batch_size),
        "budget_labels": rng.integers(0, CLASSES, scale.batch_size),
    }
    data = tf.data.Dataset.from_tensors(batch).repeat()
    game = Entropy(
        anonymizer.build(scale.anonymizer_width),
        c3d.build(CLASSES, scale.target_width, scale.clip),
        [budgets.build(scale.budget, CLASSES, scale.clip[1:])],
        budget_task=losses.SINGLE_LABEL,
        gamma=2.0,
        target_gate=Gate(1.0, UPDATES),
        budget_gate=Gate(1.0, UPDATES),
    )
    game.compile(
        optimizer=Optimizers(
            keras.optimizers.Adam(1e-4),
            keras.optimizers.Adam(1e-5),
            [keras.optimizers.Adam(1e-2)],
        ),
        validation=data,
    )
    return game, iter(data)


def turn(game, clips, log):
    """Returns the seconds of a turn and of what `TurnLog` does after it."""
    log.on_train_batch_begin(0)
    logs = {}

    def play():
        logs.update(
            (name, float(value))
            for name, value in game.play_turn(clips).items()
        )

    return seconds(play), seconds(lambda: log.on_train_batch_end(0, logs))


def norms(game):
    """Returns the seconds that the norms of a turn's gradients take, measured
    on arrays of their shapes."""
    import tensorflow as tf

    norm = tf.function(tf.linalg.global_norm)
    f_b = game.budgets[0].trainable_variables
    updates = (
        (1, game.anonymizer.trainable_variables),
        (UPDATES, game.target_step_variables),
        (UPDATES, f_b),
    )
    total = 0
    for count, variables in updates:
        gradients = [tf.identity(variable.value) for variable in variables]
        norm(gradients)  # traces it
        took = [seconds(lambda g=gradients: norm(g).numpy()) for _ in range(5)]
        total += count * statistics.median(took)
    return total


def pictured(scale):
    rng = np.random.default_rng(1)
    clips = rng.random((PICTURED, *(n // 2 for n in scale.clip[:3]), 3))
    for axis in (1, 2, 3):  # noise in every pixel would compress far worse
        clips = clips.repeat(2, axis=axis)
    return clips.astype("float32")


def size(folder):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*"))


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def report(rows, turns, load):
    lines = [
        "# Records of a turn",
        "",
        f"Made by `python benchmarks/turn_log.py` on {machine.name()}; load at "
        f"the start {load:.1f}. Medians of {turns} turns of the entropy game, "
        f"float32: one update of f_A, {UPDATES} of f_T, {UPDATES} of f_B, with "
        "their gates. The log is TensorBoard and `metrics.jsonl`, of every "
        "turn (`--log_every=1`, the default); the norms are those of the "
        f"turn's gradients. Pictures, of {PICTURED} clips, are made once an "
        "epoch; turns, not they, make up the share.",
        "",
        "| scale | a turn, s | its log, ms | norms, ms | share of the turn | "
        "pictures of an epoch, s | MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, played, logged, normed, pictures, grown in rows:
        lines.append(
            f"| {name} | {played:.2f} | {logged * 1e3:.1f} | "
            f"{normed * 1e3:.1f} | {(logged + normed) / played:.2%} | "
            f"{pictures:.2f} | {grown:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
