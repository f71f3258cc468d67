"""`manifest.json`: what a folder of shards holds, and how it was made."""

import json

import jsonschema

from tfrecords_tools import storage

NAME = "manifest.json"
FORMAT = 4  # of the manifest and of the records
SHOWN = 20  # irregularities in a summary; the manifest has all


def _object(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _array(items):
    return {"type": "array", "items": items}


TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
SHARD = _object(
    # In the folder of the manifest, and nowhere else.
    file={"type": "string", "pattern": r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*\Z"},
    sha256={"type": "string", "pattern": r"^[0-9a-f]{64}\Z"},
    records=COUNT,
)
SPLIT = _object(shards=_array(SHARD), videos=_array(TEXT), frames=_array(COUNT))
SCHEMA = _object(
    dataset=TEXT,
    options=_object(size=_array({"type": "integer", "minimum": 1})),
    labels={
        "type": "object",
        "additionalProperties": {**_array(TEXT), "minItems": 1},
    },
    multi_label=_array(TEXT),
    per_frame=_array(TEXT),
    target={"type": ["string", "null"]},
    budget={"type": ["string", "null"]},
    clips_per_video={"type": ["integer", "null"], "minimum": 1},
    splits={"type": "object", "additionalProperties": SPLIT},
    skipped=_array(_object(video=TEXT, reason=TEXT)),
    irregularities=_array(TEXT),
)
# Earlier versions did not write it.
SCHEMA["properties"]["held_out_people"] = _array(TEXT)


def load(folder):
    """Reads the manifest of a folder of shards.

    Args:
        folder: Path, possibly as in `gs://bucket/shards/sbu`.

    Returns:
        Dict: `dataset`; `options` that made it: `encoding`, `size` (width and
        height of stored frames, pixels), `squash`, `seed` and `videos`, a
        SHA-256 over the listing; `labels` (label name to class names);
        `multi_label`, a list of the labels that are a 0 or 1 for each class;
        `per_frame`, a list of those that each frame has for itself, as a 0, 1
        or `listing.UNKNOWN` for each class; `target` and `budget` (the label
        that each party learns, or `None`); `clips_per_video`, as `read.clips`
        takes it; `splits` (name to `shards`, a list of `file`, `sha256` and
        `records`, `videos`, a list of ids, and `frames`, a list of their
        lengths); `skipped`, a list of `video` and `reason`; `irregularities`,
        a list of strings: what was repaired in annotations or left out of
        videos; `held_out_people`, a list of the private labels whose videos
        are the test split, which has no others, empty or missing if splits
        share people; `command`.

    Raises:
        FileNotFoundError: If `folder` holds no manifest.
        ValueError: If it is unreadable, of another format, or contradicts
            itself or the schema.
    """
    path = storage.path(folder) / NAME
    if not path.exists():
        raise FileNotFoundError(
            f"No shards in {folder}: it lacks {NAME}. {remedy(folder)}"
        )
    try:
        content = json.loads(path.read_text())
        found = content.get("format")
    except (ValueError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from error
    if found != FORMAT:
        raise ValueError(
            f"{path} is of format {found!r}; this version reads {FORMAT}. "
            f"Delete {path.parent} and build it anew with `{command(content)}`."
        )
    try:
        jsonschema.validate(content, SCHEMA)
        _check_sense(content)
    except (jsonschema.ValidationError, ValueError) as error:
        where = getattr(error, "json_path", "$")
        message = getattr(error, "message", error)
        raise _damaged(path, f"{where}: {message}") from error
    return content


def _damaged(path, why):
    return ValueError(
        f"{path} is damaged: {why}. Delete {path.parent} and build it anew "
        "with `python -m tfrecords_tools.build`."
    )


def _check_sense(content):
    """Raises `ValueError` if parts of a manifest contradict each other."""
    named = {*content["multi_label"], *content["per_frame"]}
    named |= {content["target"], content["budget"]} - {None}
    if not named <= content["labels"].keys():
        raise ValueError(
            f"it names labels {sorted(named)} and has {list(content['labels'])}"
        )
    unknown = {*content.get("held_out_people", ())}.difference(
        content["labels"].get(content["budget"], ())
    )
    if unknown:
        raise ValueError(f"no private label is {min(unknown)!r}")
    for name, split in content["splits"].items():
        records = sum(shard["records"] for shard in split["shards"])
        if not records == len(split["videos"]) == len(split["frames"]):
            raise ValueError(
                f"{name} has {records} records, {len(split['videos'])} videos "
                f"and {len(split['frames'])} lengths, which should be equal"
            )


def label_shapes(content):
    """Returns a dict of label name to shape, for labels that are not scalars:
    `(classes,)`, or `(None, classes)` if each frame has one for itself."""
    shapes = {}
    for name, classes in content["labels"].items():
        if name in content["multi_label"]:
            shapes[name] = (len(classes),)
        elif name in content["per_frame"]:
            shapes[name] = (None, len(classes))
    return shapes


def shards(content):
    """Returns a list of pairs of a split's name and one of its shards."""
    return [
        (split, shard)
        for split, part in content["splits"].items()
        for shard in part["shards"]
    ]


def rebuild(folder, content):
    """Says what to do about shards that differ from their manifest."""
    return f"Delete {folder} and build it anew with `{command(content)}`."


def command(content):
    """Returns the command that makes the shards of a manifest."""
    return content.get("command") or (
        f"python -m tfrecords_tools.build --dataset={content.get('dataset')} "
        "--raw_dir=... --out_dir=..."
    )


def remedy(folder):
    """Says what a folder that lacks shards holds instead, and what to do."""
    folder = storage.path(folder)
    if not folder.is_dir():
        found = f"There is no folder {folder}."
    else:
        names = sorted(path.name for path in folder.iterdir())
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        found = f"{folder} holds: {', '.join(names[:5]) or 'nothing'}{more}."
    below = sorted(path.parent.name for path in folder.glob(f"*/{NAME}"))
    if below:
        found += f" There are shards in its folders {', '.join(below)}."
    return (
        f"{found} Build shards with `python -m tfrecords_tools.build "
        f"--dataset={folder.name} --raw_dir=... --out_dir={folder.parent}`."
    )


def summary(content):
    """Returns what a manifest holds, as lines of text."""
    lines = [
        f"{content['dataset']} {name}: {len(split['videos'])} videos in "
        f"{len(split['shards'])} shards"
        + ("" if split["videos"] else ": this split is empty")
        for name, split in content["splits"].items()
    ]
    held_out = content.get("held_out_people")
    if held_out:
        lines.append(
            f"{len(held_out)} people are held out, who alone are in test: "
            + ", ".join(held_out)
        )
    irregular = content["irregularities"]
    if irregular:
        lines.append(f"irregularities: {len(irregular)}")
        lines += [f"  {line}" for line in irregular[:SHOWN]]
    if len(irregular) > SHOWN:
        lines.append(f"  and {len(irregular) - SHOWN} more: see manifest.json")
    if content["skipped"]:
        lines.append(
            f"{len(content['skipped'])} videos skipped; with --skip_bad, the "
            "exit status is 0 all the same:"
        )
    lines += [
        f"  {bad['video']}: {bad['reason']}" for bad in content["skipped"]
    ]
    return "\n".join(lines)


def save(content, folder):
    """Writes a manifest, whole or not at all."""
    path = storage.path(folder) / NAME
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"format": FORMAT, **content}, indent=1))
    partial.replace(path)
