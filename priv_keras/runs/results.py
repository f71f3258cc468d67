"""The schema of `result.json`, and what is read from it."""

import itertools

# What is said of the figures of `--judge=quick`.
QUICK = "Judged quickly (--judge=quick): these figures mean nothing."
# An attack on raw clips that results hold beside the others, for comparison.
RAW_VIDEO = "video, on raw clips"
# What the names of attackers without deep learning begin with.
FLOOR = "floor_"
# Why an attacker does not count that --attacker_steps ended.
STOPPED = "was stopped before it had learned"


def json_object(**properties):
    """Returns the schema of an object that has all these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def json_array(items, least=0):
    """Returns the schema of an array of at least `least` items."""
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
# Earlier versions did not write it.
SIDE["properties"]["strongest"] = json_object(
    interval={**json_array(SHARE, 2), "maxItems": 2}, chosen=TEXT
)
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
# Earlier versions did not write these.
RESULT["properties"] |= {"judging": TEXT, "judge": TEXT}


def utility(result, side):
    """Returns A_T, the score of f_T, on a side, `"raw"` or `"anonymized"`."""
    return result[side]["target"]


def privacy(result, side):
    """Returns A_B^N, the score of the strongest attacker, on a side.

    Its interval is one that knows that it is the strongest of several, see
    `scores.strongest`.
    """
    best = strongest(admitted(result[side]["attackers"]))
    known = result[side].get("strongest", {})
    return {**best, "interval": known.get("interval", best["interval"])}


def chosen(result, side):
    """Returns the score of the attacker that validation chose, on a side, or
    `None` if that is not known."""
    name = result[side].get("strongest", {}).get("chosen")
    each = result[side]["attackers"]
    return next((found for found in each if found["name"] == name), None)


def count(result, side):
    """Returns N, the number of attackers that count, on a side."""
    return len(admitted(result[side]["attackers"]))


def attacks(result):
    """Returns the score of the strongest attacker of each attack.

    Returns:
        Dict of the name of an attack to a score on f_A's output. `retrained`
        is A_B^N; `any` is the highest of all.
    """
    each = {"retrained": [privacy(result, "anonymized")]}
    for found in result["attacks"]:
        if found["attack"] != RAW_VIDEO and "psnr" not in found:
            each.setdefault(found["attack"], []).append(found)
    best = {kind: strongest(scores) for kind, scores in each.items()}
    return {**best, "any": strongest(best.values())}


def admitted(attackers):
    """Returns the attackers that count, see `admission.failures`."""
    return [found for found in attackers if "failed" not in found]


def value(score):
    """Returns the figure of a score: accuracy or, for attributes, cMAP. In a
    model card, it is called `value`."""
    return next(score[k] for k in ("accuracy", "cmap", "value") if k in score)


def is_chance(score, majority):
    """Returns whether the interval of a score reaches the level of chance.

    Args:
        score: Dict of a figure and its `interval`.
        majority: Float in [0, 1], the score of the commonest label.
    """
    return score["interval"][0] <= majority


def failure(result):
    """Returns what `ended_at_chance` says of the f_T of a result."""
    majority = result["chance"]["actions"]["majority"]
    return ended_at_chance(utility(result, "anonymized"), majority)


def ended_at_chance(target, majority):
    """Returns a sentence on an f_T that reads no better than a guess.

    Args:
        target: Dict, the score of f_T on f_A's output.
        majority: Float in [0, 1], the score of the commonest action.

    Returns:
        String; empty if f_T reads better.
    """
    if not is_chance(target, majority):
        return ""
    return (
        "THIS RUN ENDED AT CHANCE: its f_T recognises actions no better than "
        f"the commonest label does, {majority:.3f}. Its anonymizer is of no "
        "use, whatever attackers read."
    )


def chance(runs):
    """Returns the mean chance levels of A_T and A_B over runs."""
    found = [run.result["chance"] for run in runs]
    return tuple(
        sum(each[labels]["majority"] for each in found) / len(found)
        for labels in ("actions", "budget_labels")
    )


def strongest(scores):
    """Returns the score of the highest accuracy, or cMAP."""
    return max(scores, key=value)


def below_floor(attackers):
    """Returns the names of the networks that read less than a floor does.

    Args:
        attackers: List of scores with `name`, of the attackers of one run.
    """
    floors = [x for x in attackers if x["name"].startswith(FLOOR)]
    floor = max(map(value, floors), default=0.0)
    return [
        x["name"] for x in attackers if value(x) < floor and x not in floors
    ]


def caveat(runs):
    """Returns sentences on attackers that may have found too little.

    These are attackers that `--attacker_steps` stopped, and networks that read
    less than an attacker without deep learning.

    Args:
        runs: Iterable of the attackers of each run: lists of scores with
            `name`, and `converged`, see `supervised.fit`. Those without
            `converged` count as stopped.

    Returns:
        String, empty if there are no such attackers.
    """
    runs = list(runs)
    failed = dict.fromkeys(
        f"{found['name']} ({found['failed']})"
        for attackers in runs
        for found in attackers
        if "failed" in found
    )
    stopped = dict.fromkeys(
        found["name"]
        for attackers in runs
        for found in attackers
        if not found.get("converged") and "failed" not in found
    )
    counted = map(admitted, runs)
    low = dict.fromkeys(itertools.chain(*map(below_floor, counted)))
    sentences = []
    if stopped:
        sentences.append(
            "Still learning when --attacker_steps ended: "
            f"{', '.join(stopped)}. With more they may find more."
        )
    if failed:
        sentences.append(
            f"Failed to learn, and not counted: {', '.join(failed)}."
        )
        if any(STOPPED in text for text in failed):
            sentences.append(
                "What --attacker_steps stopped may find more with more of them."
            )
    if low:
        sentences.append(
            "Below the floor, which means that they failed to learn and show "
            f"nothing about f_A: {', '.join(low)}."
        )
    return " ".join(sentences)
