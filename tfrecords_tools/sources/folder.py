"""Videos of your own: in folders named by their labels, or listed in a CSV."""

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
    ".avi",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".webm",
    ".wmv",
)
NEEDED = ("path", "action", "privacy")
OPTIONAL = ("split", "source")
# The number of a clip: `match_c01`, `match-part-2`, `match_7`.
CLIP = re.compile(r"[_-](?:c|clip|part|seg|segment)?[_-]?\d+$")


def list_videos(raw_dir, *, seed=0, csv=None):
    """Lists the videos of a folder, or those of a CSV.

    The first line of a CSV names its columns, in any order: `path`, below
    `raw_dir` or absolute, of a video, a folder of numbered pictures or a glob
    of pictures; `action`; `privacy`, the private label, or several that are
    separated by `;`. If any line has a `;`, the label is multi-label, and an
    empty one stands for no class. `split` is train, validation (or val) or
    test. Without that column, videos are dealt 60 : 15 : 25 such that no two
    splits have clips of one `source`. If there is no such column either, the
    source is the name without the clip's number, as `match` for
    `match_c01.mp4` and `match_2.mp4`, whatever folders they are in.

    Args:
        raw_dir: Folder, see `LAYOUT`.
        seed: Int, for the splits if a CSV has none.
        csv: Path of a CSV, in UTF-8; `None` to go by folders.

    Returns:
        `Listing`. It has every video that the CSV names, even if missing.

    Raises:
        FileNotFoundError: If there is no such CSV.
        ValueError: If a folder, a file or a line is none of the above, in
            which case it is named, or if there are too few sources to deal.
    """
    if csv is None:
        rows, several = list(_walk(pathlib.Path(raw_dir))), False
    else:
        rows = read_csv(pathlib.Path(csv))
        several = _is_multi_label(rows)
    videos, labels = _labelled(rows, several)
    if rows and "split" not in rows[0]:
        videos = _dealt(videos, rows, random.Random(seed), csv)
    return Listing(
        videos,
        labels,
        target="action",
        budget="privacy",
        min_frames=1,
        clips_per_video=1,
        multi_label=("privacy",) if several else (),
    )


def _is_multi_label(rows):
    return any(";" in row["privacy"] for row in rows)


def _labelled(rows, several):
    """Returns the videos of rows, and a dict of label name to class names."""
    actions = sorted({row["action"] for row in rows})
    private = sorted({name for row in rows for name in _names(row, several)})
    videos = [
        Video(
            row["path"],
            row.get("split"),
            {
                "action": actions.index(row["action"]),
                "privacy": _label(_names(row, several), private, several),
            },
        )
        for row in rows
    ]
    return videos, {"action": tuple(actions), "privacy": tuple(private)}


def _names(row, several):
    """Returns the private labels of a row."""
    names = row["privacy"].split(";") if several else [row["privacy"]]
    return {name.strip() for name in names} - {""}


def _label(names, classes, several):
    if several:
        return tuple(int(name in names) for name in classes)
    return classes.index(*names)


def _walk(raw_dir):
    """Yields the videos below a folder as rows, like those of a CSV."""
    for split in _folders(raw_dir):
        if split.name not in SPLIT_OF:
            raise ValueError(
                f"{split} is not train, validation or test. --raw_dir "
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
        List of dicts of column to string; `split` is one of `SPLITS`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the columns, or the values of a line, are not valid.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--csv: there is no file {path}.")
    # Spreadsheets put a byte order mark first.
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            rows = _rows(path, file)
        except (csv_format.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is not a CSV in UTF-8: {error}. Save it as one."
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
            f"{where} has more or fewer values than columns. Quote a value "
            'that holds a comma, as "a,b".'
        )
    row = {name: value.strip() for name, value in row.items()}
    for name in row:
        if not row[name] and name != "privacy":
            raise ValueError(f"{where} has no {name}.")
    if "split" in row:
        if row["split"] not in SPLIT_OF:
            raise ValueError(
                f"{where}: split {row['split']!r} is not train, validation "
                "or test."
            )
        row["split"] = SPLIT_OF[row["split"]]
    return row


def _check_rows(path, rows):
    several = _is_multi_label(rows)
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
    """Returns what a row's video was cut from, judging by its path alone."""
    path = pathlib.PurePosixPath(row["path"])
    if any(letter in path.name for letter in "*?["):
        path = path.parent  # the folder of a glob
    return CLIP.sub("", path.stem)
