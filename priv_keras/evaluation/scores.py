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
        Four arrays: the labels, the logits `(clips, classes)`, the video ids
        `(clips,)` and the draws `(clips,)`, see `filtering.redrawn`.
    """
    known = [
        (example[label], example["video"], example.get("draw", 0))
        for example in dataset.as_numpy_iterator()
    ]
    labels, videos, draws = map(np.array, zip(*known, strict=True))
    clips = dataset.map(lambda example: to_float(example["clips"]))
    # Filled up with the first clips: another last batch would be traced anew.
    full = -(-len(known) // batch_size) * batch_size
    batches = clips.repeat().take(full).batch(batch_size)
    logits = model.predict(batches, verbose=0)[: len(known)]
    return labels, logits, videos, draws


def tested(splits):
    """Returns the test split: with several draws of f_A's noise, if there are.

    Args:
        splits: Dict with `test`, and perhaps `redrawn`.
    """
    return splits.get("redrawn", splits["test"])


def score(model, dataset, label, batch_size):
    """Scores how well a classifier reads a label on a test split.

    Args:
        model, dataset, label, batch_size: See `outputs`.

    Returns:
        What `figures` returns.
    """
    return figures(*outputs(model, dataset, label, batch_size))


def figures(labels, logits, videos, draws=None):
    """Returns the figures of a classifier on a test split.

    Args:
        labels: Ints `(clips,)`; or 0, 1 or -1, `(clips, attributes)`, see
            `metrics.average_precisions`.
        logits: Floats `(clips, classes)` or `(clips, attributes)`.
        videos: Video ids `(clips,)`.
        draws: Ints `(clips,)`, see `filtering.redrawn`; `None` if each clip
            is there once.

    Returns:
        Dict, with means over draws. For a single label: `accuracy` per clip,
        and `video_accuracy` from logits averaged over the clips of a video in
        one draw. For attributes, of which all draws are ranked at once: `cmap`,
        `average_precisions` (`None` for an attribute that no clip shows) and
        `prevalence`, their chance levels. For both: `interval`, that of the
        first figure at 95 % over videos; `f1`, the mean over classes; `clips`,
        `videos` and `draws`, their numbers; and `detail`, from which figures
        are drawn: `confusion`, or `counts` for attributes, see
        `metrics.threshold_counts`; and `read`, what was read in each clip, see
        `strongest` and `ensemble`.
    """
    if draws is None:
        draws = np.zeros(len(labels), int)
    measure = attributes_score if labels.ndim == 2 else accuracy_score
    count = len(np.unique(draws))
    return {
        **measure(labels, logits, videos, draws),
        "clips": len(labels) // count,
        "videos": len(np.unique(videos)),
        "draws": count,
    }


def accuracy_score(labels, logits, videos, draws):
    """Returns the part of `figures` that is for a single label."""
    hits = logits.argmax(axis=1) == labels
    # Nobody can average a clip over draws: who attacks sees one.
    _, video = np.unique(videos, return_inverse=True)
    _, first, video = np.unique(
        draws * len(videos) + video, return_index=True, return_inverse=True
    )
    sums = np.zeros((len(first), logits.shape[1]))
    np.add.at(sums, video, logits)
    return {
        "accuracy": float(hits.mean()),
        "interval": metrics.accuracy_intervals(hits[:, None], videos)[
            0
        ].tolist(),
        "video_accuracy": float((sums.argmax(axis=1) == labels[first]).mean()),
        "f1": metrics.macro_f1(labels, logits.argmax(axis=1)),
        "detail": {
            "confusion": metrics.confusion(
                labels, logits.argmax(axis=1), logits.shape[1]
            ),
            "read": {
                "videos": [_text(name) for name in videos],
                "draws": draws.tolist(),
                "hits": hits.tolist(),
                "labels": labels.tolist(),
                "logits": logits.tolist(),
            },
        },
    }


def attributes_score(labels, logits, videos, draws):
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
        "detail": {
            "counts": metrics.threshold_counts(labels, logits),
            "read": {
                "videos": [_text(video) for video in videos],
                "draws": draws.tolist(),
                "labels": labels.tolist(),
                "logits": logits.tolist(),
            },
        },
    }


def _text(video):
    return video.decode() if isinstance(video, bytes) else str(video)


def strongest(attackers):
    """Returns what is known of the strongest of several attackers.

    The highest of several figures on the same clips is too high, and its own
    interval too low, even if no attacker is better than the others.

    Args:
        attackers: List of dicts of `figures`, each with a `name` and
            `validation`, its figure on validation clips.

    Returns:
        Dict: `interval` of the figure of the strongest at 95 %, from intervals
        that hold for all attackers at once; `chosen`, the name of the one that
        validation prefers, whose figure on test clips is not too high.
    """
    read = [attacker["detail"]["read"] for attacker in attackers]
    videos = np.array(read[0]["videos"])
    if "hits" in read[0]:
        hits = np.array([each["hits"] for each in read]).T
        ends = metrics.accuracy_intervals(hits, videos, together=True)
    else:
        labels = np.array(read[0]["labels"])
        logits = [np.array(each["logits"]) for each in read]
        ends = metrics.together(
            lambda rows: [
                np.nanmean(metrics.average_precisions(labels[rows], x[rows]))
                for x in logits
            ],
            videos,
        )
    chosen = max(attackers, key=lambda attacker: attacker["validation"])
    return {"interval": ends.max(0).tolist(), "chosen": chosen["name"]}


def ensemble(attackers):
    """Scores an attacker that averages the logits of several.

    Args:
        attackers: List of two or more dicts of `figures` on the same clips.

    Returns:
        Dict of `figures`, with a `name`.
    """
    read = [attacker["detail"]["read"] for attacker in attackers]
    logits = np.mean([each["logits"] for each in read], axis=0)
    labels, videos, draws = (
        np.array(read[0][name]) for name in ("labels", "videos", "draws")
    )
    return {
        "name": f"{len(attackers)} networks",
        **figures(labels, logits, videos, draws),
    }
