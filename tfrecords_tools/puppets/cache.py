"""Shards of puppets, drawn on first use."""

import os
import pathlib

from tfrecords_tools import manifest
from tfrecords_tools import write
from tfrecords_tools.puppets import generate


def puppets(out_dir=None, *, paper_size=False, workers=1):
    """Draws the puppets and builds their shards, if they are missing.

    Args:
        out_dir: Folder for the shards; `None` for one in the cache, see
            `drawn_puppets`. Shards that it already holds are left as they are.
        paper_size: Bool, see `drawn_puppets`.
        workers: Int, processes that draw and threads that build.

    Returns:
        Path of the folder that holds `puppets/manifest.json`.
    """
    if out_dir and pathlib.Path(out_dir, "puppets", manifest.NAME).exists():
        return pathlib.Path(out_dir)
    raw_dir = drawn_puppets(paper_size=paper_size, workers=workers)
    # Named by the format: another version of this code builds its own.
    shards = f"{raw_dir.name}-shards-{manifest.FORMAT}"
    out_dir = pathlib.Path(out_dir or raw_dir.with_name(shards))
    write.build(
        "puppets",
        raw_dir,
        out_dir,
        workers=workers,
        command=f"python -m tfrecords_tools.build --dataset=puppets "
        f"--raw_dir={raw_dir} --out_dir={out_dir}",
    )
    return out_dir


def drawn_puppets(*, paper_size=False, workers=1):
    """Draws the puppets into the cache, if they are missing.

    Args:
        paper_size: Bool, whether to draw 336 clips of 640x480, the size of
            SBU's frames, rather than 840 of 160x120.
        workers: Int, processes that draw.

    Returns:
        Path of a folder in SBU's layout, below `$PRIV_KERAS_CACHE` or
        `~/.cache/priv_keras`.
    """
    default = pathlib.Path.home() / ".cache" / "priv_keras"
    cache = pathlib.Path(os.environ.get("PRIV_KERAS_CACHE") or default)
    size, takes = ((640, 480), 2) if paper_size else ((160, 120), 5)
    raw_dir = cache / f"puppets-{size[0]}x{size[1]}x{takes}"
    if not raw_dir.exists():
        try:
            generate.generate(raw_dir, size=size, takes=takes, workers=workers)
        except OSError:
            if not raw_dir.exists():  # else another process was faster
                raise
    return raw_dir
