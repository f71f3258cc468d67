"""Figures of merit, their chance levels and their intervals."""

import functools
import warnings

import numpy as np


def chance(labels):
    """Computes the accuracy of naming the commonest class, and of guessing.

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


def accuracy_intervals(hits, groups, *, level=0.95, together=False):
    """Computes intervals of accuracies on the same clips.

    Clips of one video stand or fall together. So these are Wilson's intervals
    for as many independent clips as would tell as much, with Student's
    quantile over videos; and for 0 and 1, the exact ones of Clopper and
    Pearson over videos.

    Args:
        hits: Bools `(clips, attackers)`, whether each was right.
        groups: Video ids `(clips,)`.
        level: Float in (0, 1), the coverage.
        together: Bool, whether the intervals hold all at once, rather than
            each by itself, with this probability.

    Returns:
        Floats `(attackers, 2)` in [0, 1], the ends of the intervals.
    """
    from scipy import stats

    sums, sizes = _by_video(np.asarray(hits, float), groups)
    videos, clips = len(sizes), sizes.sum()
    if videos == 1:
        return np.tile([0.0, 1.0], (sums.shape[1], 1))
    rates = sums.sum(0) / clips
    errors = sums - rates * sizes[:, None]
    tail = _tail(errors, level) if together else (1 - level) / 2
    spread = (errors**2).sum(0) * videos / (videos - 1)
    known = np.divide(
        rates * (1 - rates) * clips**2,
        spread,
        out=np.full(len(rates), float(videos)),
        where=spread > 0,
    ).clip(videos / 2, clips)
    z2 = stats.t.isf(tail, videos - 1) ** 2 / known
    middle = (rates + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (rates * (1 - rates) + z2 / 4)) / (1 + z2)
    low, high = middle - half, middle + half
    exact = tail ** (1 / videos)
    low = np.select([rates == 0, rates == 1], [0.0, exact], low)
    high = np.select([rates == 0, rates == 1], [1 - exact, 1.0], high)
    return np.stack([low, high], axis=1)


def _by_video(values, groups):
    """Returns the sums over each video `(videos, ...)`, and their clips."""
    _, video, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), *values.shape[1:]))
    np.add.at(sums, video, values)
    return sums, sizes


@functools.cache
def _normal(draws, videos):
    return np.random.default_rng(0).standard_normal((draws, videos))


def _tail(errors, level, draws=1000):
    """Returns the share that intervals leave out on each side if they are to
    hold all at once.

    It is found by a bootstrap with normal weights over videos, which knows how
    far attackers are wrong about the same videos.

    Args:
        errors: Floats `(videos, attackers)`, by how much the sum of each video
            differs from the mean.
        level: Float in (0, 1), the coverage of all.
        draws: Int, number of bootstrap samples.
    """
    from scipy import stats

    length = np.sqrt((errors**2).sum(0))
    unit = errors / np.where(length > 0, length, 1)
    furthest = np.abs(_normal(draws, len(errors)) @ unit).max(1)
    return min(stats.norm.sf(np.quantile(furthest, level)), (1 - level) / 2)


def together(measure, groups, *, level=0.95, resamples=200, seed=0):
    """Computes intervals that hold all at once, by bootstrap over videos.

    Args:
        measure: Callable that takes an int array, the rows drawn, and returns
            the figures of several attackers on these rows.
        groups: Video ids `(clips,)`.
        level: Float in (0, 1), the coverage of all.
        resamples: Int, number of bootstrap samples.
        seed: Int.

    Returns:
        Floats `(attackers, 2)` in [0, 1], the ends of the intervals.
    """
    figures = np.array(measure(np.arange(len(groups))))
    drawn = np.array(
        [measure(rows) for rows in _draws(groups, resamples, seed)]
    )
    deviation = np.nanstd(drawn, axis=0)
    furthest = np.nanmax(
        np.abs(drawn - figures) / np.maximum(deviation, 1e-9), axis=1
    )
    reach = np.nanquantile(furthest, level) * deviation
    ends = np.stack([figures - reach, figures + reach], axis=1)
    return ends.clip(0, 1)


def _draws(groups, resamples, seed):
    """Yields the rows of each bootstrap sample of videos."""
    _, video = np.unique(groups, return_inverse=True)
    order = np.argsort(video, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(video))[:-1])
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = rng.integers(len(rows), size=len(rows))
        yield np.concatenate([rows[i] for i in drawn])


def bootstrap_interval(measure, groups, *, level=0.95, resamples=1000, seed=0):
    """Computes the interval of a figure by bootstrap over videos.

    Clips of one video stand or fall together, so videos are drawn, not clips.

    Args:
        measure: Callable that takes an int array, the rows drawn, and returns
            the figure of these rows, or NaN if they have none.
        groups: Video ids `(clips,)`.
        level: Float in (0, 1), the coverage.
        resamples: Int, number of bootstrap samples.
        seed: Int.

    Returns:
        Pair of floats, the ends of the interval.
    """
    figures = [measure(rows) for rows in _draws(groups, resamples, seed)]
    tail = (1 - level) / 2
    low, high = np.nanquantile(figures, [tail, 1 - tail])
    # Without any spread, what is not seen in so many videos may still be.
    unseen = 1 - tail ** (1 / len(np.unique(groups)))
    if high == 0:
        return 0.0, float(unseen)
    if low == 1:
        return float(1 - unseen), 1.0
    return float(low), float(high)


def mean_interval(values, level=0.95):
    """Computes Student's t interval of a mean over independent runs.

    A bootstrap would be too narrow: resamples of 3 to 5 runs spread far less
    than the runs do.

    Args:
        values: Two or more floats.
        level: Float in (0, 1), the coverage.

    Returns:
        Pair of floats, the ends of the interval.
    """
    from scipy import stats

    if np.ptp(values) == 0:
        return values[0], values[0]
    low, high = stats.t.interval(
        level, len(values) - 1, np.mean(values), stats.sem(values)
    )
    return float(low), float(high)


def average_precisions(labels, scores):
    """Computes the average precision of each attribute.

    Args:
        labels: Array `(n, attributes)` of 0 or 1, or of -1 for labels that are
            not known; these are not counted.
        scores: Floats `(n, attributes)`, logits or probabilities: the higher,
            the likelier the attribute is present.

    Returns:
        Float array `(attributes,)`, in [0, 1]; NaN for an attribute that no
        label shows, since there is nothing to find.
    """
    from sklearn.metrics import average_precision_score

    labels, scores = np.asarray(labels), np.asarray(scores)
    return np.array(
        [
            average_precision_score(y[y >= 0], score[y >= 0])
            if (y > 0).any()
            else np.nan
            for y, score in zip(labels.T, scores.T, strict=True)
        ]
    )


def prevalence(labels):
    """Computes how often each attribute is present, among known labels.

    Args:
        labels: See `average_precisions`.

    Returns:
        Float array `(attributes,)` in [0, 1]; NaN for an attribute without
        known labels.
    """
    labels = np.asarray(labels)
    return np.nanmean(np.where(labels < 0, np.nan, labels), axis=0)


def confusion(labels, predictions, classes):
    """Counts how often each class was taken for each.

    Args:
        labels, predictions: Ints `(n,)`.
        classes: Int, number of classes.

    Returns:
        List of `classes` lists of `classes` ints, one row for each label.
    """
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predictions), 1)
    return counts.tolist()


def threshold_counts(labels, logits, thresholds=41):
    """Counts what a precision-recall curve of each attribute is drawn from.

    Args:
        labels: See `average_precisions`.
        logits: Floats `(n, attributes)`.
        thresholds: Int, number of probabilities, spaced evenly from 0 to 1.

    Returns:
        Dict of lists: `true_positives` and `false_positives`, one count for
        each attribute and threshold; `positives` and `negatives`, one count
        for each attribute.
    """
    from scipy.special import expit

    steps = np.linspace(0, 1, thresholds)[:, None, None]
    found = expit(np.asarray(logits, float)) >= steps
    labels = np.asarray(labels)
    return {
        "true_positives": (found & (labels > 0)).sum(1).T.tolist(),
        "false_positives": (found & (labels == 0)).sum(1).T.tolist(),
        "positives": (labels > 0).sum(0).tolist(),
        "negatives": (labels == 0).sum(0).tolist(),
    }


def macro_f1(labels, predictions):
    """Computes the mean F1 over classes.

    Args:
        labels: Ints `(n,)`; or 0, 1 or -1, `(n, attributes)`, see
            `average_precisions`.
        predictions: Ints of the same shape.

    Returns:
        Float in [0, 1]. For single labels, the mean is over the classes that
        occur in either; for attributes, over those that some label or
        prediction shows.
    """
    from sklearn.metrics import f1_score

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim == 1:
        return float(f1_score(labels, predictions, average="macro"))
    each = [
        f1_score(y[y >= 0], p[y >= 0], zero_division=np.nan)
        for y, p in zip(labels.T, predictions.T, strict=True)
        if (y >= 0).any()
    ]
    return float(np.nanmean(each))


def class_mean_average_precision(labels, scores):
    """Computes cMAP (Sec. 4.2), the mean average precision over attributes.

    Uninformative scores reach the prevalence of an attribute, the share of
    labels that are 1.

    Args:
        labels, scores: See `average_precisions`.

    Returns:
        Float in [0, 1]. Attributes that no label shows are left out, and a
        warning names their indices.
    """
    found = average_precisions(labels, scores)
    absent = np.flatnonzero(np.isnan(found))
    if len(absent):
        warnings.warn(
            f"No label of the attributes {absent.tolist()} is 1: they are left "
            "out of cMAP.",
            RuntimeWarning,
            stacklevel=2,
        )
    return float(np.nanmean(found))
