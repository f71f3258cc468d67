"""Videos of your own: in folders named by their labels, or listed in a CSV."""

import csv as csv_format
import io
import os
import pathlib
import random
import re
import unicodedata

from tfrecords_tools import names
from tfrecords_tools import picture
from tfrecords_tools import video
from tfrecords_tools.sources.listing import SPLITS
from tfrecords_tools.sources.listing import Listing
from tfrecords_tools.sources.listing import Video
from tfrecords_tools.sources.listing import deal_whole
from tfrecords_tools.sources.listing import read_text

LAYOUT = (
    "<train, validation or test>/<action>/<private label>/<a video, or a "
    "folder of numbered pictures>, or a --csv"
)
SPLIT_OF = {**{split: split for split in SPLITS}, "val": "validation"}
SHARES = {"train": 0.6, "validation": 0.15, "test": 0.25}
VIDEO_SUFFIXES = (
    ".3g2",
    ".3gp",
    ".asf",
    ".avi",
    ".dv",
    ".flv",
    ".gif",
    ".m2ts",
    ".m4v",
    ".mjpeg",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
    ".mts",
    ".mxf",
    ".ogv",
    ".ts",
    ".vob",
    ".webm",
    ".wmv",
)
NEEDED = ("path", "action", "privacy")
OPTIONAL = ("split", "source")
DELIMITERS = (",", ";", "\t")
# The number of a clip: `match_c01`, `match-part-2`, `match_7`.
CLIP = re.compile(r"[_-](?:c|clip|part|seg|segment)?[_-]?\d+$")


def list_videos(raw_dir, *, seed=0, csv=None, hold_out_people=0):
    """Lists the videos of a folder, or those of a CSV.

    The first line of a CSV names its columns, in any order: `path`, below
    `raw_dir` or absolute, of a video, a folder of numbered pictures or a glob
    of pictures; `action`; `privacy`, the private label, or several that are
    separated by `;`. If any line has a `;`, the label is multi-label, and an
    empty one stands for no class. Columns are separated by commas, tabs or
    `;`, as spreadsheets write them; several private labels must then be in
    quotes. `split` is train, validation (or val) or
    test. Without that column, videos are dealt 60 : 15 : 25 such that no two
    splits have clips of one `source`. If there is no such column either, the
    source is the name without the clip's number, as `match` for
    `match_c01.mp4` and `match_2.mp4`, whatever folders they are in.

    Args:
        raw_dir: Folder, see `LAYOUT`.
        seed: Int, for the splits if a CSV has none, and for who is held out.
        csv: Path of a CSV, in UTF-8 or, with a byte order mark, UTF-16;
            `None` to go by folders.
        hold_out_people: Int, the number of private labels, drawn at random,
            whose videos are the test split; all others are dealt 80 : 20 to
            training and validation. 0 to hold nobody out.

    Returns:
        `Listing`. It has every video that the CSV names, even if missing.

    Raises:
        FileNotFoundError: If there is no such CSV.
        ValueError: If a folder, a file or a line is none of the above, in
            which case it is named, if two labels differ in their case alone,
            if there are too few sources to deal, or if people cannot be held
            out.
    """
    others = []
    if csv is None:
        rows = list(_walk(pathlib.Path(raw_dir), others))
        several = False
    else:
        rows = read_csv(pathlib.Path(csv))
        several = _is_multi_label(rows)
    listed = len(rows)
    rows = [r for r in rows if not names.is_system(os.path.basename(r["path"]))]
    videos, labels = _labelled(rows, several)
    rng = random.Random(seed)
    held_out = ()
    if hold_out_people:
        _check_can_hold_out(rows, several, labels["privacy"], hold_out_people)
        held_out = sorted(rng.sample(labels["privacy"], hold_out_people))
    if rows and "split" not in rows[0]:
        codes = {labels["privacy"].index(name) for name in held_out}
        videos = _dealt(videos, rows, rng, csv, codes)
    return Listing(
        videos,
        labels,
        target="action",
        budget="privacy",
        min_frames=1,
        clips_per_video=1,
        multi_label=("privacy",) if several else (),
        irregularities=(
            *_about_left_out(listed - len(rows), csv),
            *(
                names.one_line(f"{path} is left out: it is no video")
                for path in others
            ),
        ),
        held_out=tuple(held_out),
    )


def _about_left_out(count, csv):
    if not count:
        return ()
    return (f"{count} files of the system that {csv} names are left out",)


def _is_multi_label(rows):
    return any(";" in row["privacy"] for row in rows)


def _labelled(rows, several):
    """Returns the videos of rows, and a dict of label name to class names."""
    actions = sorted({row["action"] for row in rows})
    private = sorted({name for row in rows for name in _names(row, several)})
    _check_distinct(actions)
    _check_distinct(private)
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


def _check_distinct(classes):
    """Raises if two classes are probably one that was typed in two ways."""
    seen = {}
    for name in classes:
        typed = " ".join(unicodedata.normalize("NFC", name).casefold().split())
        other = seen.setdefault(typed, name)
        if other != name:
            raise ValueError(
                f"The labels {other!r} and {name!r} are probably one. Name "
                "them alike, or so that more than case tells them apart."
            )


def _names(row, several):
    """Returns the private labels of a row."""
    given = row["privacy"].split(";") if several else [row["privacy"]]
    return {name.strip() for name in given} - {""}


def _label(given, classes, several):
    if several:
        return tuple(int(name in given) for name in classes)
    return classes.index(*given)


def _walk(raw_dir, others):
    """Yields the videos below a folder as rows, like those of a CSV, and adds
    the paths of other files that lie between them to a list."""

    def videos(folder):
        """Returns the videos and folders in a folder, and adds the other files,
        such as subtitles and lists, to `others`."""
        found = {p: _is_video(p, raw_dir) for p in names.visible(folder)}
        others.extend(path for path, is_video in found.items() if not is_video)
        return [path for path, is_video in found.items() if is_video]

    def folders(folder):
        return _only_folders(videos(folder))

    for split in folders(raw_dir):
        if split.name.lower() not in SPLIT_OF:
            raise ValueError(
                f"{split} is not train, validation or test. --raw_dir "
                f"must hold {LAYOUT}."
            )
        for action in folders(split):
            for private in folders(action):
                for found in videos(private):
                    yield {
                        "path": found.relative_to(raw_dir).as_posix(),
                        "split": SPLIT_OF[split.name.lower()],
                        "action": action.name,
                        "privacy": private.name,
                    }


def _only_folders(paths):
    for path in paths:
        if not path.is_dir():
            raise ValueError(
                f"{path} is a video where a folder is wanted: --raw_dir must "
                f"hold {LAYOUT}."
            )
    return paths


def _is_video(path, raw_dir):
    """Returns whether a path is a folder, is named as a video, or holds one.

    A picture is none: those of a video are in a folder. A link out of `raw_dir`
    is not opened, and taken for one, so that it is refused as such.
    """
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in VIDEO_SUFFIXES:
        return True
    inside = pathlib.Path(os.path.realpath(raw_dir))
    if not pathlib.Path(os.path.realpath(path)).is_relative_to(inside):
        return True
    return suffix not in picture.SUFFIXES and video.opens(path)


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
    text = read_text(path)
    try:
        rows = _rows(path, text)
    except csv_format.Error as error:
        raise ValueError(
            f"{path} is not a CSV: {error}. Save it as one."
        ) from error
    _check_rows(path, rows)
    return rows


def _rows(path, text):
    reader = csv_format.DictReader(
        io.StringIO(text, newline=""),
        delimiter=_delimiter(text.partition("\n")[0]),
        skipinitialspace=True,
        strict=True,
    )
    columns = [name.strip() for name in reader.fieldnames or ()]
    _check_columns(path, columns)
    reader.fieldnames = columns
    return [_row(path, reader.line_num, row) for row in reader]


def _delimiter(header):
    """Returns what separates columns, by the line that names them."""

    def known(delimiter):
        cells = {cell.strip(' \t\r"') for cell in header.split(delimiter)}
        return len(cells.intersection((*NEEDED, *OPTIONAL)))

    return max(DELIMITERS, key=known)


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
        if row["split"].lower() not in SPLIT_OF:
            raise ValueError(
                f"{where}: split {row['split']!r} is not train, validation "
                "or test."
            )
        row["split"] = SPLIT_OF[row["split"].lower()]
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
        known = unicodedata.normalize("NFC", os.path.normpath(row["path"]))
        if known in seen:
            raise ValueError(f"{path} has {row['path']} twice.")
        seen.add(known)


def _check_can_hold_out(rows, several, people, count):
    """Raises unless `count` of `people` can be held out."""
    if several:
        raise ValueError(
            "--hold_out_people needs one private label for each video, the "
            "person; this CSV has several. Name one person a line."
        )
    if rows and "split" in rows[0]:
        raise ValueError(
            "--hold_out_people makes splits of its own, and these videos have "
            "them already. List the videos in a --csv without a column split."
        )
    if not 2 <= count <= len(people) - 2:
        raise ValueError(
            f"--hold_out_people={count}: there are {len(people)} people. Hold "
            "out 2 or more, since pairs of them are compared, and leave 2 or "
            "more to train on."
        )


def _dealt(videos, rows, rng, csv, held_out):
    """Returns the videos with splits; `held_out` are ints, private labels."""
    source_of = {row["path"]: row.get("source") or source(row) for row in rows}
    tested = [v for v in videos if v.labels["privacy"] in held_out]
    others = [v for v in videos if v.labels["privacy"] not in held_out]
    shares = {"train": 0.8, "validation": 0.2} if tested else SHARES
    dealt = deal_whole(
        others,
        lambda video: source_of[video.id],
        lambda video: video.labels["action"],
        rng,
        shares,
    )
    if tested:
        _check_apart(tested, dealt, source_of)
        dealt += [video._replace(split="test") for video in tested]
    lacking = set(SPLITS) - {video.split for video in dealt}
    if lacking:
        raise ValueError(
            f"{csv} has no column split, and its {len(set(source_of.values()))}"
            f" source videos are too few to deal: {', '.join(sorted(lacking))} "
            "would be empty. Add a column split; or, if names mislead, a "
            "column source."
        )
    return dealt


def _check_apart(tested, dealt, source_of):
    """Raises unless held-out people share no source with others, of whom two
    or more train."""
    sources = [{source_of[v.id] for v in part} for part in (tested, dealt)]
    both = sources[0] & sources[1]
    if both:
        raise ValueError(
            f"{len(both)} sources, such as {min(both)}, show people who are "
            "held out and others, and would test and train. Leave them out; "
            "or, if names mislead, add a column source."
        )
    training = {v.labels["privacy"] for v in dealt if v.split == "train"}
    if len(training) < 2:
        raise ValueError(
            "--hold_out_people leaves fewer than 2 people in train. Hold out "
            "fewer, or list more videos."
        )


def source(row):
    """Returns what a row's video was cut from, judging by its path alone."""
    path = pathlib.PurePosixPath(row["path"])
    if any(letter in path.name for letter in "*?["):
        path = path.parent  # the folder of a glob
    return CLIP.sub("", path.stem)
