"""The one schema and reader of `result.json`."""

# An attack on raw clips that results have beside the others, to compare with.
RAW_VIDEO = "video, on raw clips"


def caveat(attackers):
    """A sentence on attackers whom `--attacker_steps` stopped; empty if none.

    Args:
        attackers: Iterable of dicts with `name`, and `converged` as of
            `supervised.fit`; of whom that is not known, they are named too.
    """
    stopped = dict.fromkeys(
        found["name"] for found in attackers if not found.get("converged")
    )
    if not stopped:
        return ""
    return (
        "Still learning when --attacker_steps ended: "
        f"{', '.join(stopped)}. With more they may find more."
    )


def json_object(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def json_array(items, least=0):
    return {"type": "array", "items": items, "minItems": least}


TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
SCORE = {
    **json_object(interval={**json_array(SHARE, 2), "maxItems": 2}),
    "anyOf": [json_object(accuracy=SHARE), json_object(cmap=SHARE)],
}
ATTACKER = {"allOf": [SCORE, json_object(name=TEXT)]}
NUMBER = {"type": "number"}
ATTACK = {
    **json_object(attack=TEXT, name=TEXT),
    "anyOf": [ATTACKER, json_object(psnr=NUMBER, ssim=NUMBER)],
}
SIDE = json_object(attackers=json_array(ATTACKER, 1), target=SCORE)
CHANCE = json_object(majority=SHARE)
RESULT = json_object(
    dataset=TEXT,
    test_dataset={"type": ["string", "null"]},
    method=TEXT,
    scale=TEXT,
    seed={"type": "integer"},
    turns=COUNT,
    budget_labels=json_array(TEXT, 1),
    raw=SIDE,
    anonymized=SIDE,
    attacks=json_array(ATTACK),
    chance=json_object(actions=CHANCE, budget_labels=CHANCE),
)
RESULT["properties"]["judging"] = TEXT  # earlier versions did not write it


def utility(result, side):
    """A_T on a side, `"raw"` or `"anonymized"`: the score of f_T."""
    return result[side]["target"]


def privacy(result, side):
    """A_B^N on a side: the score of the strongest attacker."""
    return strongest(result[side]["attackers"])


def attacks(result):
    """What the strongest attacker of each attack reads in f_A's output.

    Returns:
        Dict of the name of an attack to a score. `retrained` is A_B^N; `any`
        is the highest of all.
    """
    each = {"retrained": result["anonymized"]["attackers"][:]}
    for found in result["attacks"]:
        if found["attack"] != RAW_VIDEO and "psnr" not in found:
            each.setdefault(found["attack"], []).append(found)
    best = {kind: strongest(scores) for kind, scores in each.items()}
    return {**best, "any": strongest(best.values())}


def value(score):
    """The figure of a score: accuracy or, of attributes, cMAP."""
    return score["accuracy"] if "accuracy" in score else score["cmap"]


def chance(runs):
    """Means over runs of what is right without a look: A_T, A_B."""
    found = [run.result["chance"] for run in runs]
    return tuple(
        sum(each[labels]["majority"] for each in found) / len(found)
        for labels in ("actions", "budget_labels")
    )


def strongest(scores):
    """A_B^N: the score of the highest accuracy, or cMAP."""
    return max(scores, key=value)
