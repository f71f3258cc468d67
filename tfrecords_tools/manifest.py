"""`manifest.json`: what a folder of shards holds, and how it was made."""

import hashlib
import json
import os
import pathlib

NAME = "manifest.json"
FORMAT = 1


def load(folder):
    """Reads the manifest of a folder of shards.

    Args:
        folder: Path.

    Returns:
        Dict: `dataset`, `options` that made it, `labels` (label name to class
        names), `target` and `budget` (the label that each party learns),
        `clips_per_video`, `splits` (name to `shards` and `videos`), `skipped`
        videos with their reasons, `command`.

    Raises:
        FileNotFoundError: If `folder` holds none.
        ValueError: If it is of another format.
    """
    path = pathlib.Path(folder, NAME)
    if not path.is_file():
        raise FileNotFoundError(_missing(path.parent))
    content = json.loads(path.read_text())
    if content.get("format") != FORMAT:
        raise ValueError(
            f"{path} is of format {content.get('format')!r}; this version "
            f"reads {FORMAT}. Build the shards anew."
        )
    return content


def _missing(folder):
    if not folder.is_dir():
        found = f"There is no folder {folder}."
    else:
        names = sorted(path.name for path in folder.iterdir())[:5]
        found = f"{folder} holds: {', '.join(names) or 'nothing'}."
    return (
        f"No shards in {folder}: it lacks {NAME}. {found} Build them with "
        f"`python -m tfrecords_tools.build --dataset={folder.name} "
        f"--raw_dir=... --out_dir={folder.parent}`."
    )


def save(content, folder):
    """Writes a manifest, whole or not at all."""
    path = pathlib.Path(folder, NAME)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"format": FORMAT, **content}, indent=1))
    os.replace(partial, path)


def sha256(path):
    """The SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
