"""Groups judged runs that can be compared, and estimates their figures."""

import itertools
import math
from typing import NamedTuple

from priv_keras import metrics
from priv_keras.runs import results
from priv_keras.runs.folder import RunFolder

METHODS = {"grl": "GRL", "kbeam": "K-Beam", "entropy": "Entropy"}
# Flags in which runs of one configuration may differ.
FREE = {
    "attacks",
    "data_dir",
    "inversion_steps",
    "inversion_width",
    "label_shares",
    "resume",
    "seed",
    "shared_dir",
}
# Flags that make attackers stronger or weaker: runs that differ in them do not
# compare.
STRENGTH = (
    "judge",
    "attacker_steps",
    "attacker_width",
    "attacker_weights",
    "attacker_views",
    "attacker_frames",
    "attacker_learning_rate",
    "attacker_batch_size",
    "raw_target_steps",
    "frames",
    "size",
)


def measure(run):
    """Returns what A_B is: `"accuracy"`, or `"cMAP"` for attributes."""
    score = results.privacy(run.result, "raw")
    return "accuracy" if "accuracy" in score else "cMAP"


def series(run):
    """Returns the series of a run in a figure, such as `Entropy+ lite`.

    A `+` stands for restarts of f_B; an f_A other than the paper's is named.
    """
    method = run.result["method"]
    if method not in METHODS:
        return method.rpartition("_")[0] if rate(run) else method
    restarts = (
        run.flags.get("restart_every", "0") != "0"
        or "restart_patience" in run.flags
    )
    network = run.flags.get("anonymizer", "full")
    other = "" if network == "full" else f" {network}"
    return METHODS[method] + "+" * restarts + other


def rate(run):
    """Returns the factor of a Naive Downsample, `None` for other runs."""
    last = run.result["method"].rpartition("_")[2]
    return int(last) if last.isdecimal() else None


def members(run):
    """Returns K or M, the number of budget models; for a baseline its `rate`,
    or 1."""
    if run.result["method"] in METHODS:
        return len(run.flags.get("budgets", "").split(","))
    return rate(run) or 1


def label(run):
    """Returns the name of a run's configuration, such as `Entropy+ M=4, γ=2`;
    K-Beam has no γ."""
    method = run.result["method"]
    if method not in METHODS:
        return method
    letter = "M" if method == "entropy" else "K"
    weight = gamma(run)
    return (
        f"{series(run)} {letter}={members(run)}"
        f"{f', γ={float(weight):g}' if weight else ''}"
    )


def gamma(run):
    """Returns the weight of the privacy cost as a string, `None` if there is
    none."""
    has = run.result["method"] in ("grl", "entropy")
    return run.flags.get("gamma") if has else None


def arena(run):
    """Returns what two runs must share for their figures to compare: data,
    private labels, scale, attackers and how those were trained."""
    attackers = (found["name"] for found in run.result["raw"]["attackers"])
    return (
        run.result["dataset"],
        run.flags.get("budget_dataset"),
        run.result["test_dataset"],
        run.result["scale"],
        tuple(run.result["budget_labels"]),
        *attackers,
        *(run.flags.get(name) for name in STRENGTH),
    )


def distinct(runs):
    """Returns the last run for each seed and folder of shards, so that the raw
    clips of methods that are compared do not count twice."""
    raw = {(run.result["seed"], run.flags.get("data_dir")): run for run in runs}
    return list(raw.values())


class Estimate(NamedTuple):
    """A figure and its 95 % interval."""

    mean: float
    low: float
    high: float


class Point(NamedTuple):
    """Runs of one configuration, which differ in seed or fold."""

    label: str
    series: str
    members: int
    utility: Estimate  # A_T
    privacy: Estimate  # A_B
    attackers: dict  # name of each attacker to its `Estimate`
    runs: list


def points(runs):
    """Groups runs that differ in seed, fold or further attacks alone.

    Args:
        runs: Iterable of `Run` of one arena.

    Returns:
        List of `Point`, in the order of first appearance. If configurations
        would have the same name, the flags that differ are added.
    """
    groups = {}
    for run in runs:
        fixed = {k: v for k, v in run.flags.items() if k not in FREE}
        key = (run.result["method"], *sorted(fixed.items()))
        groups.setdefault(key, []).append(run)
    groups = list(groups.values())
    return [
        _point(name, series(group[0]), members(group[0]), group, "anonymized")
        for name, group in zip(_names(groups), groups, strict=True)
    ]


def raw(runs):
    """Returns the `Point` of raw clips, with each seed and folder of shards
    once."""
    return _point("raw clips", "raw clips", 1, distinct(runs), "raw")


def _point(name, series, members, group, side):
    scores = [run.result[side]["attackers"] for run in group]
    return Point(
        name,
        series,
        members,
        estimate([results.utility(run.result, side) for run in group]),
        estimate([results.privacy(run.result, side) for run in group]),
        {each[0]["name"]: estimate(each) for each in zip(*scores, strict=True)},
        group,
    )


def _names(groups):
    """Returns a name for each group of runs: its label, and what tells groups
    of one label apart."""
    firsts = [group[0] for group in groups]
    alike = {}
    for run in firsts:
        alike.setdefault(label(run), []).append(run.flags)
    return [
        ", ".join([name, *_differing(run.flags, alike[name])])
        for name, run in zip(map(label, firsts), firsts, strict=True)
    ]


def _differing(flags, alike):
    """Yields, as text, the flags that are not the same in all of `alike`."""
    for name, text in flags.items():
        values = {other.get(name) for other in alike}
        if name not in FREE and len(values) > 1:
            short = text if len(text) < 30 else f"{text[:14]}…{text[-14:]}"
            yield f"{name}={short}"


class Attacked(NamedTuple):
    """What each attack found with one configuration."""

    label: str
    runs: int
    attacks: dict  # name of an attack to its `Estimate`
    attackers: dict  # name of an attack to the names of its strongest attackers


def by_attack(points):
    """Groups what the attacks found by configuration.

    A run counts only if it was judged by every attack that any of the runs was
    judged by.

    Args:
        points: List of `Point` of one arena.

    Returns:
        List of `Attacked`, empty if there are no attacks but the paper's.
    """
    found = [
        [results.attacks(run.result) for run in point.runs] for point in points
    ]
    every = max(itertools.chain(*found), key=len)
    if len(every) == 2:  # retrained, any
        return []
    rows = []
    for point, group in zip(points, found, strict=True):
        judged = [each for each in group if each.keys() == every.keys()]
        if judged:
            scores = {k: [each[k] for each in judged] for k in every}
            means = {k: estimate(found) for k, found in scores.items()}
            names = {k: by(found) for k, found in scores.items()}
            rows.append(Attacked(point.label, len(judged), means, names))
    return rows


def estimate(scores):
    """Returns the mean of scores with its interval.

    The interval is Student's t over several runs, and that of the score, by
    bootstrap over videos, for a single one. Runs with equal scores would have
    a t interval of no width: theirs covers the intervals of all scores.

    Args:
        scores: List of dicts, see `evaluation.scores.score`.

    Returns:
        `Estimate`.
    """
    values = [results.value(score) for score in scores]
    if len(set(values)) == 1:
        lows, highs = zip(*(s["interval"] for s in scores), strict=True)
        return Estimate(values[0], min(lows), max(highs))
    low, high = metrics.mean_interval(values)
    # A t interval does not know that all figures are shares.
    return Estimate(sum(values) / len(values), max(low, 0.0), min(high, 1.0))


def difference(pairs):
    """Returns the mean difference within pairs of scores, with its interval.

    The interval is Student's t over several runs. For a single run it combines
    those of both scores (Newcombe's method), as if they were independent.

    Args:
        pairs: List of pairs of dicts, see `evaluation.scores.score`.

    Returns:
        `Estimate` of the first minus the second.
    """
    gaps = [
        results.value(first) - results.value(second) for first, second in pairs
    ]
    if len(set(gaps)) > 1:
        low, high = metrics.mean_interval(gaps)
        return Estimate(sum(gaps) / len(gaps), max(low, -1.0), min(high, 1.0))
    (low1, high1), (low2, high2) = (score["interval"] for score in pairs[0])
    first, second = map(results.value, pairs[0])
    return Estimate(
        gaps[0],
        gaps[0] - math.hypot(first - low1, high2 - second),
        gaps[0] + math.hypot(high1 - first, second - low2),
    )


def by(scores):
    """Returns the names of the attackers that reached the scores, each once."""
    return ", ".join(dict.fromkeys(score["name"] for score in scores))


def row(run):
    """Returns the figures of a run as a flat dict, a line of `result.csv`."""
    result = run.result
    columns = {
        "run": run.name,
        "dataset": result["dataset"],
        "configuration": label(run),
        "method": result["method"],
        "members": members(run),
        "gamma": gamma(run),
        "seed": result["seed"],
        "turns": result["turns"],
    }
    took = RunFolder(run.folder).minutes
    columns["minutes"] = took.read_text() if took.exists() else None
    for side in ("raw", "anonymized"):
        for name, read in (("a_t", results.utility), ("a_b", results.privacy)):
            score = read(result, side)
            low, high = score["interval"]
            columns |= {
                f"{side}_{name}": results.value(score),
                f"{side}_{name}_low": low,
                f"{side}_{name}_high": high,
            }
        columns[f"{side}_strongest"] = results.privacy(result, side)["name"]
    for attack, score in results.attacks(result).items():
        if attack != "retrained":
            columns[f"anonymized_a_b {attack}"] = results.value(score)
    columns["untouched"] = result.get("untouched")
    columns["attackers"] = " ".join(
        found["name"] for found in result["raw"]["attackers"]
    )
    columns["chance_a_t"] = result["chance"]["actions"]["majority"]
    columns["chance_a_b"] = result["chance"]["budget_labels"]["majority"]
    return columns
