"""Linkage: can two clips be told to be of one person, whom nobody trained on?

VoicePrivacy asks this of voices (Tomashenko et al., arXiv:2203.12468), with the
same attackers. A classifier learns to name some people. What it computes before
its last layer is the embedding of a clip, and clips of other people, whom it
has never seen, are linked if their embeddings point the same way.
"""

import functools
from typing import NamedTuple

import keras
import numpy as np
import scipy.linalg

from priv_keras import metrics
from priv_keras.evaluation import floors
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL
from priv_keras.networks.budgets import over_frames
from priv_keras.runs import results

DISCRIMINANTS = f"{results.FLOOR}discriminants"
RIDGE = 0.1  # variance that no feature is less than, where 1 is the mean
ACCEPTED = 0.01  # share of pairs of two people that are taken for one
RESAMPLES = 200  # of the bootstrap
ROUNDING = 1e-5  # of a feature's size: differences below it are no difference


class Kind(NamedTuple):
    """What an attacker knows: raw clips, or f_A's output."""

    trained: str  # the side that its network trains on
    enrolled: str  # the side of the clips whose people it knows
    tried: str  # the side of the clips that it links to them


# The attackers of VoicePrivacy, whose semi-informed one is here informed, since
# it trains on what f_A itself has filtered; and raw clips for the scale.
KINDS = {
    "raw": Kind("raw", "raw", "raw"),
    "ignorant": Kind("raw", "raw", "anonymized"),
    "lazily informed": Kind("raw", "anonymized", "anonymized"),
    "informed": Kind("anonymized", "anonymized", "anonymized"),
}


class Embedded(NamedTuple):
    """The clips of a split as vectors."""

    vectors: np.ndarray  # floats (clips, features)
    people: np.ndarray  # ints (clips,)
    videos: np.ndarray  # ids (clips,)


def embedder(classifier):
    """Returns the network that embeds a clip, which shares its weights.

    Args:
        classifier: Model of `attackers.build`, without pretrained weights.

    Returns:
        Model from clips `(batch, frames, height, width, channels)` in [0, 1]
        to what the last layer with weights reads, averaged over frames:
        `(batch, features)`.
    """
    (network,) = (
        layer.layer
        for layer in classifier.layers
        if isinstance(layer, PerFrame)
    )
    last = [layer for layer in network.layers if layer.weights][-1]
    features = keras.layers.Flatten()(last.input)  # a 1x1 map in MobileNetV1
    return over_frames(
        keras.Model(network.inputs, features), network.input_shape[1:]
    )


def network(build, protocol, *, seed, callbacks=()):
    """Returns an attacker that learns embeddings; see `attack`.

    Args:
        build: Callable without arguments that returns an untrained classifier
            of people, see `embedder`.
        protocol: `two_step.Protocol`.
        seed, callbacks: See `two_step.train`.
    """

    def fit(splits):
        model = build()
        fitted = two_step.train(
            model,
            splits,
            "budget_labels",
            SINGLE_LABEL,
            protocol,
            seed=seed,
            callbacks=callbacks,
        )
        embedding = embedder(model)

        def embed(dataset):
            people, vectors, videos, _ = scores.outputs(
                embedding, dataset, "budget_labels", protocol.batch_size
            )
            return Embedded(vectors, people, videos)

        return embed, fitted

    return fit


def discriminants(seed):
    """Returns an attacker without deep learning, which reads what the floors
    read; see `attack`.

    Args:
        seed: Int, of the draw of clips if there are more than `floors.MOST`.
    """

    def fit(splits):
        from sklearn.preprocessing import StandardScaler

        def described(dataset):
            return floors.describe(dataset, floors.MOST, seed)

        known = described(splits["train"])
        scaler = StandardScaler().fit(known.features["both"])
        axes = _axes(scaler.transform(known.features["both"]), known.labels)

        def embed(dataset):
            found = described(dataset)
            vectors = scaler.transform(found.features["both"]) @ axes
            return Embedded(vectors, found.labels, found.videos)

        return embed, {}

    return fit


def _axes(features, people):
    """Returns the axes along which people differ most, for what one differs.

    These are Fisher's, `(features, people - 1)`. scikit-learn's have no ridge,
    without which there are none if all clips of a person are alike.
    """
    names, person = np.unique(people, return_inverse=True)
    means = np.stack([features[people == name].mean(0) for name in names])
    within = np.cov(features - means[person], rowvar=False)
    between = np.cov(means, rowvar=False)
    size = len(within)
    return scipy.linalg.eigh(
        between,
        within + RIDGE * np.eye(size),
        subset_by_index=(size - len(names) + 1, size - 1),
    )[1]


def attack(fit, sides):
    """Trains an attacker on each side, and links clips of other people.

    Args:
        fit: `network(...)` or `discriminants(...)`: a callable that takes the
            splits of a side, and returns a callable from a dataset to
            `Embedded` and a dict of what is known of the training.
        sides: Dict of `raw` and `anonymized` to dicts of `train`, `validation`,
            perhaps `fresh` (see `two_step.train`), `test`, clips of other
            people, and `trial`, the same clips filtered once more, since one
            draw of f_A's noise must not be on both sides of a pair.

    Returns:
        Dict of `KINDS` to what `figures` returns, and `training`, what
        `supervised.fit` says of a network.

    Raises:
        ValueError: If a person is in training and in test clips, or if there
            are no two people in the latter, or no two videos of a person.
    """
    _check(sides["raw"])
    fitted = {side: fit(splits) for side, splits in sides.items()}

    @functools.cache
    def embedded(trained, side, split):
        return fitted[trained][0](sides[side][split])

    found = {}
    for name, (trained, enrolled, tried) in KINDS.items():
        known = embedded(trained, enrolled, "train")
        parts = [
            embedded(trained, enrolled, "test"),
            embedded(trained, tried, "trial"),
        ]
        found[name] = {
            **figures(*(_centred(part, known.vectors) for part in parts)),
            "training": fitted[trained][1],
        }
    return found


def _check(splits):
    """Raises unless test clips are of unknown people and can be linked."""
    known, tested = (
        [
            (int(x["budget_labels"]), x["video"])
            for x in splits[split].as_numpy_iterator()
        ]
        for split in ("train", "test")
    )
    people = {person for person, _ in tested}
    if people & {person for person, _ in known}:
        raise ValueError("Training clips and test clips share people.")
    if len(people) < 2 or len(set(tested)) == len(people):
        raise ValueError(
            "Linkage needs test clips of two or more people, and two or more "
            "videos of a person."
        )


def _centred(part, known):
    """Returns `part` with unit vectors, seen from the mean of `known`; a vector
    that is there but for rounding is 0."""
    vectors = part.vectors - known.mean(0)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    least = ROUNDING * np.linalg.norm(part.vectors, axis=1, keepdims=True)
    unit = np.divide(
        *(vectors, length), out=np.zeros_like(vectors), where=length > least
    )
    return part._replace(vectors=unit)


def figures(enrolled, tried):
    """Returns how well pairs of an enrolled and a tried clip are linked.

    Args:
        enrolled, tried: `Embedded` of the same clips in the same order, with
            unit vectors.

    Returns:
        Dict of `MEASURES`, each a dict of its `value`, the 95 % `interval` and
        `chance`, what it is if nothing tells people apart; and the numbers of
        `people`, `clips` and `pairs`. Intervals are by bootstrap over people,
        not videos: all clips of one person are linked well or badly together,
        and what is asked is how well others would be.
    """
    pairs = trials(enrolled, tried)
    once = np.ones(len(tried.people), int)
    blind = pairs._replace(similarities=np.zeros(len(pairs.same)))
    found = {
        name: {
            "value": float(measure(pairs, once)),
            "interval": metrics.bootstrap_interval(
                lambda rows, measure=measure: measure(
                    pairs, np.bincount(rows, minlength=len(once))
                ),
                tried.people,
                resamples=RESAMPLES,
            ),
            "chance": float(measure(blind, once)),
        }
        for name, measure in MEASURES.items()
    }
    return {
        **found,
        "people": len(np.unique(tried.people)),
        "clips": len(tried.people),
        "pairs": len(pairs.same),
    }


class Trials(NamedTuple):
    """Pairs of clips of different videos, the most similar first."""

    enrolled: np.ndarray  # ints (pairs,), which clip
    tried: np.ndarray  # ints (pairs,)
    similarities: np.ndarray  # floats (pairs,)
    same: np.ndarray  # bools (pairs,), whether both are of one person


def trials(enrolled, tried):
    """Returns all pairs but those of clips of one video; see `figures`."""
    one, other = np.nonzero(enrolled.videos[:, None] != tried.videos)
    similarities = (enrolled.vectors @ tried.vectors.T)[one, other]
    order = np.argsort(-similarities, kind="stable")
    one, other = one[order], other[order]
    same = enrolled.people[one] == tried.people[other]
    return Trials(one, other, similarities[order], same)


def equal_error_rate(pairs, counts):
    """Returns the share of pairs that are judged wrongly, at the threshold at
    which it is the same for pairs of one person and of two.

    Args:
        pairs: `Trials`.
        counts: Ints `(clips,)`, how often each clip is drawn.

    Returns:
        Float in [0, 1], 0 if all pairs are told apart and 0.5 if none is; NaN
        unless there are pairs of both sorts.
    """
    wrong, right = _rates(pairs, counts)
    return np.interp(0, wrong + right - 1, wrong)


def true_accepts(pairs, counts):
    """Returns the share of pairs of one person that are found, at the threshold
    at which `ACCEPTED` of the others are taken for such; see
    `equal_error_rate`."""
    return np.interp(ACCEPTED, *_rates(pairs, counts))


def _rates(pairs, counts):
    """Returns the shares of pairs of two people, and of one, that each
    threshold accepts: floats `(thresholds + 1,)` from 0 to 1, or NaN.

    scikit-learn's `roc_curve` returns the same, but sorts all pairs for each
    sample of a bootstrap.
    """
    weights = counts[pairs.enrolled] * counts[pairs.tried]
    # Pairs that are as similar are accepted together.
    last = np.flatnonzero(np.diff(pairs.similarities, append=-np.inf))
    wrong, right = (
        np.append(0, np.cumsum(weights * chosen)[last])
        for chosen in (~pairs.same, pairs.same)
    )
    if not (wrong[-1] and right[-1]):
        return np.full((2, 1), np.nan)
    return wrong / wrong[-1], right / right[-1]


def rank_1(pairs, counts):
    """Returns the share of tried clips whose most similar enrolled clip is of
    the same person, among those who are enrolled by another video; where
    several are as similar, one is drawn. See `equal_error_rate`."""
    drawn = (counts[pairs.enrolled] > 0) & (counts[pairs.tried] > 0)
    _, tried, similarities, same = (each[drawn] for each in pairs)

    def number(chosen):
        return np.bincount(tried[chosen], minlength=len(counts))

    best = np.full(len(counts), -np.inf)
    np.maximum.at(best, tried, similarities)
    first = similarities == best[tried]
    known = number(same) > 0
    if not known.any():
        return np.nan
    shares = number(first & same)[known] / number(first)[known]
    return np.average(shares, weights=counts[known])


MEASURES = {"eer": equal_error_rate, "tar": true_accepts, "rank_1": rank_1}


def table(found):
    """Returns what attackers found, as lines of text.

    Args:
        found: Dict of the name of each attacker to what `attack` returns.
    """
    first = next(iter(found.values()))["raw"]
    lines = [
        f"{first['people']} people whom no attacker was trained on, "
        f"{first['clips']} clips, {first['pairs']} pairs",
        f"{'attacker':24}{'clips':18}{'EER':22}"
        f"{f'TAR at {ACCEPTED:.0%}':22}rank 1",
    ]
    for attacker, kinds in found.items():
        for kind, measured in kinds.items():
            eer, tar, rank = (_text(measured[name]) for name in MEASURES)
            lines.append(f"{attacker:24}{kind:18}{eer:22}{tar:22}{rank}")
    chance = [f"{first[name]['chance']:.3f}" for name in MEASURES]
    lines.append(f"{'chance':42}{chance[0]:22}{chance[1]:22}{chance[2]}")
    return "\n".join(lines)


def _text(figure):
    low, high = figure["interval"]
    return f"{figure['value']:.3f} [{low:.3f}, {high:.3f}]"
