"""What a run's folder holds, and where: the one place that spells it out."""

import json
import pathlib

from priv_keras import files


class RunFolder:
    """The paths of what a run keeps.

    Args:
        path: Folder of the run.

    Attributes:
        path: `pathlib.Path` of the folder; all others are below it.
        config: Flagfile that repeats the run.
        labels: JSON, the names of the actions and of the private labels.
        bad_records: JSON, the records that the run leaves out.
        checkpoints: Folder of the games that were saved.
        turns: JSON lines, the figures of each turn.
        tensorboard: Folder of event files.
        evaluation: Folder of what each attacker found.
        result: JSON, what the judge found, see `results.RESULT`.
        linkage: JSON, how well clips of other people are linked.
        before_after: PNG of frames, raw and anonymized.
        moving: WebP of the same as clips.
        exports: Folder of exported anonymizers.
        minutes: Text, the minutes that a sweep spent on the run.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.config = self.path / "config.flags"
        self.labels = self.path / "labels.json"
        self.bad_records = self.path / "bad_records.json"
        self.checkpoints = self.path / "checkpoints"
        self.turns = self.path / "metrics.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.evaluation = self.path / "evaluation"
        self.result = self.path / "result.json"
        self.linkage = self.path / "linkage.json"
        self.before_after = self.path / "before_after.png"
        self.moving = self.path / "before_after.webp"
        self.exports = self.path / "export"
        self.minutes = self.path / "minutes.txt"


def write_labels(data, run_dir):
    """Writes the names of the run's classes to `labels.json`.

    Args:
        data: Has `labels`, a dict of `actions` and `budget_labels` to names.
        run_dir: Folder of the run.
    """
    files.write(RunFolder(run_dir).labels, json.dumps(data.labels, indent=1))


def check_labels(data, run_dir):
    """Raises unless the classes of `data` are those the run was trained on.

    Args:
        data: Has `labels`, a dict of `actions` and `budget_labels` to names.
        run_dir: Folder of the run, which need not exist yet.

    Raises:
        ValueError: If the classes differ, because the dataset or its version
            does, or if `labels.json` is damaged.
    """
    path = RunFolder(run_dir).labels
    if not path.exists():
        return
    try:
        known = json.loads(path.read_text())
        known = {party: tuple(known[party]) for party in data.labels}
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({error!r:.200}). Copy the run again from "
            "where it was trained."
        ) from error
    for party, names in data.labels.items():
        if known[party] != names:
            raise ValueError(
                f"The {party} of --data_dir are {list(names)}; the run in "
                f"{run_dir} knows {list(known[party])}. Give the --data_dir "
                "that it was trained on."
            )


def check_run_dir(run_dir, config, resume):
    """Raises unless a run can start in `run_dir`, or resume there.

    Args:
        run_dir: `pathlib.Path`.
        config: String, the flags of this run as a flagfile.
        resume: Bool, whether to continue the run in `run_dir`.

    Raises:
        ValueError: If the folder is in use, holds a run with other flags, or
            holds none to resume.
    """
    path = RunFolder(run_dir).config
    if not path.exists():
        if run_dir.is_dir() and any(run_dir.iterdir()):
            raise ValueError(
                f"--run_dir={run_dir} holds files of something else. Choose "
                "a new or an empty folder."
            )
        if resume:
            raise ValueError(
                f"There is no run to resume in --run_dir={run_dir}. Leave "
                "--resume out to start one."
            )
        return
    differing = set(path.read_text().splitlines()) ^ set(config.splitlines())
    if differing:
        raise ValueError(
            f"--run_dir={run_dir} belongs to another configuration. "
            f"Differing: {' '.join(sorted(differing))}. Choose another "
            f"--run_dir, or run with --flagfile={path}."
        )
    if not resume:
        raise ValueError(
            f"--run_dir={run_dir} holds a run of this configuration already. "
            "Add --resume to go on with it, or choose another --run_dir."
        )
