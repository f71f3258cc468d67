"""Checks that batches hold what a game needs."""

import re

import tensorflow as tf

TOLERANCE = 1e-3  # by which rounding may leave [0, 1]


def as_dicts(dataset):
    """Turns batches `(clips, labels)` into dicts; dicts stay as they are.

    Args:
        dataset: `tf.data.Dataset` of batches.

    Returns:
        `tf.data.Dataset` of dicts with `clips` and the labels.

    Raises:
        ValueError: If it is not a dataset, or its batches have another form.
    """
    if not isinstance(dataset, tf.data.Dataset):
        raise ValueError(
            "A game wants a `tf.data.Dataset` of batches. Received: "
            f"{type(dataset).__name__}. Make one with "
            "`tf.data.Dataset.from_tensor_slices(...).batch(...)`."
        )
    spec = dataset.element_spec
    if isinstance(spec, dict):
        return dataset
    if isinstance(spec, tuple) and len(spec) == 2 and isinstance(spec[1], dict):
        return dataset.map(lambda clips, labels: {"clips": clips, **labels})
    raise ValueError(
        "A batch must be a dict with `clips`, `actions` and `budget_labels`, "
        "or a pair of clips and a dict of the labels. Received: "
        f"{tf.nest.map_structure(_shown, spec)}."
    )


def turns_in(dataset):
    """Returns the number of batches in a dataset, or `None` if it is endless
    or unknown."""
    count = int(dataset.cardinality())
    return count if count >= 0 else None


def check_spec(dataset, wanted):
    """Raises unless batches have the keys, ranks, sizes and types of a game.

    Args:
        dataset: `tf.data.Dataset` of dicts.
        wanted: Dict of key to the shape of its tensor, `None` for any size.

    Raises:
        ValueError: If they do not; says what was received and what is wanted.
    """
    spec = dataset.element_spec
    missing = sorted(set(wanted) - set(spec))
    if missing:
        raise ValueError(
            f"A batch must have {', '.join(sorted(wanted))}. Received: "
            f"{', '.join(sorted(spec))}; {', '.join(missing)} missing."
        )
    for key, shape in wanted.items():
        shape = tf.TensorShape(shape)
        if not shape.is_compatible_with(spec[key].shape):
            raise ValueError(
                f"`{key}` must have the shape {_sizes(shape)}. Received: "
                f"{_sizes(spec[key].shape)}."
            )
        if key == "clips" and not spec[key].dtype.is_floating:
            raise ValueError(
                "`clips` must be floats in [0, 1]. Received: "
                f"{spec[key].dtype.name}. Divide frames of 8 bits by 255."
            )


def with_checked_values(dataset, classes):
    """Returns a dataset that fails at batches whose values are out of range.

    Args:
        dataset: `tf.data.Dataset` of dicts that passed `check_spec`.
        classes: Dict of label to its number of classes; `None` for labels that
            are each 0 or 1.

    Returns:
        `tf.data.Dataset` whose iterators raise `InvalidArgumentError`; `fault`
        extracts its message.
    """
    limits = {"clips": (-TOLERANCE, 1 + TOLERANCE)}
    for label, count in classes.items():
        limits[label] = (0, 1 if count is None else count - 1)

    def check(batch):
        checks = [
            _assert_within(key, batch[key], *limits[key])
            for key in limits
            if key in batch
        ]
        with tf.control_dependencies(checks):
            return tf.nest.map_structure(tf.identity, batch)

    return dataset.map(check)


def _assert_within(key, values, low, high):
    values = tf.cast(values, tf.float32)
    least, most = tf.reduce_min(values), tf.reduce_max(values)
    wanted = f"`{key}` must be from {round(low)} to {round(high)}."
    return tf.debugging.Assert(
        (least >= low) & (most <= high),
        [tf.strings.format(wanted + " Received: {} to {}.", (least, most))],
    )


def fault(error):
    """Returns the message of `with_checked_values` in an error, or `None` if
    the error has another cause."""
    found = re.search(
        r"`\w+` must be from .*?Received: .*? to \S+\.", str(error)
    )
    return found and found[0]


def _shown(spec):
    return f"{spec.dtype.name} {_sizes(spec.shape)}"


def _sizes(shape):
    if shape.rank is None:
        return "(...)"
    sizes = ["any" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)})"
