import numpy as np
import pytest
import tensorflow as tf

from priv_keras import augmentation


def clip(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((2, 24, 36, 3), "float32") / 2 + 0.25


def drawn(count):
    made = tf.function(augmentation.augmented)
    shown = tf.constant(clip())
    return np.stack([made(shown, tf.constant((i, 1))) for i in range(count)])


def test_an_eighth_of_the_clips_stay_as_they_are():
    same = (drawn(200) == clip()).all((1, 2, 3, 4)).mean()
    assert 0.06 < same < 0.22


def test_changed_clips_are_clips_and_their_frames_change_alike():
    first = clip()[:1]
    still = tf.concat([first, first], 0)
    made = [augmentation.augmented(still, (i, 1)).numpy() for i in range(8)]
    assert np.min(made) >= 0 and np.max(made) <= 1
    for each in made:
        np.testing.assert_array_equal(each[0], each[1])


@pytest.mark.parametrize("change", ["_shifted", "_coloured", "_erased"])
def test_each_change_changes_little(change):
    changed = [
        getattr(augmentation, change)(tf.constant(clip()), (i, 1)).numpy()
        for i in range(8)
    ]
    alike = [np.abs(each - clip()).mean() for each in changed]
    assert 0 < np.max(alike) < 0.2


def test_a_shift_moves_by_two_rows_and_three_columns_at_most():
    for i in range(8):
        moved = augmentation._shifted(tf.constant(clip()), (i, 1)).numpy()
        inside = moved[:, 2:-2, 3:-3]
        assert any(
            np.array_equal(clip()[:, y : y + 20, x : x + 30], inside)
            for y in range(5)
            for x in range(7)
        )
