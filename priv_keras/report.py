"""Compares judged runs on one HTML page, which needs no other file.

    python -m priv_keras.report RUN_DIR... --out=report

The runs must have been judged, by train or evaluate.
"""

import pathlib

from absl import app

from flags import program
from flags import report as flags


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Name the folders of runs: RUN_DIR...")
    # In here, so that `--help` does not wait for NumPy.
    from priv_keras.reports import page
    from priv_keras.runs.run import load_run

    out = pathlib.Path(flags.OUT.value)
    check_out(out)
    folders = dict.fromkeys(pathlib.Path(x).resolve() for x in argv[1:])
    judged = [load_run(folder) for folder in folders]
    page.write(judged, out, pictures=flags.SHOW_PICTURES.value)
    counted = f"{len(judged)} run{'' if len(judged) == 1 else 's'}"
    print(f"{out / 'index.html'}: {counted}")
    return 0


def check_out(out):
    """Raises unless a folder is empty or new, or holds a report to replace.

    Args:
        out: `pathlib.Path`.

    Raises:
        ValueError: If it is a file, or holds something else.
    """
    if out.is_dir() and any(out.iterdir()) and not _is_report(out):
        raise ValueError(
            f"--out={out} holds files of something else. Choose a new or an "
            "empty folder."
        )
    if out.is_file():
        raise ValueError(f"--out={out} is a file. Choose a folder.")


def _is_report(folder):
    names = {path.name for path in folder.iterdir()}
    return names <= {"index.html", "figures"}


def run():
    program.run(main, [flags])


if __name__ == "__main__":
    run()
