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
    """Writes the page and the key of a study of a run.

    Args:
        out: `pathlib.Path` of the folder of the study.

    Returns:
        Int, the exit status.

    Raises:
        OSError, ValueError: If there is no run to ask about, or if `out` is in
            use.
    """
    run_dir = data_flags.RUN_DIR.value
    check(out, run_dir)
    # In here, so that `--help` does not wait for TensorFlow.
    from priv_keras import files
    from priv_keras.experiment import game
    from priv_keras.experiment import judge
    from priv_keras.experiment.data import open_data
    from priv_keras.studies import questionnaire

    path = game.checkpoint_of(run_dir)
    data = open_data()
    folder.check_labels(data, run_dir)
    candidate = judge.trained(data, path)
    asked = questionnaire.questions(
        data.labels["actions"],
        data.labels["budget_labels"],
        data.budget.is_multi_label,
    )
    items = list(items_of(data, candidate.anonymizer, asked))
    page, key = questionnaire.build(items, asked, data_flags.SEED.value)
    files.write(out / "key.json", key)  # first: a page is worthless without it
    files.write(out / "README.txt", questionnaire.about(items))
    files.write(out / "index.html", page)
    raw = sum(item.condition == "raw" for item in items)
    print(
        f"{out / 'index.html'}: {len(items)} clips, {raw} of them raw "
        f"footage. Keep {out / 'key.json'} from participants."
    )
    return 0


def check(out, run_dir):
    """Raises unless a study can be built, without reading records.

    Args:
        out: `pathlib.Path` of the folder of the study.
        run_dir: Folder of the run, or `None`.

    Raises:
        OSError, ValueError: If not.
    """
    if not run_dir:
        raise ValueError("build needs --run_dir, the run to ask people about.")
    if evaluation.BASELINE.value:
        raise ValueError(
            f"--baseline={evaluation.BASELINE.value}: a study shows the output "
            "of a trained f_A. Give the --run_dir of a trained run, and leave "
            "--baseline out."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"--out={out} is a file or not empty. Choose a new folder."
        )
    refusals.check_trained(run_dir)
    paths.check_writable(flags.OUT)
    refusals.check_data(run_dir)


def items_of(data, anonymizer, asked):
    """Yields the test clips of a study, each raw or anonymized.

    Args:
        data: `experiment.data.Data`.
        anonymizer: Callable of clips `(batch, frames, height, width, 3)` in
            [0, 1].
        asked: List of `questionnaire.Question`.

    Yields:
        `questionnaire.Item`.
    """
    from priv_keras.studies import questionnaire

    chosen = {
        shards: choose(shards)
        for shards in dict.fromkeys((data.tested_target, data.tested_budget))
    }
    # All sides at once, because they may have the same videos.
    condition_of = questionnaire.assign(
        [video for videos in chosen.values() for video in videos.values()],
        flags.CONDITIONS.value,
        data_flags.SEED.value,
    )
    for shards, videos in chosen.items():
        conditions = {i: condition_of[video] for i, video in videos.items()}
        yield from shown(shards, conditions, anonymizer, asked)


def choose(shards):
    """Chooses test clips of a dataset to show.

    Args:
        shards: `Shards`.

    Returns:
        Dict of the index of a clip to the id of its video.
    """
    import numpy as np

    from priv_keras.studies import questionnaire

    label = next(iter(shards.records))
    videos, classes = [], []
    for clip in shards.clips("test", "attackers"):
        videos.append(clip["video"].numpy())
        classes.append(int(np.ravel(clip[label])[0]))
    chosen = questionnaire.spread(
        classes, flags.CLIPS.value, data_flags.SEED.value
    )
    return {i: videos[i] for i in chosen}


def shown(shards, conditions, anonymizer, asked):
    """Yields the chosen clips of a dataset as they are shown.

    Args:
        shards: `Shards`.
        conditions: Dict of the index of a clip to its condition.
        anonymizer, asked: See `items_of`.

    Yields:
        `questionnaire.Item`.
    """
    import tensorflow as tf

    from priv_keras.pixels import to_uint8
    from priv_keras.studies import questionnaire

    labels = list(shards.records)
    for i, clip in enumerate(shards.clips("test", "attackers")):
        if i not in conditions:
            continue
        frames = clip["clips"]
        if conditions[i] == "anonymized":
            frames = anonymizer(frames[tf.newaxis])[0]
        truth = questionnaire.truth_of(
            asked,
            clip["actions"].numpy() if "actions" in labels else None,
            clip["budget_labels"].numpy()
            if "budget_labels" in labels
            else None,
        )
        yield questionnaire.Item(to_uint8(frames).numpy(), conditions[i], truth)


def score(out, paths):
    """Prints how often people were right, and writes it to `score.json`.

    Args:
        out: `pathlib.Path` of the folder of the study.
        paths: Paths of files of answers.

    Returns:
        Int, the exit status.

    Raises:
        OSError, ValueError: If a file cannot be read, does not belong to the
            study, or has the same participant as another.
    """
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
                f"{path}: participant {code} has already answered in another "
                "file. Give one file for each participant."
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
            "out",
            "clips",
            "conditions",
            "run_dir",
            "data_dir",
            "seed",
            "checkpoint",
        ),
        required=["out"],
        parse=parsing.with_run,
    )


if __name__ == "__main__":
    run()
