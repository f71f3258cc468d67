"""How fast shards are built: `python benchmarks/build_shards.py`.

Builds JPEG records of 160x120 from generated 320x240 XviD files like those of
UCF101, with 2 workers, and for comparison decodes the same files with PyAV in
2 threads, to nothing and to RGB arrays: the limit. They take turns, and
medians count. Peak memory is that of a build in a process of its own. Writes
`benchmarks/results/build_shards.md`.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "build_shards.md"
WORKERS = 2
sys.path.insert(0, str(ROOT))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--frames", type=int, default=180)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peak:
        build(*map(pathlib.Path, args.peak))
        # Not `ru_maxrss`, which starts at what the parent had.
        status = pathlib.Path("/proc/self/status").read_text()
        print(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024)
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        raw = make(folder / "raw", args.videos, args.frames)
        speeds = measure(raw, folder, args.repeats)
        peaks = {
            (videos, frames): peak(folder, videos, frames)
            for videos, frames in ((16, 90), (128, 90), (16, 900))
        }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report(args, speeds, peaks))
    print(RESULTS.read_text())


def make(folder, videos, frames):
    """Writes videos laid out like UT-Interaction and returns their folder."""
    import av
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300 + frames, 400 + frames, 1), "uint8")
    scene = cv2.GaussianBlur(np.repeat(noise, 3, axis=2), (0, 0), 4)
    scene = cv2.normalize(scene, None, 40, 200, cv2.NORM_MINMAX)
    first = folder / "set1" / "0_1_0.avi"
    first.parent.mkdir(parents=True)
    with av.open(str(first), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.bit_rate = 500_000  # UCF101's mean
        stream.codec_context.codec_tag = "XVID"
        for t in range(frames):
            picture = scene[t : t + 240, t // 2 : t // 2 + 320].copy()
            place = (160 + int(100 * np.sin(t / 9)), 120)
            cv2.circle(picture, place, 40, (200, 60, 30), -1)
            frame = av.VideoFrame.from_ndarray(picture)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for i in range(1, videos):
        copy = first.with_name(f"{i}_{i % 20 + 1}_{i % 6}.avi")
        copy.write_bytes(first.read_bytes())
    return folder


def build(raw, out, encoding="jpeg"):
    from tfrecords_tools import write

    content = write.build(
        "ut_interaction", raw, out, workers=WORKERS, encoding=encoding
    )
    if content["skipped"]:
        raise ValueError(content["skipped"])


def decode(raw, convert):
    """Decodes all files with PyAV, in one thread per worker."""
    import av

    def one(path):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            for frame in container.decode(stream):
                convert(frame)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, sorted(raw.glob("**/*.avi"))))


def encode(raw):
    """Encodes as many frames as all files have, in one thread per worker."""
    from tfrecords_tools import decode
    from tfrecords_tools import schema

    paths = sorted(raw.glob("**/*.avi"))
    frames = decode.frames(paths[0], (160, 120))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        list(
            pool.map(
                lambda path: schema.encode(frames, video=path.name, labels={}),
                paths,
            )
        )


def measure(raw, folder, repeats):
    """Returns median seconds and processor seconds of each way, in turns."""
    outs = iter(range(10**6))
    ways = {
        "PyAV, decoding alone": lambda: decode(raw, lambda frame: None),
        "PyAV, to RGB arrays, a thread a worker": lambda: decode(
            raw, lambda f: f.to_ndarray(format="rgb24", threads=1)
        ),
        "PyAV, to RGB arrays, as PyAV does by default": lambda: decode(
            raw, lambda f: f.to_ndarray(format="rgb24")
        ),
        "JPEG encoding alone, of small frames": lambda: encode(raw),
        "build, raw records": lambda: build(
            raw, folder / f"out{next(outs)}", "raw"
        ),
        "build, JPEG records": lambda: build(raw, folder / f"out{next(outs)}"),
    }
    took = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter(), time.process_time()
            way()
            end = time.perf_counter(), time.process_time()
            took[name].append([e - s for s, e in zip(start, end, strict=True)])
    return {
        name: [
            statistics.median(c) for c in zip(*times[1:], strict=True)
        ]  # the first is a warm-up
        for name, times in took.items()
    }


def peak(folder, videos, frames):
    """Returns the peak resident MiB of a process that builds."""
    name = f"{videos}x{frames}"
    raw = make(folder / f"raw-{name}", videos, frames)
    run = subprocess.run(
        [sys.executable, __file__, "--peak", raw, folder / f"peak-{name}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return int(json.loads(run.stdout))


def report(args, speeds, peaks):
    count = args.videos * args.frames
    limit = speeds["PyAV, to RGB arrays, a thread a worker"]
    lines = [
        "# Building shards",
        "",
        f"Made by `python benchmarks/build_shards.py` on {machine.name()}; "
        f"load at the end {os.getloadavg()[0]:.1f}. {args.videos} files of "
        f"{args.frames} frames, 320x240 XviD, to 160x120; "
        f"{WORKERS} workers; median of {args.repeats} turns.",
        "",
        "| | videos/s | frames/s | of the limit | processor µs/frame |",
        "|---|---|---|---|---|",
    ]
    for name, (wall, cpu) in speeds.items():
        lines.append(
            f"| {name} | {args.videos / wall:.1f} | {count / wall:.0f} | "
            f"{limit[0] / wall:.0%} | {cpu / count * 1e6:.0f} |"
        )
    lines += [
        "",
        "The limit is decoding to RGB arrays without needless threads; the "
        "target is 80 % of it.",
        "",
        "| peak memory of a build | MiB |",
        "|---|---|",
    ]
    for (videos, frames), size in peaks.items():
        lines.append(f"| {videos} videos of {frames} frames | {size} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
