"""How long each exported format takes per frame: `python benchmarks/export.py`.

Times the full and the light f_A, with random weights, which are as slow as any
others, in every format at several sizes. Each format runs in a process of its
own, and they take turns, one frame at a time. Writes
`benchmarks/results/export.md`.
"""

import argparse
import multiprocessing
import os
import pathlib
import statistics
import sys
import tempfile
import time

import machine
import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "export.md"
SIZES = ((112, 112), (320, 240), (640, 480))  # width, height
NETWORKS = ("full", "lite")
FORMATS = (
    "SavedModel float32",
    "SavedModel bfloat16",
    "TFLite float32",
    "TFLite float16",
    "TFLite int8",
    "ONNX float32",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    load = os.getloadavg()[0]
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for network in NETWORKS:
            for name in FORMATS:
                path = pathlib.Path(folder, f"{network} {name}")
                paths[network, name] = str(path)
                # In a process of its own, since each sets another policy.
                apart(context, export, network, name, path)
        took = measured(context, paths, args.rounds)
    lines = [
        "# An exported anonymizer",
        "",
        f"Made by `python benchmarks/export.py` on {machine.name()}; load at "
        f"the start {load:.1f}, of others. Milliseconds per frame: median "
        f"(least) of {args.rounds} rounds in which all formats take turns / "
        "median processor time of all threads, which others disturb less. "
        "uint8 in, uint8 out; no decoding. Both f_A at width 1.",
        "",
        *table(took),
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


def apart(context, work, *args):
    process = context.Process(target=work, args=args)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__}{args} failed.")


def export(network, name, folder):
    import keras

    from priv_keras.deployment import onnx
    from priv_keras.deployment import saved_model
    from priv_keras.deployment import tflite
    from priv_keras.networks.anonymizer import ANONYMIZERS

    kind, precision = name.split()
    if precision == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    keras.utils.set_random_seed(0)  # some weights are too far off in int8
    model = ANONYMIZERS[network]()
    if kind == "SavedModel":
        saved_model.export_saved_model(model, folder)
        return
    frames = np.random.default_rng(0).integers(0, 256, (8, 112, 112, 3))
    frames = frames.astype("uint8")
    if kind == "ONNX":
        onnx.export_onnx(model, folder, frames)
        return
    tflite.export_tflite(model, folder, precision, frames, frames)


def measured(context, paths, rounds):
    """Returns pairs of seconds by network, format and size: the time of a
    call, and that of the processors in it."""
    workers = {}
    for key, path in paths.items():
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(path, theirs), daemon=True).start()
        workers[key] = ours
    took = {(key, size): [] for size in SIZES for key in paths}
    for size in SIZES:
        for i in range(rounds + 1):
            for key, worker in workers.items():
                worker.send(size)
                seconds = worker.recv()
                if i:  # the first is a warm-up
                    took[key, size].append(seconds)
    for worker in workers.values():
        worker.send(None)
    return took


def serve(path, pipe):
    """Anonymizes a frame of each size that is requested."""
    anonymize = loaded(path)
    while size := pipe.recv():
        width, height = size
        frames = np.random.randint(0, 256, (1, height, width, 3), "uint8")
        start = time.perf_counter(), time.process_time()
        anonymize(frames)
        stop = time.perf_counter(), time.process_time()
        pipe.send([b - a for a, b in zip(start, stop, strict=True)])


def loaded(path):
    """Returns a function of uint8 frames, the exported f_A."""
    if path.endswith("ONNX float32"):
        import onnxruntime

        from priv_keras.deployment import onnx

        file = pathlib.Path(path, onnx.ONNX_FILE)
        session = onnxruntime.InferenceSession(file)
        return lambda frames: session.run(None, {"frames": frames})
    import priv_keras

    # A model of random weights has no card, and is ours.
    return priv_keras.Anonymizer.load(path, trusted=True)


def table(took):
    sizes = [f"{width}x{height}" for width, height in SIZES]
    yield f"| f_A | format | {' | '.join(sizes)} |"
    yield "|---|---|" + "---|" * len(sizes)
    for network in NETWORKS:
        for name in FORMATS:
            cells = [figure(took[(network, name), size]) for size in SIZES]
            yield f"| {network} | {name} | {' | '.join(cells)} |"


def figure(seconds):
    wall, processors = zip(*seconds, strict=True)
    median, least = statistics.median(wall), min(wall)
    used = statistics.median(processors)
    return f"{1e3 * median:.1f} ({1e3 * least:.1f}) / {1e3 * used:.1f}"


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["PYTHONPATH"] = str(ROOT)
    sys.path.insert(0, str(ROOT))
    main()
