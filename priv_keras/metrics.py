"""Figures of merit, their chance levels and their intervals."""

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
    _, video = np.unique(groups, return_inverse=True)
    order = np.argsort(video, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(video))[:-1])
    rng = np.random.default_rng(seed)
    figures = []
    for _ in range(resamples):
        drawn = rng.integers(len(rows), size=len(rows))
        figures.append(measure(np.concatenate([rows[i] for i in drawn])))
    tail = (1 - level) / 2
    low, high = np.nanquantile(figures, [tail, 1 - tail])
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
