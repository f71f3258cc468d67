"""Asks people what they recognise in anonymized clips (Appendix E).

    python -m priv_keras.human_study build --run_dir=RUN --out=STUDY
    python -m priv_keras.human_study score --out=STUDY ANSWERS.json...

`build` writes a page that shows test clips of a run and saves each
participant's answers to a file; `score` says how often people were right.
"""

import json
import pathlib

from absl import app

from flags import data as data_flags
from flags import evaluation
from flags import human_study as flags
from flags import parsing
from flags import paths
from flags import program
from flags import signals
from flags import training
from flags.suggestions import nearest
from priv_keras.experiment import refusals
from priv_keras.runs import folder


def main(argv):
    out = pathlib.Path(flags.OUT.value)
    if argv[1:] == ["build"]:
        return build(out)
    if argv[1:2] == ["score"] and len(argv) > 2:
        return score(out, argv[2:])
    hint = nearest(argv[1], ("build", "score")) if len(argv) > 1 else ""
    raise app.UsageError(
        f"Give `build`, or `score` and files of answers.{hint}"
    )


def build(out):
    """Writes the page and the key of a study of a run."""
    run_dir = data_flags.RUN_DIR.value
    if not run_dir:
        raise ValueError("build needs --run_dir, the run to ask people about.")
    if evaluation.BASELINE.value:
        raise ValueError(
            f"--baseline={evaluation.BASELINE.value}: a study shows what f_A "
            "of a trained run puts out. Name such a --run_dir, and leave "
            "--baseline out."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"--out={out} is a file or not empty. Choose a new folder."
        )
    refusals.check_trained(run_dir)
    paths.check_writable(flags.OUT)
    refusals.check_data(run_dir)
    signals.exit_when_stopped()
    # In here, so that `--help` does not wait for TensorFlow.
    from priv_keras import files
    from priv_keras.experiment import game
    from priv_keras.experiment import judge
    from priv_keras.experiment.data import open_data
    from priv_keras.studies import questionnaire

    path = game.checkpoint_of(run_dir)
    data = open_data()
    folder.check_labels(run_dir, data)
    accused = judge.trained(data, path)
    asked = questionnaire.questions(
        data.labels["actions"],
        data.labels["budget_labels"],
        data.budget.is_multi_label,
    )
    chosen = {
        shards: choose(shards)
        for shards in dict.fromkeys((data.tested_target, data.tested_budget))
    }
    # Of all sides at once: they may be of the same videos.
    condition_of = questionnaire.assign(
        [video for places in chosen.values() for video in places.values()],
        flags.CONDITIONS.value,
        data_flags.SEED.value,
    )
    items = [
        item
        for shards, places in chosen.items()
        for item in items_of(
            shards, places, condition_of, accused.anonymizer, asked
        )
    ]
    page, key = questionnaire.build(items, asked, data_flags.SEED.value)
    files.write(out / "key.json", key)  # first: a page without is worthless
    files.write(out / "README.txt", questionnaire.about(items))
    files.write(out / "index.html", page)
    raw = sum(item.condition == "raw" for item in items)
    print(
        f"{out / 'index.html'}: {len(items)} clips, {raw} of them raw "
        f"footage. Keep {out / 'key.json'} from participants."
    )
    return 0


def choose(shards):
    """Test clips of a dataset to show: dict of place to video."""
    import numpy as np

    from priv_keras.studies import questionnaire

    label = next(iter(shards.records))
    videos, classes = [], []
    for clip in shards.clips("test", "attackers"):
        videos.append(clip["video"].numpy())
        classes.append(int(np.ravel(clip[label])[0]))
    places = questionnaire.spread(
        classes, flags.CLIPS.value, data_flags.SEED.value
    )
    return {place: videos[place] for place in places}


def items_of(shards, places, condition_of, anonymizer, asked):
    """What `choose` chose, as it is shown."""
    import tensorflow as tf

    from priv_keras.pixels import to_uint8
    from priv_keras.studies import questionnaire

    labels = list(shards.records)
    for i, clip in enumerate(shards.clips("test", "attackers")):
        if i not in places:
            continue
        condition, frames = condition_of[places[i]], clip["clips"]
        if condition == "anonymized":
            frames = anonymizer(frames[tf.newaxis])[0]
        truth = questionnaire.truth_of(
            asked,
            clip["actions"].numpy() if "actions" in labels else None,
            clip["budget_labels"].numpy()
            if "budget_labels" in labels
            else None,
        )
        yield questionnaire.Item(to_uint8(frames).numpy(), condition, truth)


def score(out, paths):
    """Prints what people could tell, and writes it to `score.json`."""
    from priv_keras import files
    from priv_keras.studies.answers import read_answers
    from priv_keras.studies.answers import score_answers
    from priv_keras.studies.answers import table

    key = json.loads((out / "key.json").read_text())
    everybody = {}
    for path in paths:
        code, answers = read_answers(pathlib.Path(path).read_text(), key, path)
        if code in everybody:
            raise ValueError(
                f"{path}: participant {code} has answered in another file "
                "already. Give one file of each."
            )
        everybody[code] = answers
    scores = score_answers(key, everybody)
    files.write(
        out / "score.json", json.dumps(scores, indent=1, allow_nan=False) + "\n"
    )
    print("\n".join(table(scores)))
    return 0


def run():
    program.run(
        main,
        (flags, data_flags, training, evaluation),
        first=(
            *("out", "clips", "conditions", "run_dir", "data_dir", "seed"),
            "checkpoint",
        ),
        required=["out"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
