"""Scores of a classifier, with intervals."""

import numpy as np

from priv_keras import metrics
from priv_keras.pixels import to_float


def labelled(dataset, label, batch_size):
    """Returns batches `(clips, labels)` of a dataset, see `filtering.filtered`.

    Args:
        dataset: Unbatched dataset with uint8 clips.
        label: Which label, `actions` or `budget_labels`.
        batch_size: Int.
    """
    return dataset.map(
        lambda example: (to_float(example["clips"]), example[label])
    ).batch(batch_size)


def outputs(model, dataset, label, batch_size):
    """Runs a classifier over a test split.

    Args:
        model: Model from clips to logits.
        dataset, label, batch_size: See `labelled`.

    Returns:
        Triple of arrays: the labels, the logits `(clips, classes)` and the
        video ids `(clips,)`.
    """
    batches = [
        (
            batch[label].numpy(),
            model(to_float(batch["clips"])).numpy(),
            batch["video"].numpy(),
        )
        for batch in dataset.batch(batch_size)
    ]
    return tuple(map(np.concatenate, zip(*batches, strict=True)))


def score(model, dataset, label, batch_size):
    """Scores how well a classifier reads a label on a test split.

    Args:
        model, dataset, label, batch_size: See `outputs`.

    Returns:
        What `figures` returns.
    """
    return figures(*outputs(model, dataset, label, batch_size))


def figures(labels, logits, videos):
    """Returns the figures of a classifier on a test split.

    Args:
        labels: Ints `(clips,)`; or 0, 1 or -1, `(clips, attributes)`, see
            `metrics.average_precisions`.
        logits: Floats `(clips, classes)` or `(clips, attributes)`.
        videos: Video ids `(clips,)`.

    Returns:
        Dict. For a single label: `accuracy` per clip, and `video_accuracy`
        from logits averaged over the clips of a video. For attributes: `cmap`,
        `average_precisions` (`None` for an attribute that no clip shows) and
        `prevalence`, their chance levels. For both: `interval`, that of the
        first figure at 95 % by bootstrap over videos; `f1`, the mean over
        classes; `clips` and `videos`, their numbers; and `detail`, from which
        figures are drawn: `confusion`, or `counts` for attributes, see
        `metrics.threshold_counts`.
    """
    measure = attributes_score if labels.ndim == 2 else accuracy_score
    return {
        **measure(labels, logits, videos),
        "clips": len(labels),
        "videos": len(np.unique(videos)),
    }


def accuracy_score(labels, logits, videos):
    """Returns the part of `figures` that is for a single label."""
    hits = logits.argmax(axis=1) == labels
    _, first, video = np.unique(videos, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), logits.shape[1]))
    np.add.at(sums, video, logits)
    return {
        "accuracy": float(hits.mean()),
        "interval": metrics.bootstrap_interval(
            lambda rows: hits[rows].mean(), videos
        ),
        "video_accuracy": float((sums.argmax(axis=1) == labels[first]).mean()),
        "f1": metrics.macro_f1(labels, logits.argmax(axis=1)),
        "detail": {
            "confusion": metrics.confusion(
                labels, logits.argmax(axis=1), logits.shape[1]
            )
        },
    }


def attributes_score(labels, logits, videos):
    """Returns the part of `figures` that is for attributes."""
    each = metrics.average_precisions(labels, logits)
    return {
        "cmap": metrics.class_mean_average_precision(labels, logits),
        "interval": metrics.bootstrap_interval(
            lambda rows: np.nanmean(
                metrics.average_precisions(labels[rows], logits[rows])
            ),
            videos,
            resamples=200,
        ),
        "f1": metrics.macro_f1(labels, (logits > 0).astype(int)),
        "average_precisions": [None if np.isnan(x) else float(x) for x in each],
        "prevalence": metrics.prevalence(labels).tolist(),
        "detail": {"counts": metrics.threshold_counts(labels, logits)},
    }
