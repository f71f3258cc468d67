"""How often intervals hold the truth: `python benchmarks/intervals.py`.

Simulates attackers of known accuracy, whose clips of one video stand or fall
together. Writes `benchmarks/results/intervals.md`.
"""

import argparse
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers")]
RESULTS = ROOT / "benchmarks" / "results" / "intervals.md"
RATES = (0.15, 0.5, 0.85)
# Videos, and clips of each; twelve are three clips in four draws of noise.
SIZES = ((94, 1), (40, 3), (21, 12), (10, 1))
# Attackers, the accuracy of each, and how far they err about the same clips.
TOGETHER = {
    "10 of one strength": (np.full(10, 0.3), 0.6),
    "5 from 0.1 to 0.5": (np.arange(1, 6) / 10, 0.0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    count = parser.parse_args().simulations
    lines = [
        "# How often intervals of 95 % hold the truth",
        "",
        f"Made by `python benchmarks/intervals.py` from {count} simulations "
        "each. The standard error of a share of 0.95 is "
        f"{np.sqrt(0.95 * 0.05 / count):.3f}.",
        "",
        "| videos | clips of each | attackers | accuracy | share |",
        "|---|---|---|---|---|",
    ]
    for videos, clips in SIZES:
        for rate in RATES:
            share = held(np.array([rate]), videos, clips, 0.0, count)
            lines.append(f"| {videos} | {clips} | 1 | {rate} | {share:.3f} |")
    for name, (rates, alike) in TOGETHER.items():
        share = held(rates, 94, 1, alike, count)
        lines.append(f"| 94 | 1 | {name} | all at once | {share:.3f} |")
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


def held(rates, videos, clips, alike, count):
    """Returns the share of simulations whose intervals hold all accuracies."""
    from simulated_hits import simulated

    from priv_keras import metrics

    found = []
    for hits, groups in simulated(rates, videos, clips, alike, count):
        low, high = metrics.accuracy_intervals(
            hits, groups, together=len(rates) > 1
        ).T
        found.append(((low <= rates) & (rates <= high)).all())
    return np.mean(found)


if __name__ == "__main__":
    main()
