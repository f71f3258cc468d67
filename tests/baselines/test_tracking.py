import numpy as np
import pytest

from priv_keras.baselines import tracking

NOBODY = np.empty((0, 4))


def at(x, y=0.0, side=10.0):
    return np.array([[x, y, x + side, y + side]])


def follow(detections, **options):
    return list(tracking.follow(iter(detections), **options))


def boxes(found):
    """Returns boxes as sorted tuples, without repetitions."""
    return sorted({tuple(map(float, box)) for box in found})


def test_overlap_is_intersection_over_union():
    found = tracking.overlap(
        [[0, 0, 2, 2]], [[0, 0, 2, 2], [1, 0, 3, 2], [2, 0, 4, 2], [5, 5, 6, 6]]
    )
    np.testing.assert_allclose(found, [[1, 1 / 3, 0, 0]])
    assert tracking.overlap([], [[0, 0, 1, 1]]).shape == (0, 1)


def test_a_missed_frame_is_filled_by_interpolation():
    seen = [at(0), at(2), NOBODY, NOBODY, at(8)]
    found = follow(seen, memory=2, least_overlap=0.1)
    assert [boxes(each) for each in found] == [
        [tuple(at(x)[0])] for x in (0, 2, 4, 6, 8)
    ]


def test_a_gap_longer_than_memory_is_covered_at_its_ends():
    seen = [at(0), *[NOBODY] * 5, at(0)]
    covered = [len(each) for each in follow(seen, memory=2)]
    assert covered == [1, 1, 1, 0, 1, 1, 1]
    # With a shorter gap, both boxes are those of one person.
    assert [len(each) for each in follow(seen[1:-1], memory=2)] == [0] * 5
    assert all(len(each) for each in follow(seen[:3] + seen[-1:], memory=2))


def test_a_box_lives_on_before_the_first_and_after_the_last_detection():
    seen = [NOBODY, NOBODY, NOBODY, at(3), NOBODY, NOBODY, NOBODY]
    found = follow(seen, memory=2)
    assert [len(each) for each in found] == [0, 1, 1, 1, 1, 1, 0]
    for each in found[1:6]:
        np.testing.assert_array_equal(each, at(3))


def test_where_a_link_is_in_doubt_more_is_covered():
    seen = [at(0), at(50)]  # too far to be one person
    found = follow(seen, memory=1)
    both = sorted([tuple(at(0)[0]), tuple(at(50)[0])])
    assert [boxes(each) for each in found] == [both, both]


def test_two_people_who_cross_are_covered_all_the_way():
    """In the middle, the detector sees only the person in front."""
    paths = [
        (4.0 * t, 40.0 - 4.0 * t, t) for t in range(11)
    ]  # positions of both, and the time
    seen = [
        at(one)
        if abs(one - other) < 6
        else np.concatenate([at(one), at(other)])
        for one, other, _ in paths
    ]
    assert [len(each) for each in seen].count(1) == 1
    found = follow(seen, memory=3)
    for (one, other, _), each in zip(paths, found, strict=True):
        for place in (one, other):
            assert tracking.overlap(at(place), each).max() > 0.9


def test_one_box_is_not_given_to_two_people():
    seen = [np.concatenate([at(0), at(4)]), at(1), NOBODY]
    links = tracking.follow(seen, memory=1)
    # The person who is not detected stays where they were.
    assert boxes(list(links)[1]) == [(1, 0, 11, 10), (4, 0, 14, 10)]


@pytest.mark.parametrize("memory", [0, 1, 4])
def test_it_is_late_by_its_memory_and_no_more(memory):
    taken = 0

    def detections():
        nonlocal taken
        for _ in range(10):
            taken += 1
            yield at(0)

    for given, _ in enumerate(tracking.follow(detections(), memory), start=1):
        assert taken == min(given + memory, 10)
    assert given == 10


def test_what_was_detected_is_always_covered():
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(40):
        corner = rng.random((rng.integers(0, 4), 2)) * 30
        seen.append(np.concatenate([corner, corner + 10], axis=1))
    for detected, each in zip(seen, follow(seen), strict=True):
        assert set(boxes(detected)) <= set(boxes(each))


def test_no_detection_and_no_frame_give_no_box():
    assert [len(each) for each in follow([NOBODY] * 3)] == [0, 0, 0]
    assert follow([]) == []
