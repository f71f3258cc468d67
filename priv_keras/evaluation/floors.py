"""Attackers without deep learning.

They take seconds and need no tuning, so they are a floor: a network that reads
less than they do has failed to learn, and tells nothing about f_A.
"""

import warnings
from typing import NamedTuple

import numpy as np

from priv_keras import metrics
from priv_keras.evaluation import scores
from priv_keras.runs import results

NAMES = tuple(
    f"{results.FLOOR}{kind}" for kind in ("linear", "kernel", "trees")
)
THUMBNAIL = 12  # cells along each side
CELLS = 4  # cells along each side in which directions of edges are counted
DIRECTIONS = 8
BANDS = 8  # of spatial frequency, up to the highest that pixels can hold
MOST = 4000  # training clips; kernels take time that grows with their square
TINY = 1e-9  # keeps logarithms finite


class Described(NamedTuple):
    """The clips of a split as numbers that simple classifiers can read."""

    features: dict  # name of a kind to floats (clips, features)
    labels: np.ndarray  # ints (clips,), or 0, 1 or -1, (clips, attributes)
    videos: np.ndarray  # ids (clips,)
    draws: np.ndarray  # ints (clips,), see `filtering.redrawn`


def describe(dataset, most=None, seed=0):
    """Describes the clips of a split.

    Args:
        dataset: Unbatched dataset, see `filtering.filtered`.
        most: Int, describes at most this many clips, drawn at random; `None`
            for all.
        seed: Int, of the draw.

    Returns:
        `Described`.
    """
    count = int(dataset.cardinality())
    order = np.random.default_rng(seed).permutation(count)
    kept = set(order[:most].tolist())
    examples = [
        example
        for i, example in enumerate(dataset.as_numpy_iterator())
        if i in kept
    ]
    kinds = {"thumbnails": thumbnails, "statistics": statistics}
    features = {
        name: np.stack([kind(example["clips"]) for example in examples])
        for name, kind in kinds.items()
    }
    features["both"] = np.concatenate(list(features.values()), axis=1)
    return Described(
        features,
        np.array([example["budget_labels"] for example in examples]),
        np.array([example["video"] for example in examples]),
        np.array([example.get("draw", 0) for example in examples]),
    )


def describe_all(splits, seed=0):
    """Returns a dict of split to `Described`; see `describe`."""
    return {
        "train": describe(splits["train"], MOST, seed),
        "validation": describe(splits["validation"], None, seed),
        "test": describe(scores.tested(splits), None, seed),
    }


def thumbnails(clip):
    """Returns the mean and the deviation over time of a clip's thumbnail.

    Args:
        clip: uint8 `(frames, height, width, 3)`.

    Returns:
        Floats `(features,)`.
    """
    cells = _cell_means(clip / np.float32(255), THUMBNAIL)
    return np.concatenate([cells.mean(0).ravel(), cells.std(0).ravel()])


def statistics(clip):
    """Returns histograms of colours and of edges, and the energy of each band
    of spatial frequency.

    Args:
        clip: uint8 `(frames, height, width, 3)`.

    Returns:
        Floats `(features,)`.
    """
    return np.concatenate([_colours(clip), _edges(clip), _energies(clip)])


def _colours(clip):
    """Returns the histogram of each channel, and one of all three together."""
    each = [
        np.bincount(channel, minlength=16)
        for channel in (clip >> 4).reshape(-1, 3).T
    ]
    together = (clip >> 6).reshape(-1, 3) @ np.array([16, 4, 1])
    counts = np.concatenate([*each, np.bincount(together, minlength=64)])
    return np.sqrt(counts * (3 / clip.size))


def _edges(clip):
    """Returns how strong edges of each direction are in each cell."""
    rows, columns = np.gradient(clip.mean(-1, dtype="float32"), axis=(1, 2))
    directions = np.arctan2(rows, columns) % np.pi * (DIRECTIONS / np.pi)
    one_hot = np.eye(DIRECTIONS, dtype="float32")
    strengths = (
        np.hypot(rows, columns)[..., None]
        * one_hot[directions.astype(int) % DIRECTIONS]
    )
    return np.sqrt(_cell_means(strengths, CELLS).mean(0).ravel())


def _energies(clip):
    """Returns the logarithm of the energy of each channel in each band."""
    height, width = clip.shape[1:3]
    power = np.abs(np.fft.rfft2(clip, axes=(1, 2))).mean(0) ** 2
    frequencies = np.hypot(
        np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    )
    highest = np.hypot(0.5, 0.5)
    band = np.minimum(frequencies / highest * BANDS, BANDS - 1).astype(int)
    energies = [
        np.bincount(band.ravel(), channel.ravel(), BANDS)
        for channel in np.moveaxis(power, -1, 0)
    ]
    return np.log(np.concatenate(energies) + 1)


def _cell_means(frames, cells):
    """Returns the means of `cells` by `cells` parts of each frame."""
    height, width = frames.shape[1:3]
    rows, columns = (np.arange(cells) * n // cells for n in (height, width))
    heights = np.maximum(np.diff(rows, append=height), 1)
    widths = np.maximum(np.diff(columns, append=width), 1)
    sums = np.add.reduceat(np.add.reduceat(frames, rows, 1), columns, 2)
    return sums / (heights[:, None, None] * widths[:, None])


def attack(name, described, classes, seed):
    """Trains a floor and tests it.

    What it reads and how smooth it is are chosen on validation.

    Args:
        name: String of `NAMES`.
        described: Dict of split to `Described`, see `describe_all`.
        classes: Int, number of classes or attributes.
        seed: Int.

    Returns:
        Dict of `scores.figures`, with the floor's `name`; `chosen`, how it was
        set up; `validation`, its accuracy or cMAP on validation clips; and
        `converged`, which is true.
    """
    train, validation, test = (
        described[split] for split in ("train", "validation", "test")
    )
    best = None
    for chosen, kind, model in _candidates(name, seed):
        with warnings.catch_warnings():
            # A solver that ends early is one more choice for validation.
            warnings.simplefilter("ignore")
            read = _fit(model, train.features[kind], train.labels, classes)
        found = _figure(validation.labels, read(validation.features[kind]))
        if best is None or found > best[0]:
            best = found, chosen, kind, read
    found, chosen, kind, read = best
    return {
        "name": name,
        **scores.figures(
            test.labels, read(test.features[kind]), test.videos, test.draws
        ),
        "chosen": chosen,
        "validation": found,
        "converged": True,
    }


def _candidates(name, seed):
    """Yields what a floor can be: a text, the features and a classifier."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    for kind in ("thumbnails", "statistics", "both"):
        if name == "floor_linear":
            for c in (0.01, 0.1, 1.0, 10.0):
                model = LogisticRegression(C=c, max_iter=300)
                yield f"{kind}, C={c:g}", kind, model
        elif name == "floor_kernel":
            for c in (1.0, 10.0):
                yield f"{kind}, C={c:g}", kind, SVC(C=c)
        else:
            model = ExtraTreesClassifier(200, random_state=seed, n_jobs=-1)
            yield kind, kind, model


def _fit(model, features, labels, classes):
    """Returns a callable from features to logits `(clips, classes)`."""
    if labels.ndim == 1:
        return _fit_classes(model, features, labels, classes)
    each = [_fit_attribute(model, features, column) for column in labels.T]
    return lambda x: np.stack([read(x) for read in each], axis=1)


def _fit_classes(model, features, labels, classes):
    if len(np.unique(labels)) == 1:
        return lambda x: np.tile(np.eye(classes)[labels[0]], (len(x), 1))
    fitted = _pipeline(model).fit(features, labels)

    def read(x):
        found = _scores(fitted, x)
        # Classes without a training clip are never named.
        logits = np.full((len(x), classes), found.min() - 1)
        logits[:, fitted.classes_] = found
        return logits

    return read


def _fit_attribute(model, features, labels):
    known = labels >= 0
    if len(np.unique(labels[known])) < 2:
        return lambda x: np.zeros(len(x))
    fitted = _pipeline(model).fit(features[known], labels[known])
    return lambda x: np.diff(_scores(fitted, x), axis=1)[:, 0]


def _pipeline(model):
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), clone(model))


def _scores(fitted, features):
    """Returns a score of each class that `fitted` knows."""
    if hasattr(fitted, "predict_proba"):
        return np.log(fitted.predict_proba(features) + TINY)
    margins = fitted.decision_function(features)
    if margins.ndim == 1:  # two classes
        return np.stack([-margins, margins], axis=1) / 2
    return margins


def _figure(labels, logits):
    if labels.ndim == 1:
        return float((logits.argmax(1) == labels).mean())
    return float(np.nanmean(metrics.average_precisions(labels, logits)))
