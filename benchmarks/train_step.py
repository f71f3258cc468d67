"""How long a turn takes: `python benchmarks/train_step.py`.

Plays the entropy game at the paper's scale (f_A, C3D, MobileNetV2; clips of
16x112x112) with this library and in eager PyTorch, in float32 and bfloat16, in
turns, and compares medians. Each loop of f_T and f_B makes two updates and
checks its gate three times. The floating-point operations of a turn are also
compared with the peak of matrix products on the same machine. Needs `pip
install 'priv-keras[bench]'`. Writes `benchmarks/results/train_step.md`.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

import machine
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "train_step.md"
FRAMES, SIZE, CLASSES = 16, 112, 8
UPDATES = 2  # of each gated loop
GAMMA = 2.0
PRECISIONS = ("float32", "bfloat16")
PARTS = ("update of f_A", "loop of f_T", "loop of f_B")
# Multiplications and additions of a forward pass on a clip.
F_A, F_T = 2 * 1.58e9 * FRAMES, 2 * 38.55e9
F_B = 2 * 0.078e9 * FRAMES  # MobileNetV2's 0.3e9 at 224x224, by area


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch_sizes", default="2,8")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    lines = [
        "# A turn of the entropy game",
        "",
        f"Made by `python benchmarks/train_step.py` on {machine.name()}; load "
        f"at the start {os.getloadavg()[0]:.1f}. Seconds, medians of "
        f"{args.repeats} rounds in which all take turns. The paper's scale: "
        f"clips of {FRAMES}x{SIZE}x{SIZE}, full networks. A loop is {UPDATES} "
        f"updates and {UPDATES + 1} checks of its gate.",
    ]
    peaks = {precision: peak(precision) for precision in PRECISIONS}
    for batch_size in map(int, args.batch_sizes.split(",")):
        found = measured(batch_size, args.repeats)
        lines += ["", f"## {batch_size} clips in a batch", ""]
        lines += table(found, peaks, batch_size)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


def measured(batch_size, repeats):
    """Returns the median seconds of each part, by library and precision."""
    rng = np.random.default_rng(0)
    shape = (batch_size, FRAMES, SIZE, SIZE, 3)
    batch = {
        "clips": rng.random(shape, "float32"),
        "actions": rng.integers(0, CLASSES, batch_size),
        "budget_labels": rng.integers(0, CLASSES, batch_size),
    }
    contenders = {
        (who, precision): play(batch, precision)
        for precision in PRECISIONS
        for who, play in (("priv_keras", ours), ("PyTorch", theirs))
    }
    took = {name: [] for name in contenders}
    for _ in range(repeats + 1):
        for name, parts in contenders.items():
            took[name].append([seconds(part) for part in parts])
    return {
        name: [statistics.median(part) for part in zip(*each[1:], strict=True)]
        for name, each in took.items()
    }  # without the first round, a warm-up


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ours(batch, precision):
    import keras
    import tensorflow as tf

    from priv_keras import losses
    from priv_keras.algorithms import Entropy
    from priv_keras.algorithms.gates import Gate
    from priv_keras.algorithms.optimization import Optimizers
    from priv_keras.algorithms.streams import Streams
    from priv_keras.networks import anonymizer
    from priv_keras.networks import budgets
    from priv_keras.networks import c3d

    mixed = precision == "bfloat16"
    keras.mixed_precision.set_global_policy(
        "mixed_bfloat16" if mixed else "float32"
    )
    gate = Gate(1.0, UPDATES)
    game = Entropy(
        anonymizer.build(),
        c3d.build(CLASSES),
        [budgets.build("mobilenet_v2_1.0", CLASSES)],
        budget_task=losses.SINGLE_LABEL,
        gamma=GAMMA,
        target_gate=gate,
        budget_gate=gate,
    )
    data = tf.data.Dataset.from_tensors(batch).repeat()
    game.compile(
        optimizer=Optimizers(
            keras.optimizers.Adam(1e-4),
            keras.optimizers.Adam(1e-5),
            [keras.optimizers.Adam(1e-2)],
        ),
        validation=data,
    )
    streams = Streams(iter(data), game.validation, None)

    def waited(step):
        for value in step.values():
            value.numpy()

    return (
        lambda: waited(game.update_anonymizer(streams)),
        lambda: waited(game.train_target(streams)),
        lambda: waited(game.train_budgets(streams, gate)),
    )


def theirs(batch, precision):
    import torch_game

    game = torch_game.Entropy(
        batch,
        CLASSES,
        gamma=GAMMA,
        updates=UPDATES,
        bfloat16=precision == "bfloat16",
    )
    return game.update_anonymizer, game.train_target, game.train_budget


def operations(batch_size):
    """Returns the floating-point operations of a turn: a backward pass counts
    as two forward passes, or as one if the weights stay."""
    anonymizer = 3 * F_A + 2 * F_T + 2 * F_B
    check_target, check_budget = F_A + F_T, F_A + F_B
    target = UPDATES * 3 * (F_A + F_T) + (UPDATES + 1) * check_target
    budget = UPDATES * (F_A + 3 * F_B) + (UPDATES + 1) * check_budget
    return batch_size * (anonymizer + target + budget)


def peak(precision):
    """Returns the operations per second of a large matrix product, the best of
    10."""
    import tensorflow as tf

    n = 4096
    a = tf.cast(tf.random.normal((n, n)), precision)
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)))
    return 2 * n**3 / min(seconds(lambda: product().numpy()) for _ in range(10))


def table(found, peaks, batch_size):
    yield f"| | {' | '.join(PARTS)} | turn | of the peak | PyTorch's time |"
    yield "|---|---|---|---|---|---|---|"
    for (who, precision), parts in found.items():
        turn = sum(parts)
        share = operations(batch_size) / turn / peaks[precision]
        ratio = sum(found["PyTorch", precision]) / turn
        each = " | ".join(f"{part:.2f}" for part in parts)
        yield (
            f"| {who}, {precision} | {each} | {turn:.2f} | {share:.0%} | "
            f"{ratio:.2f} x |"
        )
    yield ""
    yield "Peak: " + ", ".join(
        f"{p} {flops / 1e9:.0f} GFLOP/s" for p, flops in peaks.items()
    )


if __name__ == "__main__":
    # Set before either library makes its threads, so that idle ones do not
    # spin.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    sys.path.insert(0, str(ROOT))
    main()
