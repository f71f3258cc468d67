"""What a classifier has right, with intervals."""

import numpy as np

from priv_keras import metrics
from priv_keras.pixels import to_float


def labelled(dataset, label, batch_size):
    return dataset.map(
        lambda example: (to_float(example["clips"]), example[label])
    ).batch(batch_size)


def outputs(model, dataset, label, batch_size):
    """What a classifier says of a test split.

    Args:
        model: Model from clips to logits.
        dataset: Unbatched dataset, as of `filtered`.
        label: Which label, `actions` or `budget_labels`.
        batch_size: Int.

    Returns:
        Arrays: the labels, the logits `(clips, classes)`, the video ids
        `(clips,)`.
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
    """How well a classifier reads a label on a test split.

    Args:
        model, dataset, label, batch_size: As of `outputs`.

    Returns:
        Dict. Of a single label: `accuracy` per clip, `video_accuracy` from
        logits averaged over the clips of a video. Of a multi-label one:
        `cmap`, `average_precisions` (`None` for an attribute that nothing
        shows) and `prevalence`, their chance levels. Of both: `interval` of
        the first at 95 % by bootstrap over videos, `f1`, the classes' mean,
        `clips` and `videos`; and `detail`, for pictures: `confusion`, or of
        attributes `counts`, see `metrics.threshold_counts`.
    """
    labels, logits, videos = outputs(model, dataset, label, batch_size)
    measure = attributes_score if labels.ndim == 2 else accuracy_score
    return {
        **measure(labels, logits, videos),
        "clips": len(labels),
        "videos": len(np.unique(videos)),
    }


def accuracy_score(labels, logits, videos):
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
