"""Texts beside the marks of a chart, placed where they cover the least."""

import itertools

import numpy as np

FONT_SIZE = 8  # points (1/72 inch), like all lengths in this file


def annotate(axes, texts, positions, sizes):
    """Writes a text beside each mark.

    Args:
        axes: `matplotlib.axes.Axes`; its limits and the size of its figure
            must be final.
        texts: Strings, one for each mark; empty for marks without a text.
        positions: Pairs of coordinates, one for each mark.
        sizes: Diameters of the marks, in points.
    """
    from matplotlib.patheffects import withStroke

    axes.figure.draw_without_rendering()  # otherwise axes have no position yet
    scale = axes.figure.dpi / 72
    inside = np.array(axes.bbox.bounds) / scale
    centres = axes.transData.transform(positions) / scale
    taken = [
        (*(centre - size / 2), size, size)
        for centre, size in zip(centres, sizes, strict=True)
    ]
    for text, position, centre, size in zip(
        texts, positions, centres, sizes, strict=True
    ):
        if not text:
            continue
        extent = (0.62 * FONT_SIZE * len(text), 1.2 * FONT_SIZE)
        shifts = list(_shifts(extent, size / 2 + 2))
        boxes = [(*(centre + shift), *extent) for shift in shifts]
        costs = [_covered(box, taken, inside) for box in boxes]
        best = costs.index(min(costs))
        taken.append(boxes[best])
        axes.annotate(
            text,
            position,
            shifts[best],
            textcoords="offset points",
            fontsize=FONT_SIZE,
            arrowprops={"arrowstyle": "-", "color": "#333333", "lw": 0.5},
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )


def _shifts(extent, gap):
    """Yields offsets of a text's lower left corner from its mark, near ones
    first."""
    width, height = extent
    for ring in range(5):
        reach = gap + ring * 1.3 * height
        for x, y in itertools.product((1, -1, 0), repeat=2):
            if x or y:
                yield (
                    {1: reach, -1: -reach - width, 0: -width / 2}[x],
                    {1: reach, -1: -reach - height, 0: -height / 2}[y],
                )


def _covered(box, taken, inside):
    """Returns the area of a box that is taken or outside the axes."""
    outside = box[2] * box[3] - _overlap(box, inside)
    # Rounded, lest the farther of two free places seem better by a rounding
    # error.
    return round(outside + sum(_overlap(box, other) for other in taken), 3)


def _overlap(one, other):
    """Returns the area that two boxes (left, bottom, width, height) share."""
    (x, y, width, height), (x2, y2, width2, height2) = one, other
    across = min(x + width, x2 + width2) - max(x, x2)
    along = min(y + height, y2 + height2) - max(y, y2)
    return max(across, 0) * max(along, 0)
