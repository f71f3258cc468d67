"""The names of all that a run's folder holds."""

import json
import pathlib

from priv_keras import files


def write_labels(run_dir, data):
    """Keeps what the classes of the run's parties mean."""
    text = json.dumps(data.labels, indent=1)
    files.write(pathlib.Path(run_dir, LABELS), text)


LABELS = "labels.json"  # in the folder of a run: what its classes mean


def check_labels(run_dir, sides):
    """Raises unless the classes of `sides` are those the run was trained on.

    Args:
        run_dir: Folder of the run.
        sides: `Sides`.

    Raises:
        ValueError: If another dataset, or another version, has taken their
            place, or the file that names them is damaged.
    """
    path = pathlib.Path(run_dir, LABELS)
    if not path.exists():
        return
    try:
        known = json.loads(path.read_text())
        known = {party: tuple(known[party]) for party in sides.labels}
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged ({error!r:.200}). Copy the run anew from where "
            "it was trained."
        ) from error
    for party, names in sides.labels.items():
        if known[party] != names:
            raise ValueError(
                f"The {party} of --data_dir are {list(names)}; the run in "
                f"{run_dir} knows {list(known[party])}. Give the --data_dir "
                "that it was trained on."
            )


def check_run_dir(run_dir, config, resume):
    """Raises unless `run_dir` is free, or holds this configuration to resume.

    Args:
        run_dir: `pathlib.Path`.
        config: String, the flags of this run as a flagfile.
        resume: Bool, whether `run_dir` shall be gone on with.

    Raises:
        ValueError: If the folder holds another run, or none to resume.
    """
    path = run_dir / "config.flags"
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
