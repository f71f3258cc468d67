import itertools

import made_runs
import numpy as np
import pytest
from matplotlib import colors
from matplotlib.text import Text

from priv_keras.reports import comparison
from priv_keras.reports import figures
from priv_keras.runs.run import load_run


def point(folder, name="run", **options):
    run = load_run(made_runs.make(folder / name, **options))
    return comparison.points([run])[0]


def test_the_trade_off_has_points_where_the_figures_are(tmp_path):
    points = [
        point(tmp_path, "small", flags=["--budgets=a"]),
        point(tmp_path, "large", flags=["--budgets=a,b"], privacy=0.1),
    ]
    judged = [run for p in points for run in p.runs]
    (axes,) = figures.trade_off(points, judged).axes
    raw, *marks = [bars.lines[0] for bars in axes.containers]
    assert (raw.get_xdata()[0], raw.get_ydata()[0]) == (0.95, 0.9)
    assert [mark.get_xdata()[0] for mark in marks] == pytest.approx([0.4, 0.2])
    assert [mark.get_ydata()[0] for mark in marks] == pytest.approx([0.8] * 2)
    assert all(bars.has_xerr and bars.has_yerr for bars in axes.containers)
    assert marks[0].get_markersize() < marks[1].get_markersize()
    # Gamma, which they share, is not written beside each.
    assert [text.get_text() for text in axes.texts] == ["M=1", "M=2"]
    for style, x, y in ((":", 0.95, 0.9), ("--", 0.1, 0.2)):
        upright, level = [a for a in axes.lines if a.get_linestyle() == style]
        assert upright.get_xdata()[0] == pytest.approx(x)
        assert level.get_ydata()[0] == pytest.approx(y)


def all_figures(points, judged):
    """Yields each figure that a report has of one arena."""
    yield figures.trade_off(points, judged)
    yield from figures.attackers(points, judged).values()
    yield from figures.static_gaps(points).values()
    yield from filter(None, map(figures.attribute_drops, points))
    yield from filter(None, map(figures.curves, judged))


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Points and runs of all games and baselines, and those of attributes."""
    folder = tmp_path_factory.mktemp("runs")
    judged = [load_run(run) for run in made_runs.make_all(folder)]
    attributes = made_runs.make(folder / "cmap", attributes=[0.7, 0.4])
    return [
        (comparison.points(group), group)
        for group in (judged, [load_run(attributes)])
    ]


def test_each_axis_says_what_it_shows_and_in_what_unit(everything):
    for points, judged in everything:
        for figure in all_figures(points, judged):
            for axes in figure.axes:
                assert axes.get_xlabel() and axes.get_ylabel()
    figure = figures.confusion([[1, 2], [3, 4]], ["a", "b"], "x")
    assert figure.axes[0].get_xlabel() and figure.axes[0].get_ylabel()


def test_no_legend_covers_a_panel_or_leaves_the_figure(everything):
    for points, judged in everything:
        for figure in all_figures(points, judged):
            figure.draw_without_rendering()
            inside = [axes.get_legend() for axes in figure.axes]
            legends = [*figure.legends, *filter(None, inside)]
            for legend in legends:
                box = legend.get_window_extent()
                assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
                assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
                for axes in figure.axes:
                    assert not axes.bbox.shrunk(0.99, 0.99).overlaps(box)


def test_all_methods_are_told_apart(everything):
    points, judged = everything[0]
    (axes,) = figures.trade_off(points, judged).axes
    marks = [bars.lines[0] for bars in axes.containers]
    labels = axes.get_legend_handles_labels()[1]
    series = {point.series for point in points}
    assert len(marks) == 1 + len(points)
    assert set(labels) == {"chance", "raw clips"} | series
    looks = {(m.get_color(), m.get_marker()) for m in marks}
    assert len(looks) == 1 + len(series)


def test_twenty_methods_of_other_names_are_told_apart(tmp_path):
    names = [f"a_method_of_a_long_name_{i}" for i in "abcdefghijklmnopqrst"]
    points = [point(tmp_path, name, method=name) for name in names]
    judged = [run for p in points for run in p.runs]
    (axes,) = figures.trade_off(points, judged).axes
    marks = [bars.lines[0] for bars in axes.containers]
    assert len({(m.get_color(), m.get_marker()) for m in marks}) == 21


def test_a_method_has_one_colour_in_every_figure(tmp_path):
    both = [
        point(tmp_path, "entropy", flags=["--budgets=a"], static=(0.2, 0.1)),
        point(tmp_path, "grl", method="grl", static=(0.2, 0.1)),
    ]
    for points in (both, both[::-1], both[:1]):
        judged = [run for p in points for run in p.runs]
        (axes,) = figures.trade_off(points, judged).axes
        marks = [bars.lines[0].get_color() for bars in axes.containers[1:]]
        (axes,) = figures.attackers(points, judged)["x"].axes
        bars = [colors.to_hex(bar.get_facecolor()) for bar in axes.patches[1:]]
        (axes,) = figures.static_gaps(points)["x"].axes
        gaps = [colors.to_hex(bar.get_facecolor()) for bar in axes.patches]
        wanted = {"Entropy": "#0072B2", "GRL": "#D55E00"}
        wanted = [wanted[p.series] for p in points]
        assert [m.upper() for m in marks] == wanted
        assert [b.upper() for b in bars] == wanted
        assert [g.upper() for g in gaps] == wanted


def test_texts_beside_points_cover_neither_each_other_nor_marks(tmp_path):
    """Five configurations of one series share one place."""
    points = [
        point(tmp_path, str(n), flags=[f"--budgets={','.join('abcdef'[:n])}"])
        for n in range(1, 6)
    ]
    judged = [run for p in points for run in p.runs]
    figure = figures.trade_off(points, judged)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert len(axes.texts) == 5
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    for i, box in enumerate(boxes):
        assert axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1)
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert not box.contains(*axes.transData.transform((0.4, 0.8)))


def intervals(axes):
    """Returns the ends of the error bars, from the top row down."""
    ((*_, (lines,)),) = [
        group.errorbar
        for group in axes.containers
        if hasattr(group, "errorbar")
    ]
    return [tuple(segment[:, 0]) for segment in lines.get_segments()]


def test_bars_of_attackers_have_the_intervals_of_the_table(tmp_path):
    judged = [
        load_run(
            made_runs.make(tmp_path / str(i), seed=i, privacy=0.2 + 0.1 * i)
        )
        for i in range(3)
    ]
    (found,) = comparison.points(judged)
    drawn = figures.attackers([found], judged)
    assert list(drawn) == ["x", "y"]
    (axes,) = drawn["y"].axes
    raw, anonymized = axes.patches
    assert raw.get_width() == pytest.approx(0.9)
    assert anonymized.get_width() == pytest.approx(0.4)
    # y is the strongest attacker on anonymized clips.
    low, high = found.privacy[1:]
    assert high > 0.5
    assert intervals(axes)[1] == pytest.approx((low, high))
    (dashed,) = [x for x in axes.lines if x.get_label() == "chance"]
    assert dashed.get_linestyle() == "--"
    assert dashed.get_xdata()[0] == pytest.approx(0.1)


def test_the_static_gap_is_static_minus_retrained(tmp_path):
    found = point(tmp_path, static=(0.2, 0.1))
    gaps = figures.static_gaps([found])
    widths = [f.axes[0].patches[0].get_width() for f in gaps.values()]
    assert widths == pytest.approx([0.2 - 0.3, 0.1 - 0.4])
    # For a single run, both half widths are 0.05.
    ((low, high),) = intervals(gaps["x"].axes[0])
    assert (low, high) == pytest.approx(
        (-0.1 - 0.05 * 2**0.5, -0.1 + 0.05 * 2**0.5)
    )


@pytest.mark.parametrize("order", [1, -1])
def test_the_static_gap_is_of_runs_that_were_attacked_so(tmp_path, order):
    made = [
        load_run(made_runs.make(tmp_path / str(i), seed=i, static=static))
        for i, static in enumerate([(), (0.2, 0.1)])
    ]
    (found,) = comparison.points(made[::order])
    gaps = figures.static_gaps([found]).values()
    widths = [f.axes[0].patches[0].get_width() for f in gaps]
    assert widths == pytest.approx([0.2 - 0.3, 0.1 - 0.4])


def test_without_a_static_attack_there_is_no_gap(tmp_path):
    assert figures.static_gaps([point(tmp_path)]) == {}


def test_attributes_fall_from_raw_to_anonymized(tmp_path):
    found = point(tmp_path, attributes=[0.7, None])
    (axes,) = figures.attribute_drops(found).axes
    raw, anonymized, chance = (line.get_xdata() for line in axes.lines)
    np.testing.assert_allclose(raw, [0.7, np.nan])
    np.testing.assert_allclose(anonymized, [0.7, np.nan])
    np.testing.assert_allclose(chance, [0.5, 0.1])
    assert figures.attribute_drops(point(tmp_path, "single")) is None


def test_a_confusion_matrix_names_its_classes_and_its_unit():
    counts = [[12, 4, 0], [0, 8, 0], [0, 0, 0]]
    names = ["1 approaching", "2 departing", "3 kicking"]
    axes, bar = figures.confusion(counts, names, "raw/actions").axes
    assert [x.get_text() for x in axes.get_xticklabels()] == names
    assert [x.get_text() for x in axes.get_yticklabels()] == names
    assert axes.get_xlabel() == "predicted label"
    assert axes.get_ylabel() == "true label"
    assert bar.get_ylabel() == "percent of the clips of a label"
    shown = axes.images[0].get_array()
    np.testing.assert_array_equal(shown, [[75, 25, 0], [0, 100, 0], [0] * 3])
    assert [text.get_text() for text in axes.texts] == ["12", "4", "8"]


@pytest.mark.parametrize("count", [2, 13, 30, 31, 101])
def test_text_in_a_confusion_matrix_does_not_overlap(count):
    names = [f"class_of_a_long_name_{i}" for i in range(count)]
    figure = figures.confusion(np.full((count, count), 123), names, "title")
    figure.draw_without_rendering()
    axes, bar = figure.axes
    ticks = [x.get_window_extent() for x in axes.get_yticklabels()]
    assert all(x.y0 > y.y1 for x, y in itertools.pairwise(ticks))
    said = axes.yaxis.label.get_window_extent()
    assert said.x1 < min(tick.x0 for tick in ticks)
    assert axes.bbox.x1 < bar.bbox.x0
    numbers = [text.get_window_extent() for text in axes.texts[:count]]
    assert len(axes.texts) == (count**2 if count <= 30 else 0)
    assert all(x.x1 < y.x0 for x, y in itertools.pairwise(numbers))


def test_curves_show_every_turn(tmp_path):
    run = point(tmp_path).runs[0]
    accuracy, loss, steps = figures.curves(run).axes
    assert list(accuracy.lines[0].get_ydata()) == [0.5, 0.7]
    found = {line.get_label(): line for line in loss.lines + steps.lines}
    assert found.keys() == {
        "f_T loss",
        "f_B entropy",
        "f_T steps",
        "f_B 0 steps",
    }
    assert list(found["f_T loss"].get_ydata()) == [1.0, 0.5]
    assert list(found["f_T steps"].get_xdata()) == [1, 2]
    baseline = point(tmp_path, "b", method="downsample_4").runs[0]
    assert figures.curves(baseline) is None


def test_curves_of_other_names_are_left_out(tmp_path):
    run = point(tmp_path).runs[0]
    names = ("val_accuracy", "targetloss", "budget_steps", "steps")
    turns = [{"turn": 1, **dict.fromkeys(names, 1.0)}]
    (steps,) = figures.curves(run._replace(turns=turns)).axes
    assert [line.get_label() for line in steps.lines] == ["f_B steps"]
