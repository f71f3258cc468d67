"""How long updates wait for clips: `python benchmarks/input_bound.py`.

Plays turns of the entropy game at the paper's scale (full networks, clips of
16x112x112) on generated JPEG shards under the TensorFlow profiler, and adds up
the time in `IteratorGetNextOp`: the input-bound share. Writes
`benchmarks/results/input_bound.md`.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

import machine
import read_clips

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "input_bound.md"
VIDEOS = 64
CLASSES = 8  # of actions, and of private labels


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch_size", type=int, default=2)
    parser.add_argument("--turns", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shard = pathlib.Path(folder, "jpeg")
        read_clips.write(shard, "jpeg", VIDEOS)
        game, clips = opened(shard, args.batch_size)
        play(game, clips, 1)  # traces the graphs
        took, waited = profiled(folder, lambda: play(game, clips, args.turns))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report(args, took, waited))
    print(RESULTS.read_text())


def opened(shard, batch_size):
    """Returns the game, and an iterator over batches for its turns."""
    import keras

    from priv_keras import losses
    from priv_keras.algorithms import Entropy
    from priv_keras.algorithms.gates import Gate
    from priv_keras.algorithms.optimization import Optimizers
    from priv_keras.networks import anonymizer
    from priv_keras.networks import budgets
    from priv_keras.networks import c3d

    game = Entropy(
        anonymizer.build(),
        c3d.build(CLASSES),
        [budgets.build("mobilenet_v2_1.0", CLASSES)],
        budget_task=losses.SINGLE_LABEL,
        gamma=2.0,
        target_gate=Gate(1.0, 2),  # stays shut for its two updates
        budget_gate=Gate(1.0, 2),
    )
    game.compile(
        optimizer=Optimizers(
            keras.optimizers.Adam(1e-4),
            keras.optimizers.Adam(1e-5),
            [keras.optimizers.Adam(1e-2)],
        ),
        validation=batches(shard, batch_size, seed=1),
    )
    return game, iter(batches(shard, batch_size, seed=0))


def batches(shard, batch_size, seed):
    """Returns endless batches of clips of a shard."""
    from tfrecords_tools import read

    clips = read.clips(
        str(shard),
        labels=read_clips.LABELS,
        frame_size=read_clips.SIZE,
        training=True,
        flip=True,
        seed=seed,
    ).map(
        lambda clip: {
            "clips": clip["clips"],
            "actions": clip["action"],
            "budget_labels": clip["actors"],
        }
    )
    return clips.repeat().batch(batch_size, drop_remainder=True).prefetch(2)


def play(game, clips, turns):
    for _ in range(turns):
        game.play_turn(clips)


def profiled(folder, run):
    """Returns the seconds that `run()` takes and those that its graph waits."""
    import tensorflow as tf

    tf.profiler.experimental.start(folder)
    start = time.perf_counter()
    run()
    took = time.perf_counter() - start
    tf.profiler.experimental.stop()
    (trace,) = pathlib.Path(folder).glob("**/*.xplane.pb")
    return took, waiting(trace)


def waiting(trace):
    """Returns the seconds in `IteratorGetNextOp` in a profile."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(trace.read_bytes())
    found = [
        event.duration_ps
        for plane in space.planes
        for line in plane.lines
        for event in line.events
        if plane.event_metadata[event.metadata_id].name
        == "IteratorGetNextOp::DoCompute"
    ]
    if not found:
        raise RuntimeError(
            f"{trace} has no event IteratorGetNextOp::DoCompute."
        )
    return sum(found) / 1e12


def report(args, took, waited):
    lines = [
        "# Waiting for clips",
        "",
        f"Made by `python benchmarks/input_bound.py` on {machine.name()}; "
        f"load at the end {os.getloadavg()[0]:.1f}. Turns of the entropy game "
        "at the paper's scale, float32: one update of f_A, two of f_T and two "
        f"of f_B, with their gates, in batches of {args.batch_size} clips of "
        "16x112x112 from JPEG shards. The share is the time in "
        "`IteratorGetNextOp` of the TensorFlow profiler.",
        "",
        "| turns | seconds | of these waiting | input-bound |",
        "|---|---|---|---|",
        f"| {args.turns} | {took:.1f} | {waited:.3f} | {waited / took:.2%} |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
