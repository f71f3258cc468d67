"""The table that a run prints at its end."""

from priv_keras.runs import results


def table(result):
    """Returns the trade-off of a run as lines of text.

    Args:
        result: Dict, see `results.RESULT`; figures have 95 % intervals.
    """
    lines = [*_trade_off(result), *_remarks(result), "", *_attackers(result)]
    if doubt := results.caveat([result["anonymized"]["attackers"]]):
        lines.append(doubt)
    if result.get("judge") == "quick":
        lines.append(results.QUICK)
    if result["attacks"]:
        lines += ["", f"{'other attacks':24}{'by':24}"]
        lines += [
            f"{found['attack']:24}{found['name']:24}{_figure(found)}"
            for found in result["attacks"]
        ]
    return "\n".join(lines)


def _trade_off(result):
    count = results.count(result, "anonymized")
    yield f"{'':24}{'A_T':22}A_B^{count}, the strongest of {count} attackers"
    labels = {"raw": "raw clips", "anonymized": _name(result)}
    for side, label in labels.items():
        strongest = results.privacy(result, side)
        yield (
            f"{label:24}{_figure(result[side]['target']):22}"
            f"{_figure(strongest):22}{strongest['name']}"
        )
    chance = {k: v["majority"] for k, v in result["chance"].items()}
    yield (
        f"{'commonest label':24}{chance['actions']:<22.3f}"
        f"{chance['budget_labels']:.3f}"
    )


def _remarks(result):
    if chosen := results.chosen(result, "anonymized"):
        yield (
            f"The attacker that validation chose: {_figure(chosen)} "
            f"{chosen['name']}"
        )
    if failed := results.failure(result):
        yield failed
    if result["untouched"]:
        yield f"Frames that it left as they are: {result['untouched']:.0%}"


def _attackers(result):
    yield f"{'attacker':24}{'on raw clips':22}on anonymized clips"
    low = results.below_floor(result["anonymized"]["attackers"])
    for raw, anonymized in zip(
        result["raw"]["attackers"],
        result["anonymized"]["attackers"],
        strict=True,
    ):
        mark = "  below the floor" if raw["name"] in low else ""
        yield f"{raw['name']:24}{_figure(raw):22}{_figure(anonymized)}{mark}"


def _name(result):
    turns = f", {result['turns']} turns" if result["turns"] else ""
    return f"{result['method']}{turns}"


def _figure(score):
    if "psnr" in score:
        return (
            f"PSNR {score['psnr']:.1f} dB, SSIM {score['ssim']:.2f} (f_A's own "
            f"output: {score['before']['psnr']:.1f} dB, "
            f"{score['before']['ssim']:.2f})"
        )
    low, high = score["interval"]
    return f"{results.value(score):.3f} [{low:.3f}, {high:.3f}]"
