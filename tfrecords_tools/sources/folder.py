"""Videos of your own: in folders named by their labels, or named by a CSV."""

import csv as csv_format
import pathlib
import random
import re

from tfrecords_tools.decode import numbered
from tfrecords_tools.sources.listing import SPLITS
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import deal_whole

LAYOUT = (
    "<train, validation or test>/<action>/<private label>/<a video, or a "
    "folder of numbered pictures>, or a --csv"
)
SPLIT_OF = {**{split: split for split in SPLITS}, "val": "validation"}
SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}
VIDEO_SUFFIXES = (
    *(".avi", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".webm", ".wmv"),
)
NEEDED = ("path", "action", "privacy")
OPTIONAL = ("split", "source")
# The number of a clip: `match_c01`, `match-part-2`, `match_7`.
CLIP = re.compile(r"[_-](?:c|clip|part|seg|segment)?[_-]?\d+$")


def list_videos(raw_dir, *, seed=0, csv=None):
    """Lists the videos of folders, or of a CSV.

    A CSV has a line of names, in any order: `path`, below `raw_dir` or
    absolute, of a video, a folder of numbered pictures or a glob of pictures;
    `action`; `privacy`, the private label, or several with `;` between them.
    If any has a `;`, all are multi-label, and an empty one is none of them.
    `split` is train, validation (or val) or test. Without it, videos are dealt
    60 : 15 : 25, such that no two splits have clips of one `source`; without
    that column too, the source is the name less a clip's number, as `match` of
    `match_c01.mp4` and `match_2.mp4`, in whatever folders they are.

    Args:
        raw_dir: Folder, see `LAYOUT`.
        seed: Int, of the split where a CSV has none.
        csv: Path of a CSV, in UTF-8; `None` to go by folders.

    Returns:
        `Listing`. A video that the CSV names and that is missing is in it.

    Raises:
        FileNotFoundError: If there is no such CSV.
        ValueError: If a folder, a file or a line is none of the above; names
            it. If there are too few sources to deal.
    """
    raw_dir = pathlib.Path(raw_dir)
    if csv is None:
        rows, separator = list(_walk(raw_dir)), None
    else:
        rows = read_csv(pathlib.Path(csv))
        several = any(";" in row["privacy"] for row in rows)
        separator = ";" if several else None
    actions = sorted({row["action"] for row in rows})
    private = sorted({n for row in rows for n in _names(row, separator)})
    videos = [
        Video(
            row["path"],
            row.get("split"),
            {
                "action": actions.index(row["action"]),
                "privacy": _label(_names(row, separator), private, separator),
            },
        )
        for row in rows
    ]
    if rows and "split" not in rows[0]:
        videos = _dealt(videos, rows, random.Random(seed), csv)
    return Listing(
        videos,
        {"action": tuple(actions), "privacy": tuple(private)},
        target="action",
        budget="privacy",
        min_frames=1,
        clips_per_video=1,
        multi_label=("privacy",) if separator else (),
    )


def _names(row, separator):
    """The private labels of a row."""
    names = row["privacy"].split(separator) if separator else [row["privacy"]]
    return {name.strip() for name in names} - {""}


def _label(names, classes, separator):
    if separator:
        return tuple(int(name in names) for name in classes)
    return classes.index(*names)


def _walk(raw_dir):
    """Yields the videos below a folder as rows, as a CSV has."""
    for split in _folders(raw_dir):
        if split.name not in SPLIT_OF:
            raise ValueError(
                f"{split} is none of train, validation and test. --raw_dir "
                f"must hold {LAYOUT}."
            )
        for action in _folders(split):
            for private in _folders(action):
                for video in sorted(_visible(private)):
                    _check_video(video)
                    yield {
                        "path": video.relative_to(raw_dir).as_posix(),
                        "split": SPLIT_OF[split.name],
                        "action": action.name,
                        "privacy": private.name,
                    }


def _visible(folder):
    return (p for p in folder.iterdir() if not p.name.startswith("."))


def _folders(folder):
    paths = sorted(_visible(folder))
    for path in paths:
        if not path.is_dir():
            raise ValueError(
                f"{path} is a file where a folder is wanted: --raw_dir must "
                f"hold {LAYOUT}."
            )
    return paths


def _check_video(path):
    if path.is_dir():
        if not numbered(path):
            raise ValueError(f"{path} holds no numbered pictures (.png, .jpg).")
    elif path.suffix.lower() not in VIDEO_SUFFIXES:
        raise ValueError(
            f"{path} is neither a video ({', '.join(VIDEO_SUFFIXES)}) nor a "
            "folder of numbered pictures. Take it out of --raw_dir."
        )


def read_csv(path):
    """Reads the lines of a CSV of videos.

    Args:
        path: `pathlib.Path`, see `list_videos`.

    Returns:
        List of dicts: column to string; `split` is one of `SPLITS`.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If columns, or values of a line, are not as they must be.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--csv: there is no file {path}.")
    # Spreadsheets put a byte order mark first.
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            rows = _rows(path, file)
        except (csv_format.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is no CSV in UTF-8: {error}. Save it as one."
            ) from error
    _check_rows(path, rows)
    return rows


def _rows(path, file):
    reader = csv_format.DictReader(file, skipinitialspace=True, strict=True)
    columns = [name.strip() for name in reader.fieldnames or ()]
    _check_columns(path, columns)
    reader.fieldnames = columns
    return [_row(path, reader.line_num, row) for row in reader]


def _check_columns(path, columns):
    lacking = set(NEEDED) - set(columns)
    unknown = set(columns) - {*NEEDED, *OPTIONAL}
    if lacking or unknown or len(set(columns)) < len(columns):
        raise ValueError(
            f"{path}: its first line must name the columns "
            f"{', '.join(NEEDED)} and may name {' and '.join(OPTIONAL)}, each "
            f"once. It has: {', '.join(columns)}."
        )


def _row(path, number, row):
    where = f"{path}, line {number}"
    if None in row or None in row.values():
        raise ValueError(
            f"{where} has not as many values as there are columns. Quote one "
            'that holds a comma, as "a,b".'
        )
    row = {name: value.strip() for name, value in row.items()}
    for name in row:
        if not row[name] and name != "privacy":
            raise ValueError(f"{where} has no {name}.")
    if "split" in row:
        if row["split"] not in SPLIT_OF:
            raise ValueError(
                f"{where}: split {row['split']!r} is none of train, validation "
                "and test."
            )
        row["split"] = SPLIT_OF[row["split"]]
    return row


def _check_rows(path, rows):
    several = any(";" in row["privacy"] for row in rows)
    seen = set()
    for row in rows:
        if not row["privacy"] and not several:
            raise ValueError(
                f"{path}: {row['path']} has no private label. Where a video "
                "may have none or many, separate them by ; and write ; for "
                "none."
            )
        if row["path"] in seen:
            raise ValueError(f"{path} has {row['path']} twice.")
        seen.add(row["path"])


def _dealt(videos, rows, rng, csv):
    source_of = {row["path"]: row.get("source") or source(row) for row in rows}
    dealt = deal_whole(
        videos,
        lambda video: source_of[video.id],
        lambda video: video.labels["action"],
        rng,
        SHARES,
    )
    lacking = set(SPLITS) - {video.split for video in dealt}
    if lacking:
        raise ValueError(
            f"{csv} has no column split, and its {len(set(source_of.values()))}"
            f" source videos are too few to deal: {', '.join(sorted(lacking))} "
            "would be empty. Add a column split; or, if names mislead, a "
            "column source."
        )
    return dealt


def source(row):
    """The video that a row's was cut from, by its path alone."""
    path = pathlib.PurePosixPath(row["path"])
    if any(letter in path.name for letter in "*?["):
        path = path.parent  # of a glob
    return CLIP.sub("", path.stem)
