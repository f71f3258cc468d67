"""Figures of judged runs: Fig. 2, 3 and 7 of the paper, and more."""

import itertools
import re
import textwrap

import numpy as np

from priv_keras.reports import annotations
from priv_keras.reports import comparison
from priv_keras.runs import results

# Inches. Text then has about its natural size on a page as narrow as a phone.
WIDTH = 4.8
# Okabe and Ito's colours, which colour-blind readers can tell apart. A method
# has the same colour in every figure.
COLOURS = {
    "Entropy": "#0072B2",
    "GRL": "#D55E00",
    "K-Beam": "#009E73",
    "downsample": "#CC79A7",
    "body": "#E69F00",
    "face": "#56B4E9",
}
# What tells methods of the same colour apart.
MARKS = {
    "": "o",
    "+": "P",
    " lite": "s",
    "+ lite": "X",
    "_box_black": "s",
    "_box_blur": "D",
    "_segmentation_black": "^",
    "_segmentation_blur": "v",
}
OTHER_MARKS = "<>*hpd8H"  # of methods that are not listed above
RAW = "#999999"
EDGE = "#333333"
COUNTED = 30  # classes up to which a confusion matrix has numbers in it
# The panels of `curves`: title, label of the axis, pattern of the figures.
PANELS = (
    (
        "Validation",
        "accuracy or cMAP\n(share, 0 to 1)",
        r"val_(target|budget)_.*(accuracy|cmap).*",
    ),
    (
        "Losses and entropies",
        "cross-entropy\nor entropy (nats)",
        r"(target|budget)_.*(loss|entropy).*",
    ),
    (
        "Updates in gated loops",
        "updates per turn",
        r"(target|budget)_(.*_)?steps",
    ),
)
PARTY = re.compile(r"(?:val_)?(target|budget)(?:_(\d+))?_(.+)")


def trade_off(points, judged):
    """Draws A_T against A_B, with a mark for each configuration.

    Top left is best. Marks grow with K, M or the rate of a baseline; bars are
    95 % intervals; dashed lines are chance, dotted ones raw clips.

    Args:
        points: List of `comparison.Point` of one arena.
        judged: List of the `runs.run.Run` in them.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure, axes = _figure(WIDTH, 4.4)
    raw = comparison.raw(judged)
    _mark(axes, raw, RAW, "*", "raw clips", zorder=4)
    _cross(axes, raw.privacy.mean, raw.utility.mean, ":")
    _cross(axes, *reversed(results.chance(raw.runs)), "--", label="chance")
    texts = [""]
    drawn = [raw]
    looks = _looks(points)
    for name, group in _series(points).items():
        for i, point in enumerate(group):
            _mark(axes, point, *looks[name], None if i else name)
        texts += _apart(group)
        drawn += group
    measure = comparison.measure(judged[0])
    unit = _unit(measure)
    names = ", ".join(raw.attackers)
    if len(raw.attackers) > 1:
        names = f"the strongest of {names}"
    names = textwrap.fill(f"A_B: {measure} of {names}", 60)
    axes.set_xlabel(f"{names}\n({unit}; lower is more private)")
    axes.set_ylabel("A_T: accuracy of f_T\n(share of clips; higher is better)")
    axes.set(xlim=(-0.02, 1.04), ylim=(-0.02, 1.04))
    _legend(figure, axes)
    places = [(point.privacy.mean, point.utility.mean) for point in drawn]
    annotations.annotate(axes, texts, places, [_size(p) for p in drawn])
    return figure


def attackers(points, judged):
    """Draws A_B by each attacker, on raw clips and with each configuration.

    Args:
        points, judged: See `trade_off`.

    Returns:
        Dict of each attacker's name to a `matplotlib.figure.Figure`.
    """
    raw = comparison.raw(judged)
    looks = {**_looks(points), raw.series: (RAW, None)}
    measure = comparison.measure(judged[0])
    _, chance = results.chance(raw.runs)
    drawn = {}
    for name in raw.attackers:
        rows = [
            (point.label, point.attackers[name], looks[point.series][0])
            for point in [raw, *points]
        ]
        label = f"A_B: {measure} of {name} ({_unit(measure)})"
        drawn[name], axes = _bars(rows, name, label)
        axes.axvline(chance, color=EDGE, ls="--", lw=1, label="chance")
        axes.set_xlim(0, 1.02)
        _legend(drawn[name], axes)
    return drawn


def static_gaps(points):
    """Draws how much less an attacker finds if it only ever saw raw clips.

    Static minus retrained is what a study misses if it reports static attacks
    alone.

    Args:
        points: See `trade_off`.

    Returns:
        Dict of each attacker's name to a `matplotlib.figure.Figure`; empty if
        no run had `--attacks=static`.
    """
    looks = _looks(points)
    measure = comparison.measure(points[0].runs[0])
    rows = {}
    for point in points:
        for name in point.attackers:
            if pairs := _static_and_retrained(point, name):
                gap = comparison.difference(pairs)
                row = (point.label, gap, looks[point.series][0])
                rows.setdefault(name, []).append(row)
    label = f"{measure}, static minus retrained\n(difference of shares)"
    return {name: _bars(each, name, label)[0] for name, each in rows.items()}


def attribute_drops(point):
    """Draws the average precision of each attribute, raw and anonymized
    (Sec. 5.5.2).

    Each mark is that of the attacker that is best at the attribute; a tick is
    the prevalence, which a guess reaches.

    Args:
        point: `comparison.Point`.

    Returns:
        `matplotlib.figure.Figure`, or `None` if attackers read no attributes.
    """
    run = point.runs[0]
    if "average_precisions" not in results.privacy(run.result, "raw"):
        return None
    names = run.result["budget_labels"]
    raw, anonymized = (
        np.mean([_best_precisions(r, side) for r in point.runs], axis=0)
        for side in ("raw", "anonymized")
    )
    prevalence = np.array(
        results.privacy(run.result, "raw")["prevalence"], dtype=float
    )
    colour, mark = _looks([point])[point.series]
    figure, axes = _figure(WIDTH, 1.4 + 0.3 * len(names))
    rows = np.arange(len(names))[::-1]
    axes.hlines(rows, anonymized, raw, color="#BBBBBB", linewidth=2)
    axes.plot(raw, rows, "*", color=RAW, ms=8, label="raw clips")
    axes.plot(anonymized, rows, mark, color=colour, label=point.label)
    axes.plot(prevalence, rows, "|", color=EDGE, ms=12, label="chance")
    axes.set_yticks(rows, [_wrapped(name) for name in names])
    axes.set(
        xlim=(-0.02, 1.02),
        ylim=(-0.6, len(names) - 0.4),
        xlabel="average precision by the best attacker (0 to 1)",
        ylabel="attribute",
    )
    _legend(figure, axes)
    return figure


def curves(run):
    """Draws validation, losses and inner steps of each party over the turns.

    Args:
        run: `runs.run.Run`.

    Returns:
        `matplotlib.figure.Figure`, or `None` for a baseline, which was not
        trained.
    """
    from matplotlib.figure import Figure

    recorded = sorted({name for turn in run.turns for name in turn})
    panels = [
        (title, label, found)
        for title, label, pattern in PANELS
        if (found := [x for x in recorded if re.fullmatch(pattern, x)])
    ]
    if not panels:
        return None
    heights = [max(1.7, 0.4 + 0.16 * len(names)) for *_, names in panels]
    figure = Figure((WIDTH, sum(heights) + 0.4), layout="constrained")
    each = figure.subplots(
        len(panels), 1, squeeze=False, height_ratios=heights
    )[:, 0]
    for axes, (title, label, names) in zip(each, panels, strict=True):
        for name in names:
            _curve(axes, name, run.turns)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("turn", fontsize=8)
        axes.locator_params(axis="x", nbins=8, integer=True)
        axes.set_ylabel(label, fontsize=8)
        axes.tick_params(labelsize=8)
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(1, 1),  # beside the panel, to cover no curve
            fontsize=7,
            frameon=False,
        )
        _bare(axes)
    return figure


def _curve(axes, name, turns):
    """Draws one figure over the turns: f_T in black, each f_B in a style of
    its own, entropies dashed."""
    party, number, what = PARTY.fullmatch(name).groups()
    symbol = "f_T" if party == "target" else "f_B"
    looks = itertools.product(("-", ":"), COLOURS.values())
    style, colour = list(looks)[int(number or 0) % (2 * len(COLOURS))]
    found = [(turn["turn"], turn[name]) for turn in turns if name in turn]
    axes.plot(
        *zip(*found, strict=True),
        color="black" if party == "target" else colour,
        linestyle="--" if "entropy" in what else style,
        marker=".",
        markersize=3,
        linewidth=1.2,
        label=" ".join(filter(None, [symbol, number, what.replace("_", " ")])),
    )


def confusion(counts, names, title):
    """Draws how often each label was taken for each, in percent of its clips.

    With up to `COUNTED` classes, each cell shows its count as well.

    Args:
        counts: List of `classes` lists of `classes` ints, one row per label.
        names: Names of the classes.
        title: String.

    Returns:
        `matplotlib.figure.Figure`, which grows with the number of classes,
        since text has the size of a cell.
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
    looks = {"fontsize": text, "parse_math": False}  # `$` begins no formula
    axes.set_xticks(ticks, names, rotation=90, **looks)
    axes.set_yticks(ticks, names, **looks)
    axes.set_xlabel("predicted label", fontsize=text + 1)
    axes.set_ylabel("true label", fontsize=text + 1)
    axes.set_title(title, fontsize=text + 2)
    axes.grid(visible=False)
    return figure


def _write_counts(axes, counts, percent, size):
    digits = len(str(counts.max()))
    size *= 3 / max(3, digits)  # a cell has room for three digits
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


def _figure(width, height):
    # Not through pyplot, which keeps figures and needs a backend.
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    axes = figure.subplots()
    axes.xaxis.label.set_size(9)
    axes.yaxis.label.set_size(9)
    axes.tick_params(labelsize=8)
    _bare(axes)
    return figure, axes


def _bare(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)


def _cross(axes, x, y, style, **kwargs):
    axes.axvline(x, color=EDGE, linestyle=style, linewidth=1, **kwargs)
    axes.axhline(y, color=EDGE, linestyle=style, linewidth=1)


def _looks(points):
    """Returns the colour and the mark of each series."""
    known = {
        family + variant: (colour, mark)
        for family, colour in COLOURS.items()
        for variant, mark in MARKS.items()
    }
    others = itertools.cycle(itertools.product(COLOURS.values(), OTHER_MARKS))
    found = {}
    for point in points:
        if point.series not in found:
            look = known.get(point.series) or next(others)
            found[point.series] = look
    return found


def _series(points):
    """Returns lists of points that differ in K, M or the rate alone, by the
    name of their series."""
    names = dict.fromkeys(point.series for point in points)
    return {
        name: sorted(
            (point for point in points if point.series == name),
            key=lambda point: point.members,
        )
        for name in names
    }


def _mark(axes, point, colour, mark, label, **kwargs):
    """Draws one configuration as a mark, with the intervals of both figures."""
    axes.errorbar(
        point.privacy.mean,
        point.utility.mean,
        xerr=_reach([point.privacy]),
        yerr=_reach([point.utility]),
        marker=mark,
        markersize=_size(point),
        markeredgecolor=EDGE,
        markeredgewidth=0.6,
        color=colour,
        elinewidth=1,
        capsize=2,
        linestyle="none",
        label=label,
        **kwargs,
    )


def _size(point):
    """Returns the diameter of a mark in points (1/72 inch)."""
    return 4 + 2 * np.sqrt(point.members)


def _reach(estimates):
    """Returns the lengths of the bars on both sides of each mean, `(2, n)`."""
    mean, low, high = np.transpose(estimates)
    # Rounding may leave a mean near 0 or 1 outside its interval.
    return np.maximum([mean - low, high - mean], 0)


def _apart(group):
    """Returns what tells each point from the others of its series: the part of
    a label such as `M=4, γ=2` that they do not share."""
    parts = [
        point.label.removeprefix(point.series).strip(" _").split(", ")
        for point in group
    ]
    shared = set.intersection(*map(set, parts))
    return [", ".join(p for p in each if p not in shared) for each in parts]


def _legend(figure, axes):
    """Adds a legend below the axes, in as many columns as fit; the figure
    grows by its height."""
    labels = axes.get_legend_handles_labels()[1]
    width, height = figure.get_size_inches()
    longest = max(map(len, labels))
    columns = max(1, int(width / (0.55 + 0.07 * longest)))
    rows = -(-len(labels) // columns)
    figure.set_size_inches(width, height + 0.18 * rows)
    figure.legend(
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=8,
    )


def _bars(rows, title, label):
    """Draws a bar with its interval for each row, with its name beside it.

    Args:
        rows: List of triples: name, `comparison.Estimate`, colour.
        title: String.
        label: String, label of the horizontal axis.

    Returns:
        `matplotlib.figure.Figure` and its axes.
    """
    names, estimates, colours = zip(*rows, strict=True)
    names = [_wrapped(name) for name in names]
    lines = sum(1 + name.count("\n") for name in names)
    figure, axes = _figure(WIDTH, max(1.7, 1 + 0.2 * lines))
    places = np.arange(len(rows))[::-1]
    axes.barh(
        places,
        [estimate.mean for estimate in estimates],
        0.7,
        xerr=_reach(estimates),
        color=colours,
        edgecolor=EDGE,
        linewidth=0.6,
        error_kw={"ecolor": EDGE, "elinewidth": 1, "capsize": 2},
    )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, names)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(label)
    axes.set_ylabel("anonymizer")
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="y", visible=False)
    return figure, axes


def _wrapped(name):
    return textwrap.fill(name, 26)


def _unit(measure):
    return "share of clips" if measure == "accuracy" else "0 to 1"


def _static_and_retrained(point, name):
    """Returns pairs of scores of one attacker, for each run that has both."""
    pairs = []
    for run in point.runs:
        retrained = run.result["anonymized"]["attackers"]
        static = [a for a in run.result["attacks"] if a["attack"] == "static"]
        pairs += [
            (one, other)
            for one in static
            for other in retrained
            if one["name"] == other["name"] == name
        ]
    return pairs


def _best_precisions(run, side):
    """Returns an array `(attributes,)`, NaN for those that no label shows."""
    found = [a["average_precisions"] for a in run.result[side]["attackers"]]
    return np.array(found, dtype=float).max(axis=0)
