"""From a dataset's raw folder to shards and their manifest."""

import collections
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import random
import shutil

import tensorflow as tf

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
    squash=False,
    workers=1,
    seed=0,
    command="",
    **choices,
):
    """Writes `out_dir/<dataset>/`: shards of each split and a manifest.

    The folder appears once it is complete: until then, its files are in a
    hidden `.partial` folder beside it. Where it is there already and its
    manifest says the same, nothing is done. The shards' bytes do not depend
    on `workers`.

    Args:
        dataset: Name of a source.
        raw_dir: Folder of the raw videos.
        out_dir: Folder for this and other datasets.
        encoding: `"jpeg"` or `"raw"`.
        size: `(width, height)` of stored frames, in pixels.
        squash: Bool, see `decode.frames`.
        workers: Int, threads that decode. Decoders let go of Python's lock: 2
            threads on 2 cores are 1.9 times as fast as one, and processes
            would each wait seconds for TensorFlow.
        seed: Int, of random splits and of the order of records.
        command: String, kept in the manifest.
        **choices: What else the source's `list_videos` takes, as `fold`.

    Returns:
        The manifest, see `manifest.load`. A video that cannot be decoded or is
        too short is left out and stands in its `skipped`.

    Raises:
        ValueError: If `out_dir` holds shards of other options or of other
            videos, or no video is usable.
        FileNotFoundError: If `raw_dir` has no videos.
    """
    raw_dir = pathlib.Path(raw_dir)
    folder = pathlib.Path(out_dir, dataset)
    listing = _list(dataset, raw_dir, seed, choices)
    options = {
        "encoding": encoding,
        "size": list(size),
        "squash": squash,
        "seed": seed,
        "videos": _fingerprint(raw_dir, listing),
    }
    if not _is_built(folder):
        with _appears_whole(folder) as partial:
            splits, skipped = _shards(
                partial, dataset, raw_dir, listing, options, workers
            )
            content = {
                "dataset": dataset,
                "command": command,
                "options": options,
                "labels": listing.labels,
                "multi_label": listing.multi_label,
                "target": listing.target,
                "budget": listing.budget,
                "clips_per_video": listing.clips_per_video,
                "splits": splits,
                "skipped": skipped,
            }
            _check_any_usable(content, raw_dir)
            manifest.save(content, partial)
    return _same(manifest.load(folder), options, folder)


def _list(dataset, raw_dir, seed, choices):
    source = sources.source(dataset)
    if not raw_dir.is_dir():
        raise FileNotFoundError(f"--raw_dir: there is no folder {raw_dir}.")
    listing = source.list_videos(raw_dir, seed=seed, **choices)
    if not listing.videos:
        raise FileNotFoundError(
            f"--raw_dir={raw_dir} holds no video in the layout of {dataset}: "
            f"{source.LAYOUT}."
        )
    return listing


def _fingerprint(raw_dir, listing):
    """SHA-256 over the paths, sizes, splits and labels of all videos."""
    digest = hashlib.sha256(repr(sorted(listing.labels.items())).encode())
    for video in sorted(listing.videos):
        paths = decode.files(raw_dir / video.id)
        size = sum(path.stat().st_size for path in paths)
        digest.update(repr((video, len(paths), size)).encode())
    return digest.hexdigest()


def _is_built(folder):
    if (folder / manifest.NAME).exists():
        return True
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(
            f"{folder} holds files, but no {manifest.NAME}. Choose another "
            "--out_dir, or delete it to build it anew."
        )
    return False


def _same(content, options, folder):
    differing = [k for k in options if content["options"].get(k) != options[k]]
    if differing:
        raise ValueError(
            f"{folder} holds shards of other {', '.join(differing)}. Choose "
            "another --out_dir, or delete it to build it anew. It was made "
            f"with `{manifest.command(content)}`."
        )
    return content


@contextlib.contextmanager
def _appears_whole(folder):
    """A folder that gets its name at the end, or vanishes on an error."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        # Unless another process was faster; then its shards are as good.
        if not (folder / manifest.NAME).exists():
            os.rename(partial, folder)
    except tf.errors.OpError as error:  # for one, a disk that is full
        raise OSError(f"{folder}: {error.message}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _shards(folder, dataset, raw_dir, listing, options, workers):
    """Writes the shards of all splits; returns `splits` and `skipped`."""
    import tqdm

    splits, skipped = {}, []
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        tqdm.tqdm(
            total=len(listing.videos),
            desc=f"{dataset}: shards",
            unit="video",
            disable=None,  # where nobody watches
        ) as progress,
    ):

        def records(videos):
            def record(video):
                return _record(video, raw_dir, listing.min_frames, options)

            for video, result in _in_order(pool, record, videos):
                progress.update()
                if isinstance(result, str):
                    skipped.append({"video": video.id, "reason": result})
                else:
                    yield video, *result

        for split in sources.SPLITS:
            videos = [v for v in listing.videos if v.split == split]
            random.Random(options["seed"]).shuffle(videos)
            splits[split] = _split(folder, split, videos, records)
    return splits, skipped


def _split(folder, split, videos, records):
    count = -(-len(videos) // VIDEOS_PER_SHARD)
    shards, ids, lengths = [], [], []
    for index in range(count):
        path = folder / SHARD.format(split=split, index=index, count=count)
        start = index * VIDEOS_PER_SHARD
        written = []
        with tf.io.TFRecordWriter(str(path)) as writer:
            for video, record, length in records(
                videos[start : start + VIDEOS_PER_SHARD]
            ):
                writer.write(record)
                written.append(video.id)
                lengths.append(length)
        shards.append(
            {
                "file": path.name,
                "sha256": manifest.sha256(path),
                "records": len(written),
            }
        )
        ids += written
    return {"shards": shards, "videos": ids, "frames": lengths}


def _record(video, raw_dir, min_frames, options):
    """Serializes a video; returns its bytes and the number of its frames, or
    the reason why it cannot."""
    try:
        frames = decode.frames(
            raw_dir / video.id, options["size"], options["squash"]
        )
    except (ValueError, OSError) as error:
        return str(error)
    if len(frames) < min_frames:
        return f"{len(frames)} frames, less than {min_frames}."
    record = schema.encode(
        frames,
        video=video.id,
        labels=video.labels,
        encoding=options["encoding"],
    )
    return record, len(frames)


def _in_order(pool, function, items, ahead=8):
    """`zip(items, pool.map(function, items))`, few results in memory."""
    waiting = collections.deque()
    for item in items:
        waiting.append((item, pool.submit(function, item)))
        if len(waiting) > ahead:
            done, future = waiting.popleft()
            yield done, future.result()
    while waiting:
        done, future = waiting.popleft()
        yield done, future.result()


def _check_any_usable(content, raw_dir):
    if not any(split["videos"] for split in content["splits"].values()):
        first = content["skipped"][0]
        raise ValueError(
            f"None of the {len(content['skipped'])} videos of {raw_dir} is "
            f"usable. The first, {first['video']}: {first['reason']}"
        )


def puppets(out_dir=None, *, paper_size=False, workers=1):
    """Draws the puppets and builds their shards, where they are missing.

    Args:
        out_dir: Folder for the shards; `None` for one in the cache, see
            `drawn_puppets`. Shards that it holds are taken as they are.
        paper_size: Bool, see `drawn_puppets`.
        workers: Int.

    Returns:
        Path of the folder that holds `puppets/manifest.json`.
    """
    if out_dir and pathlib.Path(out_dir, "puppets", manifest.NAME).exists():
        return pathlib.Path(out_dir)
    raw_dir = drawn_puppets(paper_size=paper_size, workers=workers)
    # Named by the format: another version of this code builds its own.
    shards = f"{raw_dir.name}-shards-{manifest.FORMAT}"
    out_dir = pathlib.Path(out_dir or raw_dir.with_name(shards))
    build(
        "puppets",
        raw_dir,
        out_dir,
        workers=workers,
        command=f"python -m tfrecords_tools.build --dataset=puppets "
        f"--raw_dir={raw_dir} --out_dir={out_dir}",
    )
    return out_dir


def drawn_puppets(*, paper_size=False, workers=1):
    """Draws the puppets into the cache, where they are missing.

    Args:
        paper_size: Bool, 336 clips of 640x480 as SBU's frames, else 840 of
            160x120.
        workers: Int.

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
            drawn.generate(raw_dir, size=size, takes=takes, workers=workers)
        except OSError:
            if not raw_dir.exists():  # else another process was faster
                raise
    return raw_dir
