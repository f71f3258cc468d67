"""How thoroughly attackers are trained: one named standard each.

Nothing here is to be tuned for one defence: figures compare only if they were
found in the same way.
"""

from typing import NamedTuple


class Judge(NamedTuple):
    """What `--judge` names."""

    floors: bool = False  # whether attackers without deep learning are added
    patience: int | None = None  # epochs; `None` to train up to the cap
    least: int = 0  # epochs of a training
    # Starts from random weights, each tried for `least` epochs; with one or
    # more, those that raw clips trained are tried as well.
    starts: int = 0
    doubles: bool = False  # whether only a doubling without gain ends training
    augments: bool = False  # whether f_A's output is changed mildly
    fresh: bool = False  # whether f_A filters new cuts as attackers train
    echoes: int = 1  # times that attackers read what f_A filtered once
    # How often f_A's noise is drawn for the test clips: one draw can be lucky.
    draws: int = 1
    admits: bool = False  # whether attackers that failed to learn do not count
    attacks: tuple = ()  # that it makes beside those of `--attacks`


_STANDARD = Judge(
    floors=True,
    patience=3,
    least=4,
    starts=1,
    doubles=True,
    augments=True,
    fresh=True,
    echoes=4,
    draws=4,
    admits=True,
)
JUDGES = {
    "standard": _STANDARD,
    "thorough": _STANDARD._replace(
        patience=8,
        least=8,
        starts=2,
        echoes=1,
        draws=8,
        attacks=("fine_tuned",),
    ),
    "paper": Judge(patience=8),
    "quick": Judge(),
}
