"""Anonymizers that nobody trains, to compare with f_A (Sec. 4.1)."""

from priv_keras.baselines import downsample

BASELINES = {
    f"downsample_{factor}": (downsample.build, factor)
    for factor in downsample.FACTORS
}


def build(name):
    """Returns a baseline that takes and gives what f_A does.

    Args:
        name: Key of `BASELINES`.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1] to the same.

    Raises:
        ValueError: If `name` is unknown.
    """
    if name not in BASELINES:
        raise ValueError(
            f"There is no baseline {name!r}. Choose from: "
            f"{', '.join(BASELINES)}."
        )
    family, argument = BASELINES[name]
    return family(argument)
