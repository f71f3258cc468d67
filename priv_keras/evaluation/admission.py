"""Which attackers count: one that has failed to learn shows nothing of f_A."""

from priv_keras.runs import results

NEARLY = 0.8  # of what the best attacker reads of raw validation clips
FITS = 0.9  # accuracy on training clips


class NoAttackerAdmitted(ValueError):
    """No attacker has learned enough for a figure."""


def failures(raw, anonymized):
    """Tells of attackers that have failed.

    An attacker counts if it reads raw clips nearly as well as the best one
    does, and fits f_A's output on training clips, or ended only after a
    doubling of its updates had found no more. One that reads more of f_A's
    output than those that count do has shown a leak and counts too.

    Args:
        raw, anonymized: Lists of dicts of the same attackers, as
            `two_step.attack` and `floors.attack` return them.

    Returns:
        Dict of the names of attackers that do not count to why.

    Raises:
        NoAttackerAdmitted: If none counts.
    """
    best = max(found["validation"] for found in raw)
    failed = {}
    for before, after in zip(raw, anonymized, strict=True):
        if before["validation"] < NEARLY * best:
            failed[after["name"]] = "reads too little of raw clips"
        elif not _has_learned(after):
            failed[after["name"]] = results.STOPPED
    admitted = [x for x in anonymized if x["name"] not in failed]
    if not admitted:
        reasons = "; ".join(f"{name} {why}" for name, why in failed.items())
        raise NoAttackerAdmitted(
            f"No attacker has learned enough for a figure: {reasons}. Raise "
            "--attacker_steps, and judge again with priv_keras.evaluate."
        )
    most = results.value(results.strongest(admitted))
    return {
        found["name"]: failed[found["name"]]
        for found in anonymized
        if found["name"] in failed and results.value(found) <= most
    }


def _has_learned(found):
    return found["converged"] or found["training_accuracy"] >= FITS
