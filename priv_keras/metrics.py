"""How figures are summed up: chance levels and intervals."""

import warnings

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


def bootstrap_interval(measure, groups, *, level=0.95, resamples=1000, seed=0):
    """Interval of a figure by bootstrap over videos.

    Clips of one video stand or fall together, so videos are drawn, not clips.

    Args:
        measure: Callable of an int array, the rows drawn, that returns the
            figure of these rows; NaN where they have none.
        groups: Video ids `(clips,)`.
        level: Float in (0, 1), the coverage.
        resamples: Int.
        seed: Int.

    Returns:
        Pair of floats, the interval's ends.
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
    """Interval of a mean over independent runs, by Student's t.

    Not by bootstrap: of 3 to 5 runs, resamples spread far less than runs do.

    Args:
        values: Two floats or more.
        level: Float in (0, 1), the coverage.

    Returns:
        Pair of floats, the interval's ends.
    """
    from scipy import stats

    if np.ptp(values) == 0:
        return values[0], values[0]
    low, high = stats.t.interval(
        level, len(values) - 1, np.mean(values), stats.sem(values)
    )
    return float(low), float(high)


def average_precisions(labels, scores):
    """Average precision of each attribute.

    Args:
        labels: 0 or 1, array `(n, attributes)`; -1 where it is not known, which
            is not counted.
        scores: Floats `(n, attributes)`, higher where an attribute seems
            present: logits or probabilities.

    Returns:
        Float array `(attributes,)`, in [0, 1]; NaN where no label is 1, for
        then there is nothing to find.
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
    """How often each attribute is present, where that is known.

    Args:
        labels: As of `average_precisions`.

    Returns:
        Float array `(attributes,)` in [0, 1]; NaN where nothing is known.
    """
    labels = np.asarray(labels)
    return np.nanmean(np.where(labels < 0, np.nan, labels), axis=0)


def confusion(labels, predictions, classes):
    """How often a class was taken for which.

    Args:
        labels, predictions: Ints `(n,)`.
        classes: Int, how many there are.

    Returns:
        Lists of ints, `classes` of `classes`: a row for each label.
    """
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predictions), 1)
    return counts.tolist()


def threshold_counts(labels, logits, thresholds=41):
    """What a precision-recall curve of each attribute is drawn from.

    Args:
        labels: As of `average_precisions`.
        logits: Floats `(n, attributes)`.
        thresholds: Int, of the probability, evenly from 0 to 1.

    Returns:
        Dict of lists: `true_positives` and `false_positives`, counts of each
        attribute at each threshold; `positives` and `negatives`, of each.
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
    """The mean of the classes' F1.

    Args:
        labels: Ints `(n,)`, or 0, 1 or -1, `(n, attributes)`, as of
            `average_precisions`.
        predictions: Ints of the same shape.

    Returns:
        Float in [0, 1]. Of single labels, over the classes that are in either;
        of attributes, over those that some label or prediction shows.
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
    """cMAP (Sec. 4.2): the mean of the attributes' average precisions.

    Scores that know nothing reach an attribute's prevalence, the share of
    labels that are 1.

    Args:
        labels, scores: As of `average_precisions`.

    Returns:
        Float in [0, 1]. Attributes without a label of 1 are left out, and a
        warning numbers them.
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
