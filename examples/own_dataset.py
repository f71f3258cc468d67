"""Builds shards of one's own clips, and trains on them.

    python examples/own_dataset.py CLIPS OUT

CLIPS holds one folder for each person, with one film for each action in it, as
in CLIPS/anna/wave_01.mp4. A CSV says what is what; the split is random.
"""

import csv
import pathlib
import subprocess
import sys


def write_list(folder, path):
    """Writes the CSV that `--dataset=folder` reads."""
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "action", "privacy", "source"])
        for film in sorted(pathlib.Path(folder).glob("*/*.*")):
            action = film.stem.rpartition("_")[0]
            name = film.relative_to(folder).as_posix()
            # Clips of one source stay on one side of the split: here, each
            # film is a recording of its own.
            table.writerow([name, action, film.parent.name, name])


def run(module, *args):
    subprocess.run([sys.executable, "-m", module, *args], check=True)


def main(folder, out, *more):
    out = pathlib.Path(out)
    out.mkdir(parents=True)
    write_list(folder, out / "clips.csv")
    run(
        "tfrecords_tools.build",
        "--dataset=folder",
        f"--raw_dir={folder}",
        f"--csv={out / 'clips.csv'}",
        f"--out_dir={out / 'shards'}",
    )
    run(
        "priv_keras.train",
        "--method=entropy",
        "--dataset=folder",
        f"--data_dir={out / 'shards'}",
        f"--run_dir={out / 'run'}",
        "--scale=tiny",
        *more,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
