import itertools

import made_runs
import numpy as np
import pytest

from priv_keras import figures
from priv_keras import runs


def point(folder, name="run", **options):
    run = runs.load(made_runs.make(folder / name, **options))
    return runs.points([run])[0]


def test_the_trade_off_has_points_where_the_figures_are(tmp_path):
    points = [
        point(tmp_path, "small", flags=["--budgets=a"]),
        point(tmp_path, "large", flags=["--budgets=a,b"], privacy=0.1),
    ]
    judged = [run for p in points for run in p.runs]
    (axes,) = figures.trade_off(points, judged).axes
    marks = [bars.lines[0] for bars in axes.containers]
    assert [mark.get_xdata()[0] for mark in marks] == pytest.approx([0.4, 0.2])
    assert [mark.get_ydata()[0] for mark in marks] == pytest.approx([0.8] * 2)
    assert marks[0].get_markersize() < marks[1].get_markersize()
    # What they share, gamma, is not said beside each.
    assert [text.get_text() for text in axes.texts] == ["M=1", "M=2"]
    dashed = [x for x in axes.lines if x.get_linestyle() == "--"]
    assert {x.get_xdata()[0] for x in dashed} >= {0.95}
    assert {x.get_ydata()[0] for x in dashed} >= {0.9}


def test_twenty_methods_are_told_apart_in_a_legend_that_is_whole(tmp_path):
    names = [f"a_method_of_a_long_name_{i}" for i in "abcdefghijklmnopqrst"]
    points = [point(tmp_path, name, method=name) for name in names]
    judged = [run for p in points for run in p.runs]
    for figure in (
        figures.trade_off(points, judged),
        figures.attackers(points, judged),
    ):
        figure.draw_without_rendering()
        (legend,) = figure.legends
        inside = legend.get_window_extent()
        assert figure.bbox.x0 <= inside.x0 and inside.x1 <= figure.bbox.x1
        assert len(legend.get_texts()) >= 20
    (axes,) = figures.trade_off(points, judged).axes
    marks = [bars.lines[0] for bars in axes.containers]
    assert len({(m.get_color(), m.get_marker()) for m in marks}) == 20
    (axes,) = figures.attackers(points, judged).axes
    bars = [group.patches[0] for group in axes.containers]
    assert len({(b.get_facecolor(), b.get_hatch()) for b in bars}) == 21


def test_the_static_gap_is_static_minus_retrained(tmp_path):
    found = point(tmp_path, static=(0.2, 0.1))
    (axes,) = figures.static_gap([found]).axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([0.2 - 0.3, 0.1 - 0.4])


@pytest.mark.parametrize("order", [1, -1])
def test_the_static_gap_is_of_runs_that_were_attacked_so(tmp_path, order):
    made = [
        runs.load(made_runs.make(tmp_path / str(i), seed=i, static=static))
        for i, static in enumerate([(), (0.2, 0.1)])
    ]
    (found,) = runs.points(made[::order])
    (axes,) = figures.static_gap([found]).axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx([0.2 - 0.3, 0.1 - 0.4])


def test_without_a_static_attack_there_is_no_gap(tmp_path):
    assert figures.static_gap([point(tmp_path)]) is None


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
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("taken for", "label")
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
    assert list(loss.lines[0].get_ydata()) == [1.0, 0.5]
    assert list(steps.lines[0].get_xdata()) == [1, 2]
    assert (
        figures.curves(point(tmp_path, "b", method="downsample_4").runs[0])
        is None
    )
