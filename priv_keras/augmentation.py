"""Mild changes of clips, so that networks do not learn them by heart.

Each is made to every other clip, to all of its frames alike: an eighth of the
clips stays as it is, so that traces which a change destroys are learned too.
"""

import tensorflow as tf

SHIFT = 12  # one over the largest shift, in sides of a frame
ERASED = 4  # one over the largest side of what is erased
BRIGHTNESS, CONTRAST, TINT = 0.1, 0.2, 0.1


def augmented(clip, key):
    """Shifts a clip, changes its colours and erases a part of it, at random.

    Args:
        clip: float32 `(frames, height, width, 3)` in [0, 1].
        key: Two ints, the seed.

    Returns:
        The same.
    """
    keys = tf.random.split(key, 4)
    made = tf.random.stateless_uniform((3,), keys[0]) < 0.5
    for i, change in enumerate((_shifted, _coloured, _erased)):
        clip = tf.cond(
            made[i],
            lambda clip=clip, change=change, i=i: change(clip, keys[i + 1]),
            lambda clip=clip: clip,
        )
    return clip


def _shifted(clip, key):
    frames, height, width, channels = clip.shape
    rows, columns = height // SHIFT, width // SHIFT
    around = [(0, 0), (rows, rows), (columns, columns), (0, 0)]
    return tf.image.stateless_random_crop(
        tf.pad(clip, around, "SYMMETRIC"),
        (frames, height, width, channels),
        key,
    )


def _coloured(clip, key):
    drawn = tf.random.stateless_uniform((5,), key, -1.0, 1.0)
    mean = tf.reduce_mean(clip)
    clip = (clip - mean) * (1 + CONTRAST * drawn[0]) + mean
    clip = clip * (1 + TINT * drawn[1:4]) + BRIGHTNESS * drawn[4]
    return tf.clip_by_value(clip, 0.0, 1.0)


def _erased(clip, key):
    """Fills a box with the mean of the clip."""
    drawn = tf.random.stateless_uniform((4,), key)
    inside = []
    for i, size in enumerate(clip.shape[1:3]):
        side = drawn[i] * (size / ERASED)
        start = drawn[i + 2] * (size - side)
        at = tf.range(size, dtype=tf.float32)
        inside.append((at >= start) & (at < start + side))
    box = (inside[0][:, None] & inside[1])[None, :, :, None]
    return tf.where(box, tf.reduce_mean(clip), clip)
