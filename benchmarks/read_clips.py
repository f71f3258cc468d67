"""How fast clips are read: `python benchmarks/read_clips.py`.

Reads clips of 16 frames in batches of 16, cropped to 112x112 and cast to
float32, from JPEG and from raw records of 160x120, on 1 and on 2 cores. For
comparison, it decodes the same JPEGs with TensorFlow and nothing else: the
limit. All take turns, and medians count. Writes
`benchmarks/results/read_clips.md`.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "read_clips.md"
SIZE = (160, 120)
LENGTH, BATCH = 64, 16
PASSES = 32  # in a turn: a pipeline takes a while to get going
LABELS = ("action", "actors")
sys.path.insert(0, str(ROOT))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.cores:
        # Before TensorFlow counts them.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
        print(json.dumps(measure(args.folder, args.videos, args.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for encoding in ("jpeg", "raw"):
            write(pathlib.Path(folder, encoding), encoding, args.videos)
        speeds = {cores: on_cores(cores, folder, args) for cores in (1, 2)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report(args, speeds))
    print(RESULTS.read_text())


def write(path, encoding, videos):
    import cv2
    import numpy as np
    import tensorflow as tf

    from tfrecords_tools import schema

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (120 + LENGTH, 160 + LENGTH, 1), "uint8")
    scene = cv2.GaussianBlur(np.repeat(noise, 3, axis=2), (0, 0), 2)
    scene = cv2.normalize(scene, None, 40, 200, cv2.NORM_MINMAX)
    frames = [scene[t : t + 120, t : t + 160] for t in range(LENGTH)]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in range(videos):
            writer.write(
                schema.encode(
                    np.roll(np.stack(frames), i, axis=0),
                    video=str(i),
                    labels=dict.fromkeys(LABELS, i % 8),
                    encoding=encoding,
                )
            )


def on_cores(cores, folder, args):
    run = subprocess.run(
        [sys.executable, __file__, "--cores", str(cores), "--folder", folder]
        + [f"--videos={args.videos}", f"--repeats={args.repeats}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return json.loads(run.stdout)


def measure(folder, videos, repeats):
    """Returns the median seconds and processor seconds per clip of each way."""
    import tensorflow as tf

    from tfrecords_tools import read

    def clips(encoding, **options):
        return (
            read.clips(
                str(folder / encoding),
                labels=LABELS,
                frame_size=SIZE,
                **options,
            )
            .repeat(PASSES)
            .batch(BATCH, num_parallel_calls=tf.data.AUTOTUNE)
            .prefetch(tf.data.AUTOTUNE)
        )

    ways = {"bare JPEG decoding": bare(folder / "jpeg")}
    for encoding in ("jpeg", "raw"):
        ways[f"{encoding}, evaluation"] = clips(encoding)
        ways[f"{encoding}, training"] = clips(
            encoding, training=True, flip=True
        )
    took = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, data in ways.items():
            start = time.perf_counter(), time.process_time()
            for _ in data:
                pass
            end = time.perf_counter(), time.process_time()
            took[name].append(
                [
                    (e - s) / videos / PASSES
                    for s, e in zip(start, end, strict=True)
                ]
            )
    return {
        name: [statistics.median(c) for c in zip(*times[1:], strict=True)]
        for name, times in took.items()
    }  # without the first, a warm-up


def bare(path):
    """Decodes 16 whole frames of each video from memory."""
    import tensorflow as tf

    from tfrecords_tools import schema

    frames = tf.stack(
        [
            schema.parse(record, ())[0].frames[:: LENGTH // 16]
            for record in tf.data.TFRecordDataset(str(path))
        ]
    )
    return (
        tf.data.Dataset.from_tensor_slices(frames)
        .repeat(PASSES)
        .map(
            lambda jpegs: tf.stack(
                [tf.io.decode_jpeg(jpegs[i], channels=3) for i in range(16)]
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    )


def report(args, speeds):
    lines = [
        "# Reading clips",
        "",
        f"Made by `python benchmarks/read_clips.py` on {machine.name()}; "
        f"load at the end {os.getloadavg()[0]:.1f}. {args.videos} videos of "
        f"{LENGTH} frames of 160x120; clips of 16 frames in batches of "
        f"{BATCH}, 112x112 float32; median of {args.repeats} turns of {PASSES} "
        "passes.",
        "",
        "| cores | | clips/s | of the limit | processor ms/clip | of the "
        "limit |",
        "|---|---|---|---|---|---|",
    ]
    for cores, ways in speeds.items():
        limit, limit_cpu = ways["bare JPEG decoding"]
        for name, (wall, cpu) in ways.items():
            lines.append(
                f"| {cores} | {name} | {1 / wall:.0f} | {limit / wall:.0%} | "
                f"{cpu * 1e3:.2f} | {limit_cpu / cpu:.0%} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
