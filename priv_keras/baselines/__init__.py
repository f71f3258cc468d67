"""Anonymizers without training, to compare with f_A (Sec. 4.1)."""

from priv_keras.baselines import downsample
from priv_keras.baselines import obfuscate

BASELINES = (
    *(f"downsample_{factor}" for factor in downsample.FACTORS),
    *obfuscate.NAMES,
)


def build(name, **options):
    """Returns a baseline.

    Args:
        name: One of `BASELINES`.
        **options: See `obfuscate.build`. Naive Downsample ignores them.

    Returns:
        For Naive Downsample a model like f_A, from frames `(batch, height,
        width, 3)` in [0, 1] to frames of the same shape; otherwise an
        `obfuscate.Obfuscator`, which has to know which frames belong to one
        video.

    Raises:
        ValueError: If `name` is unknown.
        FileNotFoundError: If a detector is not installed. The message names
            the command that installs it.
    """
    if name not in BASELINES:
        raise ValueError(
            f"There is no baseline {name!r}. Choose from: "
            f"{', '.join(BASELINES)}."
        )
    if name in obfuscate.NAMES:
        return obfuscate.build(name, **options)
    return downsample.build(int(name.removeprefix("downsample_")))
