"""From a dataset's raw folder to shards and their manifest."""

import collections
import concurrent.futures
import hashlib
import os
import pathlib
import random
import sys

import tensorflow as tf
import tqdm

from tfrecords_tools import decode
from tfrecords_tools import manifest
from tfrecords_tools import schema
from tfrecords_tools import sources
from tfrecords_tools.sources import puppets as drawn

SHARD = "{split}-{index:05d}-of-{count:05d}.tfrecord"
VIDEOS_PER_SHARD = 128


def build(
    dataset,
    raw_dir,
    out_dir,
    *,
    encoding="jpeg",
    size=(160, 120),
    workers=1,
    fold=0,
    seed=0,
    split_dir=None,
    command="",
):
    """Writes `out_dir/<dataset>/`: shards of each split and a manifest.

    Where the manifest is there already and says the same, nothing is done.
    The shards' bytes do not depend on `workers`.

    Args:
        dataset: Name of a source.
        raw_dir: Folder of the raw videos.
        out_dir: Folder for this and other datasets.
        encoding: `"jpeg"` or `"raw"`.
        size: `(width, height)` of stored frames, in pixels.
        workers: Int, threads that decode.
        fold: Int, which fold of a dataset that has folds.
        seed: Int, of random splits and of the order of records.
        split_dir: Folder of split lists, or `None`.
        command: String, kept in the manifest.

    Returns:
        The manifest, see `manifest.load`.

    Raises:
        ValueError: If `out_dir` holds shards of other options or of other
            videos, or no video is usable.
        FileNotFoundError: If `raw_dir` has no videos.
    """
    listing = sources.source(dataset).list_videos(
        raw_dir, fold=fold, seed=seed, split_dir=split_dir
    )
    if not listing.videos:
        raise FileNotFoundError(
            f"--raw_dir={raw_dir} holds no video in the layout of {dataset}. "
            f"See tfrecords_tools/sources/ for the layout that is expected."
        )
    folder = pathlib.Path(out_dir, dataset)
    options = {
        "encoding": encoding,
        "size": list(size),
        "fold": fold,
        "seed": seed,
        "split_dir": split_dir and str(split_dir),
        "videos": _fingerprint(raw_dir, listing),
    }
    if (folder / manifest.NAME).exists():
        return _same(manifest.load(folder), options, folder)
    return _write(
        folder,
        dataset,
        pathlib.Path(raw_dir),
        listing,
        options,
        workers,
        command,
    )


def _fingerprint(raw_dir, listing):
    """SHA-256 over the paths, sizes, splits and labels of all videos."""
    digest = hashlib.sha256()
    for video in sorted(listing.videos):
        path = pathlib.Path(raw_dir, video.id)
        paths = decode.numbered(path) if path.is_dir() else [path]
        size = sum(path.stat().st_size for path in paths)
        digest.update(repr((video, size)).encode())
    return digest.hexdigest()


def _same(content, options, folder):
    differing = [k for k in options if content["options"].get(k) != options[k]]
    if differing:
        raise ValueError(
            f"{folder} holds shards of other {', '.join(differing)}. Choose "
            "another --out_dir, or delete it to build it anew."
        )
    return content


def _write(folder, dataset, raw_dir, listing, options, workers, command):
    folder.mkdir(parents=True, exist_ok=True)
    skipped, splits = [], {}
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        tqdm.tqdm(
            total=len(listing.videos),
            desc=f"{dataset}: shards",
            unit="video",
            disable=not sys.stderr.isatty(),
        ) as progress,
    ):
        for split in sources.SPLITS:
            videos = [v for v in listing.videos if v.split == split]
            random.Random(options["seed"]).shuffle(videos)

            def record(video):
                return video, _record(video, raw_dir, listing, options)

            shards = [
                _shard(folder, split, videos, start, pool, record, progress)
                for start in range(0, len(videos), VIDEOS_PER_SHARD)
            ]
            skipped += [bad for shard in shards for bad in shard.pop("skipped")]
            splits[split] = {
                "videos": [v for shard in shards for v in shard.pop("videos")],
                "shards": shards,
            }
    content = {
        "dataset": dataset,
        "command": command,
        "options": options,
        "labels": listing.labels,
        "target": listing.target,
        "budget": listing.budget,
        "clips_per_video": listing.clips_per_video,
        "splits": splits,
        "skipped": skipped,
    }
    manifest.save(content, folder)
    return manifest.load(folder)


def _record(video, raw_dir, listing, options):
    """Serializes a video; returns bytes, or the reason why it cannot."""
    try:
        frames = decode.frames(raw_dir / video.id, options["size"])
    except (ValueError, OSError) as error:
        return str(error)
    if len(frames) < listing.min_frames:
        return f"{len(frames)} frames, less than {listing.min_frames}."
    return schema.encode(
        frames,
        video=video.id,
        labels=video.labels,
        encoding=options["encoding"],
    )


def _shard(folder, split, videos, start, pool, record, progress):
    """Writes one shard under its final name only when it is complete."""
    path = folder / SHARD.format(
        split=split,
        index=start // VIDEOS_PER_SHARD,
        count=-(-len(videos) // VIDEOS_PER_SHARD),
    )
    partial = path.with_suffix(".partial")
    written, skipped = [], []
    with tf.io.TFRecordWriter(str(partial)) as writer:
        for video, result in _in_order(
            pool, record, videos[start : start + VIDEOS_PER_SHARD]
        ):
            progress.update()
            if isinstance(result, str):
                skipped.append({"video": video.id, "reason": result})
            else:
                writer.write(result)
                written.append(video.id)
    os.replace(partial, path)
    return {
        "file": path.name,
        "sha256": manifest.sha256(path),
        "records": len(written),
        "videos": written,
        "skipped": skipped,
    }


def _in_order(pool, function, items, ahead=8):
    """`pool.map`, at most `ahead` results in memory."""
    waiting = collections.deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def puppets(out_dir=None, *, paper_size=False, workers=1):
    """Draws the puppets and builds their shards, where they are missing.

    Args:
        out_dir: Folder for the shards; `None` for one in the cache,
            `$PRIV_KERAS_CACHE` or `~/.cache/priv_keras`.
        paper_size: Bool, 336 clips of 640x480 as SBU's frames, else 840 of
            160x120.
        workers: Int.

    Returns:
        Path of the folder that holds `puppets/manifest.json`.
    """
    default = pathlib.Path.home() / ".cache" / "priv_keras"
    cache = pathlib.Path(os.environ.get("PRIV_KERAS_CACHE", default))
    size, takes = ((640, 480), 2) if paper_size else ((160, 120), 5)
    raw_dir = cache / f"puppets-{size[0]}x{size[1]}x{takes}"
    if not raw_dir.exists():
        raw_dir.parent.mkdir(parents=True, exist_ok=True)
        drawn.generate(raw_dir, size=size, takes=takes, workers=workers)
    out_dir = pathlib.Path(out_dir or cache / f"{raw_dir.name}-shards")
    build(
        "puppets",
        raw_dir,
        out_dir,
        workers=workers,
        command=f"python -m tfrecords_tools.build --dataset=puppets "
        f"--raw_dir={raw_dir} --out_dir={out_dir}",
    )
    return out_dir
