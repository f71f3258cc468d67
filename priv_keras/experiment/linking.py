"""Linkage of one run: its attackers, and `linkage.json`.

Part of the programs: this is what `priv_keras.linkage` does.
"""

import functools
import json

from flags import data as data_flags
from flags import evaluation as flags
from priv_keras import files
from priv_keras.evaluation import linkage
from priv_keras.evaluation import two_step
from priv_keras.experiment import attack
from priv_keras.experiment import attacked_clips
from priv_keras.experiment import console
from priv_keras.experiment import judge
from priv_keras.runs import results
from priv_keras.runs.folder import RunFolder


def link(candidate, data, run_dir, say):
    """Links clips of held-out people, raw and as f_A leaves them.

    What an attacker finds is kept below `run_dir/evaluation`. Writes
    `linkage.json`.

    Args:
        candidate: `judge.Candidate`.
        data: `data.Data`.
        run_dir: Folder of the run.
        say: Callable that takes a line, such as `print`.

    Returns:
        Dict, the content of `linkage.json`: what `judge.settings` returns;
        `held_out_people`, their names; `attackers`, a dict of the name of each
        to what `linkage.attack` returns.
    """
    named = (candidate.method, candidate.turns)
    evaluation = judge.begin(data, run_dir, named, say)
    path = RunFolder(run_dir).linkage
    path.unlink(missing_ok=True)
    with attacked_clips.cache(evaluation.folder / "cache") as cache:
        sides = attacked_clips.linked_sides(data, candidate, cache)
        found = {
            name: _attacked(evaluation, name, sides)
            for name in (linkage.DISCRIMINANTS, *flags.ATTACKERS.value)
        }
    result = {
        **judge.settings(candidate),
        "held_out_people": data.held_out_people,
        "attackers": found,
    }
    files.write(path, json.dumps(result, indent=1) + "\n")
    if flags.JUDGE.value == "quick":
        say(results.QUICK)
    return result


def _attacked(evaluation, name, sides):
    """Returns what one attacker finds, or found in an earlier call."""
    seed = data_flags.SEED.value

    def run():
        if name == linkage.DISCRIMINANTS:
            return linkage.attack(linkage.discriminants(seed), sides)
        protocol = attack.attacker_protocol()
        build = functools.partial(
            attack.build_attacker, name, evaluation.data, seed
        )
        steps = len(sides) * protocol.steps
        with console.watch(f"{name} to link clips", steps) as watch:
            fit = linkage.network(build, protocol, seed=seed, callbacks=[watch])
            return linkage.attack(fit, sides)

    found = two_step.once(evaluation.record("linkage", name), run)
    figures = (f"{kind} {found[kind]['eer']['value']:.3f}" for kind in found)
    evaluation.say(f"{name}: EER {', '.join(figures)}")
    return found
