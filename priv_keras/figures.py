"""Figures of judged runs: Fig. 2, 3, 7 of the paper and what it lacks."""

import re

import numpy as np

from priv_keras import runs

# Okabe and Ito's, which colour-blind people tell apart.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#000000", "#999999"),
)
# What tells those apart that share a colour.
MARKS = "oDsP"
HATCHES = ("", "////", "....", "xxxx")
RAW = "#444444"
COUNTED = 30  # classes up to which a confusion matrix has numbers in it
CURVES = {
    "accuracy on validation": r"val_.*(accuracy|cmap).*",
    "loss, entropy": r"(target|budget).*(loss|entropy).*",
    "updates in a gated loop": r"(target|budget).*_steps",
}


def trade_off(points, judged):
    """A_T against A_B^N, a mark for each configuration.

    Top left is best. Marks grow with K, M or the rate; dashed lines are raw
    clips, dotted ones the commonest label or the attributes' prevalence; bars
    are 95 % intervals.

    Args:
        points: List of `runs.Point` of one arena.
        judged: List of the `runs.Run` in them.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.patheffects import withStroke

    figure, axes = _figure(5.6, 4.6)
    for number, (name, group) in enumerate(_series(points).items()):
        for i, (point, text) in enumerate(
            zip(group, _apart(group), strict=True)
        ):
            x, y = point.privacy, point.utility
            axes.errorbar(
                x.mean,
                y.mean,
                xerr=_reach(x),
                yerr=_reach(y),
                marker=MARKS[_round(number)],
                markersize=5 + 2 * np.sqrt(point.members),
                color=_colour(number),
                alpha=0.85,
                elinewidth=1,
                linestyle="none",
                label=None if i else name,
            )
            axes.annotate(
                text,
                (x.mean, y.mean),
                (7, -14 if i % 2 else 7),  # neighbours are often close
                textcoords="offset points",
                fontsize=8,
                path_effects=[withStroke(linewidth=2, foreground="white")],
            )
    distinct = runs.distinct(judged)
    utility, privacy = (
        np.mean([runs.value(read(run.result, "raw")) for run in distinct])
        for read in (runs.utility, runs.privacy)
    )
    _cross(axes, privacy, utility, "--", "raw clips")
    actions, labels = runs.chance(distinct)
    _cross(axes, labels, actions, ":", "chance")
    names = [found["name"] for found in judged[0].result["raw"]["attackers"]]
    axes.set(
        xlabel=f"A_B^{len(names)}, the strongest of {len(names)} attackers "
        "(less is more private)",
        ylabel="A_T (more is more useful)",
        xlim=(-0.02, 1.04),
        ylim=(-0.02, 1.04),
    )
    _legend(figure, axes)
    return figure


def attackers(points, judged):
    """Every attacker's figure, raw and after each configuration, as bars."""
    names = [found["name"] for found in judged[0].result["raw"]["attackers"]]
    raw = _by_attacker(runs.distinct(judged), "raw")
    sides = {
        i: (point.label, _by_attacker(point.runs, "anonymized"))
        for i, point in enumerate(points)
    }
    return _bars(names, sides, f"{_measure(judged)} of each attacker", raw)


def static_gap(points):
    """How much less an attacker finds that only ever saw raw clips.

    Static minus retrained: what a study leaves out that reports the former.

    Returns:
        Figure, or `None` where no run had `--attacks=static`.
    """
    sides = {}
    for i, point in enumerate(points):
        gaps = [_gap(run) for run in point.runs if _attack(run, "static")]
        if gaps:
            sides[i] = point.label, np.mean(gaps, axis=0)
    if not sides:
        return None
    judged = points[0].runs
    names = [a["name"] for a in judged[0].result["raw"]["attackers"]]
    title = f"{_measure(judged)}: static minus retrained"
    return _bars(names, sides, title)


def attribute_drops(point):
    """Average precision of each attribute, raw and anonymized (Sec. 5.5.2).

    Of the attacker that is best at it on that side; a tick is its prevalence,
    which a guess reaches.

    Returns:
        Figure, or `None` where attackers read no attributes.
    """
    run = point.runs[0]
    if "average_precisions" not in runs.privacy(run.result, "raw"):
        return None
    names = run.result["budget_labels"]
    raw, anonymized = (
        np.mean([_best_precisions(r, side) for r in point.runs], axis=0)
        for side in ("raw", "anonymized")
    )
    prevalence = np.array(
        runs.privacy(run.result, "raw")["prevalence"], dtype=float
    )
    figure, axes = _figure(5.6, 1.4 + 0.32 * len(names))
    rows = np.arange(len(names))[::-1]
    axes.hlines(rows, anonymized, raw, color="#BBBBBB", linewidth=2)
    axes.plot(raw, rows, "o", color=RAW, label="raw clips")
    axes.plot(anonymized, rows, "o", color=COLOURS[0], label=point.label)
    axes.plot(prevalence, rows, "|", color=COLOURS[1], ms=12, label="chance")
    axes.set_yticks(rows, names)
    axes.set(xlim=(-0.02, 1.02), xlabel="average precision, best attacker")
    _legend(figure, axes)
    return figure


def curves(run):
    """Validation, losses and inner steps of each party over the turns.

    Returns:
        Figure, or `None` of a baseline, which nobody trained.
    """
    if not run.turns:
        return None
    from matplotlib.figure import Figure

    figure = Figure((9, 2.8), layout="constrained")
    panels = figure.subplots(1, len(CURVES))
    for axes, (title, pattern) in zip(panels, CURVES.items(), strict=True):
        names = {name for turn in run.turns for name in turn}
        names = sorted(n for n in names if re.fullmatch(pattern, n))
        for colour, name in zip(COLOURS * 9, names, strict=False):
            found = [(t["turn"], t[name]) for t in run.turns if name in t]
            label = name.replace("_", " ")
            axes.plot(*zip(*found, strict=True), color=colour, label=label)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("turn")
        axes.tick_params(labelsize=8)
        _bare(axes)
        if len(names) <= 6:
            axes.legend(fontsize=7, frameon=False)
    return figure


def _figure(width, height):
    # Not through pyplot, which keeps figures and wants a backend.
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    axes = figure.subplots()
    _bare(axes)
    return figure, axes


def _bare(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)


def _colour(number):
    return COLOURS[number % len(COLOURS)]


def _round(number):
    """How often all colours were used before, as an index of MARKS, HATCHES."""
    return number // len(COLOURS) % len(MARKS)


def _series(points):
    """Those that differ in K, M or the rate alone, by their name."""
    names = dict.fromkeys(point.series for point in points)
    return {
        name: sorted(
            (point for point in points if point.series == name),
            key=lambda point: point.members,
        )
        for name in names
    }


def _legend(figure, axes):
    """Below the axes, for which the figure grows: as many columns as fit."""
    labels = axes.get_legend_handles_labels()[1]
    width, height = figure.get_size_inches()
    longest = max(map(len, labels))
    columns = max(1, int(width / (0.65 + 0.08 * longest)))
    rows = -(-len(labels) // columns)
    figure.set_size_inches(width, height + 0.2 * rows)
    figure.legend(
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=9,
    )


def _apart(group):
    """What tells each point from the others of its series: of `M=4, γ=2` the
    part that they do not share."""
    parts = [
        point.label.removeprefix(point.series).strip(" _").split(", ")
        for point in group
    ]
    shared = set.intersection(*map(set, parts))
    return [", ".join(p for p in each if p not in shared) for each in parts]


def _reach(estimate):
    # Of shares near 0 or 1, rounding may leave the mean outside.
    low, high = estimate.mean - estimate.low, estimate.high - estimate.mean
    return [[max(low, 0)], [max(high, 0)]]


def _cross(axes, x, y, style, label):
    axes.axvline(x, color=RAW, linestyle=style, linewidth=1, label=label)
    axes.axhline(y, color=RAW, linestyle=style, linewidth=1)


def _measure(judged):
    score = runs.privacy(judged[0].result, "raw")
    return "accuracy" if "accuracy" in score else "cMAP"


def _by_attacker(judged, side):
    """Means over runs, an array `(attackers,)`."""
    found = [
        [runs.value(score) for score in run.result[side]["attackers"]]
        for run in judged
    ]
    return np.mean(found, axis=0)


def confusion(counts, names, title):
    """What was taken for what: a row for each label, in percent of its clips.

    Up to `COUNTED` classes, each cell has its count as well.

    Args:
        counts: Ints, `classes` lists of `classes`, a row for each label.
        names: Of the classes.
        title: String.

    Returns:
        `matplotlib.figure.Figure`, larger for more classes: text has the size
        of a cell.
    """
    counts = np.array(counts)
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few = len(names) <= COUNTED
    cell, text = (0.4, 14) if few else (0.2, 8)  # inches, points
    side = max(2.0, cell * len(names))
    longest = max(map(len, names)) * text / 95  # inches
    figure, axes = _figure(side + longest + 1.7, side + longest + 1.2)
    shown = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    bar = figure.colorbar(shown, fraction=0.05 if few else 0.02, pad=0.02)
    bar.set_label("percent of the clips of a label", fontsize=text + 1)
    bar.ax.tick_params(labelsize=text)
    if few:
        _write_counts(axes, counts, percent, text)
    ticks = np.arange(len(names))
    axes.set_xticks(ticks, names, rotation=90, fontsize=text)
    axes.set_yticks(ticks, names, fontsize=text)
    axes.set_xlabel("taken for", fontsize=text + 1)
    axes.set_ylabel("label", fontsize=text + 1)
    axes.set_title(title, fontsize=text + 2)
    axes.grid(visible=False)
    return figure


def _write_counts(axes, counts, percent, size):
    size *= 3 / max(
        3, len(str(counts.max()))
    )  # digits that a cell has room for
    for row, column in np.argwhere(counts):
        axes.text(
            column,
            row,
            counts[row, column],
            ha="center",
            va="center",
            fontsize=size,
            color="white" if percent[row, column] > 60 else "black",
        )


def _attack(run, kind):
    return [a for a in run.result["attacks"] if a["attack"] == kind]


def _gap(run):
    static = [runs.value(score) for score in _attack(run, "static")]
    return np.subtract(static, _by_attacker([run], "anonymized"))


def _best_precisions(run, side):
    """Array `(attributes,)`, NaN where no label is positive."""
    found = [a["average_precisions"] for a in run.result[side]["attackers"]]
    return np.array(found, dtype=float).max(axis=0)


def _bars(groups, sides, title, raw=None):
    """Bars of each side beside each other, in each of `groups`.

    Args:
        groups: Names.
        sides: Dict of the number of a configuration to its label and heights.
        title: String.
        raw: Heights of raw clips, or `None`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    drawn = [] if raw is None else [("raw clips", raw, RAW, "")]
    drawn += [
        (label, heights, _colour(i), HATCHES[_round(i)])
        for i, (label, heights) in sides.items()
    ]
    figure, axes = _figure(max(5.6, 0.16 * len(groups) * len(drawn) + 3), 3.2)
    width = 0.8 / len(drawn)
    for i, (label, heights, colour, hatch) in enumerate(drawn):
        x = np.arange(len(groups)) + (i - (len(drawn) - 1) / 2) * width
        axes.bar(
            x,
            heights,
            width,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=label,
        )
    axes.axhline(0, color="black", linewidth=0.8)
    turned = {"rotation": 30, "ha": "right"} if len(groups) > 4 else {}
    axes.set_xticks(np.arange(len(groups)), groups, **turned)
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", visible=False)
    _legend(figure, axes)
    return figure
