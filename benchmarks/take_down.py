"""What it takes to drop an iterator: `python benchmarks/take_down.py`.

Reads training clips of puppets from three endless streams, with a pause for an
update after each batch, and drops the streams: with tf.data's tuner, and
without it as in `tfrecords_tools.read`, in turns. It uses one core, like a run
that shares the machine. Writes `benchmarks/results/take_down.md`.
"""

import argparse
import os
import pathlib
import sys
import time

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "take_down.md"
STREAMS = 3
UPDATE = 0.02  # s, in which buffers fill up: the tuner is caught asleep
WAYS = ("with the tuner", "without, as shards are read")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    os.sched_setaffinity(0, {0})  # before TensorFlow counts the cores
    from tfrecords_tools.puppets import cache

    shards = cache.puppets() / "puppets"
    took = {way: [] for way in WAYS}
    for number in range(args.rounds):
        for way in WAYS:
            streams = opened(shards, way == WAYS[0], STREAMS * number)
            read(streams, args.seconds)
            took[way].append(drop(streams))
    RESULTS.write_text(report(args, took))
    print(RESULTS.read_text())


def opened(shards, tuned, seed):
    """Returns `STREAMS` iterators over batches of 16 clips."""
    import tensorflow as tf

    from tfrecords_tools import read as reader

    options = tf.data.Options()
    options.autotune.enabled = tuned
    return [
        iter(
            reader.clips(
                str(shards / "train-*.tfrecord"),
                labels=(),
                frames=6,
                frame_size=(54, 50),
                size=48,
                training=True,
                seed=seed + i,
            )
            .repeat()
            .batch(16, num_parallel_calls=tf.data.AUTOTUNE)
            .prefetch(tf.data.AUTOTUNE)
            .with_options(options)
        )
        for i in range(STREAMS)
    ]


def read(streams, seconds):
    """Takes batches from each iterator in turn."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for stream in streams:
            next(stream)
            time.sleep(UPDATE)


def drop(streams):
    """Returns the seconds that it takes to drop all iterators."""
    start = time.perf_counter()
    streams.clear()
    return time.perf_counter() - start


def report(args, took):
    lines = [
        "# Dropping iterators",
        "",
        f"Made by `python benchmarks/take_down.py` on {machine.name()}, on one "
        f"core of it; load at the end {os.getloadavg()[0]:.1f}. {STREAMS} "
        f"streams of puppets are read for {args.seconds:g} s and dropped; "
        f"{args.rounds} rounds, in which both take turns.",
        "",
        "| | rounds that wait 1 s or more to drop them | longest wait, s |",
        "|---|---|---|",
    ]
    for way in WAYS:
        waits = sum(seconds >= 1 for seconds in took[way])
        lines.append(f"| {way} | {waits} | {max(took[way]):.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.path.insert(0, str(ROOT))
    main()
