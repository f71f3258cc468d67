import numpy as np
import pytest

from priv_keras import metrics


def test_chance_is_the_commonest_label_and_a_blind_guess():
    found = metrics.chance(np.array([0, 0, 0, 1, 2]))
    assert found == {"majority": 0.6, "uniform": pytest.approx(1 / 3)}


def test_interval_covers_the_accuracy_and_narrows_with_videos():
    rng = np.random.default_rng(0)
    widths = []
    for videos in (20, 500):
        hits = rng.random(videos) < 0.7
        low, high = metrics.bootstrap_interval(hits, np.arange(videos))
        assert low <= hits.mean() <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_interval_counts_videos_not_clips():
    hits = np.tile([True, False, True, True], 5)
    alone = metrics.bootstrap_interval(hits, np.arange(20))
    groups = np.repeat(np.arange(20), 10)
    repeated = metrics.bootstrap_interval(hits.repeat(10), groups)
    assert repeated == pytest.approx(alone)


def test_interval_of_a_sure_thing_has_no_width():
    assert metrics.bootstrap_interval(np.ones(5), np.arange(5)) == (1.0, 1.0)
