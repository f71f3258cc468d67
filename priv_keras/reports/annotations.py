"""Texts beside the marks of a chart, where they cover the least."""

import itertools

import numpy as np

FONT_SIZE = 8  # points (1/72 inch), as all lengths here


def annotate(axes, texts, places, sizes):
    """Writes a text beside each mark.

    Args:
        axes: `matplotlib.axes.Axes`, whose limits and whose figure's size are
            final.
        texts: Strings, one for each mark; where it is empty, none is written.
        places: Pairs of the coordinates of each mark.
        sizes: Diameters of the marks, in points.
    """
    from matplotlib.patheffects import withStroke

    axes.figure.draw_without_rendering()  # or the axes have no place yet
    scale = axes.figure.dpi / 72
    inside = np.array(axes.bbox.bounds) / scale
    centres = axes.transData.transform(places) / scale
    taken = [
        (*(centre - size / 2), size, size)
        for centre, size in zip(centres, sizes, strict=True)
    ]
    for text, place, centre, size in zip(
        texts, places, centres, sizes, strict=True
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
            place,
            shifts[best],
            textcoords="offset points",
            fontsize=FONT_SIZE,
            arrowprops={"arrowstyle": "-", "color": "#333333", "lw": 0.5},
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )


def _shifts(extent, gap):
    """Offsets of a text's lower left corner from its mark, near ones first."""
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
    """Area of a box that is taken, or outside of the axes."""
    outside = box[2] * box[3] - _overlap(box, inside)
    # Rounded, or of two free places the farther one may seem the better.
    return round(outside + sum(_overlap(box, other) for other in taken), 3)


def _overlap(one, other):
    """Area that two boxes share; each is left, bottom, width and height."""
    (x, y, width, height), (x2, y2, width2, height2) = one, other
    across = min(x + width, x2 + width2) - max(x, x2)
    along = min(y + height, y2 + height2) - max(y, y2)
    return max(across, 0) * max(along, 0)
