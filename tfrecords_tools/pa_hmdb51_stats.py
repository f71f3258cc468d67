"""Prints and draws what PA-HMDB51 holds.

    python -m tfrecords_tools.pa_hmdb51_stats --annotations=DIR --out=stats.png

The figures say how often each action and each value of an attribute occurs
(Fig. 5) and how they go together (Fig. 6), over annotated frames.
"""

import pathlib
import sys

import numpy as np
from absl import app

from flags import pa_hmdb51_stats as flags
from flags import program
from tfrecords_tools.sources import pa_hmdb51


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unknown arguments: {argv[1:]}.")
    out = flags.OUT.value
    if out and pathlib.Path(out).suffix.lower() != ".png":
        raise ValueError(f"--out must name a .png file. Received: {out}.")
    annotations = pa_hmdb51.load(
        flags.ANNOTATIONS.value, flags.IRREGULAR.value or "repair"
    )
    for action, videos in annotations.items():
        for annotation in videos.values():
            for fault in annotation.irregularities:
                print(f"{action}.json: {fault}", file=sys.stderr)
    frames = frames_of(annotations)
    shares = shares_of(annotations)
    print(table(annotations, frames, shares))
    if out:
        draw(frames, shares, out)
    return 0


def frames_of(annotations):
    """Returns a dict of action to the number of its known frames."""
    return {
        action: sum(int(a.known.sum()) for a in videos.values())
        for action, videos in annotations.items()
    }


def shares_of(annotations):
    """Returns how often each action's frames show each value.

    Args:
        annotations: Dict, as `pa_hmdb51.load` returns it.

    Returns:
        Dict of attribute to a float array `(actions, values)` in [0, 1]. Rows
        may sum to more than 1, since people in one frame differ. A row is NaN
        if the action has no known frame.
    """
    found = {}
    for attribute in pa_hmdb51.ATTRIBUTES:
        rows = [
            np.concatenate(
                [a.values[attribute][a.known] for a in videos.values()]
            )
            for videos in annotations.values()
        ]
        found[attribute] = np.array(
            [
                row.mean(axis=0) if len(row) else np.full(row.shape[1], np.nan)
                for row in rows
            ]
        )
    return found


def overall(frames, shares):
    """Returns the same over all actions: dict of attribute to `(values,)`."""
    weights = np.array(list(frames.values()))
    return {
        attribute: np.nansum(rows * weights[:, None], axis=0) / weights.sum()
        for attribute, rows in shares.items()
    }


def table(annotations, frames, shares):
    """Returns counts of actions and shares of values, as text."""
    lines = [f"{'action':20}{'videos':>8}{'frames':>8}"]
    lines += [
        f"{action:20}{len(videos):8}{frames[action]:8}"
        for action, videos in annotations.items()
    ]
    videos = sum(map(len, annotations.values()))
    lines.append(f"{'all':20}{videos:8}{sum(frames.values()):8}")
    for attribute, each in overall(frames, shares).items():
        lines += ["", attribute]
        lines += [
            f"  {value:18}{share:8.1%}"
            for value, share in zip(
                pa_hmdb51.VALUES[attribute], each, strict=True
            )
        ]
    return "\n".join(lines)


def draw(frames, shares, out):
    """Draws Fig. 5 (left) and Fig. 6 (right) into one PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(
        1,
        3,
        figsize=(20, 12),
        width_ratios=(1, 1, 1.6),
        layout="constrained",
    )
    _draw_actions(left, frames)
    _draw_values(middle, overall(frames, shares))
    _draw_correlation(figure, right, list(frames), shares)
    figure.savefig(out, dpi=100)
    pyplot.close(figure)


def _draw_actions(axes, frames):
    axes.barh(list(frames), list(frames.values()), color="tab:blue")
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set(title="Frames of each action", xlabel="annotated frames")


def _draw_values(axes, shares):
    names, widths, colors = [], [], []
    for i, (attribute, each) in enumerate(shares.items()):
        names += [f"{attribute}: {v}" for v in pa_hmdb51.VALUES[attribute]]
        widths += list(each)
        colors += [f"C{i}"] * len(each)
    bars = axes.barh(names, widths, color=colors)
    axes.bar_label(bars, [f"{width:.0%}" for width in widths], padding=3)
    axes.invert_yaxis()
    axes.set(title="Values of each attribute", xlabel="share of frames")
    axes.set_xlim(0, 1.1)


def _draw_correlation(figure, axes, actions, shares):
    names = [
        f"{attribute}: {value}"
        for attribute in shares
        for value in pa_hmdb51.VALUES[attribute]
    ]
    cells = np.concatenate(list(shares.values()), axis=1)
    image = axes.imshow(cells, aspect="auto", cmap="viridis", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right")
    axes.set_yticks(range(len(actions)), actions)
    axes.set_title("Share of an action's frames that show a value")
    figure.colorbar(image, ax=axes, shrink=0.6)


def run():
    program.run(main, [flags], required=["annotations"])


if __name__ == "__main__":
    run()
