"""How figures are summed up: chance levels and intervals."""

import numpy as np


def chance(labels):
    """Accuracy of always naming the commonest class, and of a blind guess.

    Args:
        labels: Ints `(clips,)`.

    Returns:
        Dict: `majority`, the share of the commonest class among `labels`;
        `uniform`, one over the number of classes that occur.
    """
    counts = np.unique(labels, return_counts=True)[1]
    return {
        "majority": float(counts.max() / counts.sum()),
        "uniform": 1.0 / len(counts),
    }


def bootstrap_interval(hits, groups, *, level=0.95, resamples=2000, seed=0):
    """Interval of an accuracy by bootstrap over videos.

    Clips of one video stand or fall together, so videos are drawn, not clips.

    Args:
        hits: Booleans `(clips,)`.
        groups: Video ids `(clips,)`.
        level: Float in (0, 1), the coverage.
        resamples: Int.
        seed: Int.

    Returns:
        Pair of floats in [0, 1], the interval's ends.
    """
    _, video = np.unique(groups, return_inverse=True)
    right = np.bincount(video, weights=hits)
    clips = np.bincount(video)
    draws = np.random.default_rng(seed).integers(
        len(clips), size=(resamples, len(clips))
    )
    accuracies = right[draws].sum(axis=1) / clips[draws].sum(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(accuracies, [tail, 1 - tail])
    return float(low), float(high)
