"""Memory of anonymizing long films: `python benchmarks/anonymize_memory.py`.

Measures the peak memory of a process that anonymizes a short film and of one
that anonymizes a long one, both of 320x240, with the light f_A in TFLite int8
with random weights, or with `--model`. Writes
`benchmarks/results/anonymize_memory.md`.
"""

import argparse
import multiprocessing
import pathlib
import re
import subprocess
import sys
import tempfile

import anonymize
import export
import machine

RESULTS = anonymize.RESULTS.with_stem("anonymize_memory")
SIZE = (320, 240)
NETWORK, FORMAT = "lite", "TFLite int8"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--minutes", type=float, nargs=2, default=(1.0, 30.0))
    parser.add_argument("--films", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.films:
        print(peak_mib(args.model, *map(pathlib.Path, args.films)))
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = args.model or exported(folder)
        peaks = [in_a_process(model, m, folder) for m in args.minutes]
    RESULTS.write_text(report(args, peaks))
    print(RESULTS.read_text())


def exported(folder):
    context = multiprocessing.get_context("spawn")
    path = folder / "model"
    export.apart(context, export.export, NETWORK, FORMAT, path)
    return path


def in_a_process(model, minutes, folder):
    source = folder / "in.mp4"
    anonymize.write_film(source, SIZE, round(minutes * 60 * 25))
    done = subprocess.run(
        [sys.executable, __file__, f"--model={model}"]
        + ["--films", str(source), str(folder / "out.mp4")],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout)


def peak_mib(model, source, output):
    """Returns the peak resident MiB of this process after one film."""
    anonymize.run(source, output, anonymize.loaded(model).stream)
    status = pathlib.Path("/proc/self/status").read_text()
    # Not `ru_maxrss`, which starts at what the parent had.
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


def report(args, peaks):
    (short, long), (before, after) = args.minutes, peaks
    model = args.model or f"the {NETWORK} f_A, {FORMAT}"
    return (
        "# Memory of anonymizing films\n\n"
        f"Made by `python benchmarks/anonymize_memory.py` on "
        f"{machine.name()}. With {model}, films of {SIZE[0]}x{SIZE[1]} at 25 "
        "frames/s, H.264 to H.264, a process each: peak memory "
        f"{before} MiB for {short:g} min, {after} MiB for {long:g} min "
        f"({after / before - 1:+.1%}).\n"
    )


if __name__ == "__main__":
    main()
