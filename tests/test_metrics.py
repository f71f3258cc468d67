import numpy as np
import pytest
from simulated_hits import simulated

from priv_keras import metrics


def test_chance_is_the_commonest_label_and_a_blind_guess():
    found = metrics.chance(np.array([0, 0, 0, 1, 2]))
    assert found == {"majority": 0.6, "uniform": pytest.approx(1 / 3)}


def interval(hits, videos):
    return metrics.bootstrap_interval(lambda rows: hits[rows].mean(), videos)


def test_interval_covers_the_accuracy_and_narrows_with_videos():
    rng = np.random.default_rng(0)
    widths = []
    for videos in (20, 500):
        hits = rng.random(videos) < 0.7
        low, high = interval(hits, np.arange(videos))
        assert low <= hits.mean() <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_interval_counts_videos_not_clips():
    hits = np.tile([True, False, True, True], 5)
    alone = interval(hits, np.arange(20))
    groups = np.repeat(np.arange(20), 10)
    repeated = interval(hits.repeat(10), groups)
    assert repeated == pytest.approx(alone)


def test_interval_is_the_middle_of_a_thousand_figures():
    def counted(**options):
        figures = iter(range(1000))
        return metrics.bootstrap_interval(
            lambda rows: next(figures), np.arange(3), **options
        )

    assert counted() == pytest.approx((0.025 * 999, 0.975 * 999))
    assert counted(level=0.5) == pytest.approx((0.25 * 999, 0.75 * 999))
    with pytest.raises(StopIteration):
        counted(resamples=1001)


def test_intervals_repeat_and_are_those_of_their_seed():
    values = np.random.default_rng(0).random(30)

    def found(**options):
        return metrics.bootstrap_interval(
            lambda rows: values[rows].mean(), groups=np.arange(30), **options
        )

    assert found() == found() == found(seed=0)
    assert found() != found(seed=1)


def test_interval_draws_whole_videos():
    groups, drawn = np.array(list("abacca")), []
    metrics.bootstrap_interval(
        lambda rows: drawn.append(rows) or 0.0, groups, resamples=50
    )
    rows_of = {"a": [0, 2, 5], "b": [1], "c": [3, 4]}
    for rows in drawn:
        rows, videos = list(rows), []
        while rows:
            videos.append(groups[rows[0]])
            whole = rows_of[videos[-1]]
            assert rows[: len(whole)] == whole
            del rows[: len(whole)]
        assert len(videos) == 3
    assert {*np.concatenate(drawn)} == {*range(6)}


def test_interval_of_a_sure_thing_narrows_with_videos():
    for videos in (20, 500):
        low, high = interval(np.ones(videos), np.arange(videos))
        assert high == 1.0 and low == pytest.approx(0.025 ** (1 / videos))


def test_interval_over_runs_is_students():
    # 2.776 standard errors on both sides for five runs, by Student's table.
    for value, values in (
        (2.7764, [0.1, 0.2, 0.3, 0.4, 0.5]),
        (3.1824, [0.1, 0.2, 0.4, 0.5]),
    ):
        half = value * np.std(values, ddof=1) / len(values) ** 0.5
        found = metrics.mean_interval(values)
        np.testing.assert_allclose(found, (0.3 - half, 0.3 + half), atol=1e-4)
    assert metrics.mean_interval([0.7, 0.7]) == (0.7, 0.7)


def test_what_is_not_known_of_an_attribute_is_not_counted():
    labels = np.array([[1, -1], [-1, 1], [0, 1], [1, 0]])
    scores = np.array([[3.0, 9.0], [9.0, 2.0], [2.0, 0.0], [1.0, 1.0]])
    found = metrics.average_precisions(labels, scores)
    known = [[1, 0, 1], [1, 1, 0]], [[3.0, 2.0, 1.0], [2.0, 0.0, 1.0]]
    for attribute in range(2):
        alone = metrics.average_precisions(
            *(np.array(side[attribute])[:, None] for side in known)
        )
        assert found[attribute] == alone[0]
    np.testing.assert_allclose(metrics.prevalence(labels), [2 / 3, 2 / 3])
    assert np.isnan(metrics.average_precisions([[-1]], [[1.0]]))


def test_f1_is_the_mean_over_classes():
    # Precision and recall: 1/2 and 1, 1 and 1/2.
    assert metrics.macro_f1([0, 1, 1], [0, 0, 1]) == pytest.approx(2 / 3)
    # A class that is only predicted has none.
    assert metrics.macro_f1([0, 0], [0, 2]) == pytest.approx((2 / 3 + 0) / 2)


def test_f1_of_attributes_leaves_out_what_nobody_knows_or_shows():
    labels = np.array([[1, 0, -1, 0], [0, 0, -1, 1], [-1, 0, -1, 1]])
    found = np.array([[1, 0, 1, 0], [1, 0, 1, 1], [1, 0, 1, 0]])
    # 1/2 and 1; nothing shown nor said; unknown; 1 and 1/2.
    assert metrics.macro_f1(labels, found) == pytest.approx(2 / 3)


def test_f1_counts_attributes_that_all_or_none_show():
    labels = np.array([[1, 0], [1, 0]])
    found = np.array([[1, 1], [1, 0]])
    assert metrics.macro_f1(labels, found) == pytest.approx((1 + 0) / 2)


def test_as_many_scores_as_labels():
    for measure in (metrics.average_precisions, metrics.macro_f1):
        with pytest.raises(ValueError, match="argument 2 is shorter"):
            measure(np.ones((2, 3), int), np.ones((2, 2), int))


def test_average_precision_of_a_ranking_by_hand():
    # Present ones rank 1 and 3 of 4: (1/1 + 2/3) / 2.
    labels = np.array([[1], [0], [1], [0]])
    scores = np.array([[0.9], [0.8], [0.3], [0.1]])
    assert metrics.average_precisions(labels, scores) == pytest.approx(5 / 6)


def test_cmap_is_the_mean_over_attributes_that_occur():
    labels = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]])
    scores = np.array(
        [[0.9, 0.1, 0.0], [0.8, 0.2, 9.0], [0.3, 0.3, 0.0], [0.1, 0.4, 0.0]]
    )
    with pytest.warns(RuntimeWarning, match=r"attributes \[1\]") as warned:
        cmap = metrics.class_mean_average_precision(labels, scores)
    assert warned[0].filename == __file__
    assert cmap == pytest.approx((5 / 6 + 1) / 2)
    assert np.isnan(metrics.average_precisions(labels, scores)[1])


def test_constant_scores_reach_the_prevalence():
    labels = np.array([[1], [0], [0], [0], [1]])
    cmap = metrics.class_mean_average_precision(labels, np.zeros((5, 1)))
    assert cmap == pytest.approx(0.4)


def test_confusion_is_scikit_learns():
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 3, (2, 50))
    found = metrics.confusion(labels, predictions, 4)  # one does not occur
    expected = confusion_matrix(labels, predictions, labels=range(4))
    np.testing.assert_array_equal(found, expected)


def test_threshold_counts_by_hand():
    # Probabilities 0.25, 0.5 and 0.75 for both attributes; the last label of
    # the second is unknown.
    logits = np.log([[1 / 3] * 2, [1] * 2, [3] * 2])
    labels = np.array([[0, 1], [1, 0], [1, -1]])
    found = metrics.threshold_counts(labels, logits, thresholds=5)
    assert found == {
        "true_positives": [[2, 2, 2, 1, 0], [1, 1, 0, 0, 0]],
        "false_positives": [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]],
        "positives": [2, 1],
        "negatives": [1, 1],
    }
    counts = metrics.threshold_counts(labels, logits)["true_positives"]
    assert [len(count) for count in counts] == [41, 41]


@pytest.mark.filterwarnings("error")
def test_threshold_counts_of_sure_logits():
    labels = np.array([[1], [0]])
    found = metrics.threshold_counts(labels, [[1e4], [-1e4]], thresholds=3)
    assert found["true_positives"] == [[1, 1, 1]]
    assert found["false_positives"] == [[1, 0, 0]]


@pytest.mark.parametrize("rate", [0.15, 0.5, 0.85])
@pytest.mark.parametrize(("videos", "clips"), [(94, 1), (40, 3), (21, 12)])
def test_an_interval_holds_the_accuracy_as_often_as_it_says(
    rate, videos, clips
):
    held = []
    for hits, groups in simulated([rate], videos, clips, 0.0, 1000):
        low, high = metrics.accuracy_intervals(hits, groups)[0]
        held.append(low <= rate <= high)
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize(
    ("rates", "alike"), [(np.full(10, 0.3), 0.6), (np.arange(1, 6) / 10, 0.0)]
)
def test_intervals_hold_all_accuracies_at_once(rates, alike):
    held = []
    for hits, groups in simulated(rates, 94, 1, alike, 300):
        low, high = metrics.accuracy_intervals(hits, groups, together=True).T
        held.append(((low <= rates) & (rates <= high)).all())
    assert 0.93 <= np.mean(held) <= 0.98


def test_nobody_right_and_nobody_wrong_have_exact_intervals_over_videos():
    groups = np.repeat(np.arange(94), 2)
    none, every = metrics.accuracy_intervals(
        np.repeat([[False, True]], len(groups), axis=0), groups
    )
    assert none == pytest.approx([0.0, 1 - 0.025 ** (1 / 94)])
    assert every == pytest.approx([0.025 ** (1 / 94), 1.0])
    found = metrics.bootstrap_interval(lambda rows: 1.0, groups)
    assert found == pytest.approx(tuple(every))
    found = metrics.bootstrap_interval(lambda rows: 0.0, groups)
    assert found == pytest.approx(tuple(none))


def test_one_video_tells_nothing():
    found = metrics.accuracy_intervals(np.array([[True], [False]]), ["a", "a"])
    assert found.tolist() == [[0.0, 1.0]]


def test_intervals_that_hold_at_once_are_wider():
    rng = np.random.default_rng(0)
    hits = rng.random((200, 10)) < 0.3
    groups = np.arange(200)
    own = np.diff(metrics.accuracy_intervals(hits, groups))
    every = np.diff(metrics.accuracy_intervals(hits, groups, together=True))
    assert (every > 1.2 * own).all()
    # Ten times the same attacker is one attacker.
    same = np.repeat(hits[:, :1], 10, axis=1)
    alone = metrics.accuracy_intervals(same, groups)
    every = metrics.accuracy_intervals(same, groups, together=True)
    np.testing.assert_allclose(alone, every, atol=0.01)


def test_figures_of_any_kind_have_intervals_that_hold_at_once():
    rng = np.random.default_rng(0)
    found = rng.random((100, 3))

    def measure(rows):
        return found[rows].mean(0)

    ends = metrics.together(measure, np.arange(100))
    reach = np.diff(ends)[:, 0] / 2
    error = found.std(0) / 10
    assert (2 * error < reach).all() and (reach < 3 * error).all()
