"""Whether a game has something to keep and something to hide.

Part of the programs: this module reads flags.
"""

from flags import data as data_flags
from flags import training as flags
from priv_keras.runs import results


def check_actions(target, chance, say):
    """Raises unless f_T reads the actions of raw clips better than a guess.

    Args:
        target: Dict, the score of an f_T that was trained on raw clips.
        chance: Dict, see `metrics.chance`.
        say: Callable that takes a line. With `--force` it is told instead.

    Raises:
        ValueError: If f_T does not.
    """
    if results.is_chance(target, chance["majority"]):
        _refuse(
            f"there is nothing to keep: f_T reads {_of(target, chance)} of the "
            "raw clips. Check the labels of the actions; else give f_T more "
            "--raw_target_steps, another --target_learning_rate or --target, "
            "or clips of more --frames.",
            say,
        )


def check_private(attackers, chance, say):
    """Raises unless an attacker reads raw clips better than a guess.

    Args:
        attackers: List of dicts, the scores of attackers on raw clips.
        chance, say: See `check_actions`.

    Raises:
        ValueError: If no attacker does.
    """
    strongest = results.strongest(attackers)
    if results.is_chance(strongest, chance["majority"]):
        _refuse(
            "there is nothing to hide: the strongest attacker reads "
            f"{_of(strongest, chance)} of the raw clips. Check the private "
            "labels; else give attackers more --attacker_steps, or name "
            "others with --attackers.",
            say,
        )


def tell_unbounded(say):
    """Tells who plays on clips of their own if nothing bounds what f_A writes.

    Args:
        say: Callable that takes a line.
    """
    if data_flags.DATASET.value == "folder" and not flags.ANONYMIZER_BITS.value:
        say(
            "note: nothing bounds what f_A lets through. Where people, places "
            "and light belong together, fresh attackers then read nearly all "
            "of it; --recipe=bounded leaves them much less."
        )


def _refuse(reason, say):
    if not flags.FORCE.value:
        raise ValueError(
            f"{reason[0].upper()}{reason[1:]} To play all the same, add "
            "--resume --force."
        )
    say(f"warning: {reason}")


def _of(score, chance):
    low, high = score["interval"]
    return (
        f"{results.value(score):.3f} [{low:.3f}, {high:.3f}], and naming the "
        f"commonest label reads {chance['majority']:.3f},"
    )
