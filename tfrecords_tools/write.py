"""From a dataset's raw folder to shards and their manifest."""

import collections
import concurrent.futures
import contextlib
import functools
import hashlib
import os
import pathlib
import random
from typing import NamedTuple

import tensorflow as tf

from tfrecords_tools import decode
from tfrecords_tools import manifest
from tfrecords_tools import progress
from tfrecords_tools import schema
from tfrecords_tools import sources
from tfrecords_tools import storage
from tfrecords_tools.partial import partial
from tfrecords_tools.sources import puppets as drawn

SHARD = "{split}-{index:05d}-of-{count:05d}.tfrecord"
VIDEOS_PER_SHARD = 128
# A record is in memory as a whole, when it is written and when it is read.
MAX_FRAMES = 4000


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
    beam_options=None,
    **choices,
):
    """Writes `out_dir/<dataset>/`: shards of each split and a manifest.

    The folder appears once it is complete: until then, its files are in a
    hidden `.partial` folder beside it; in an object store, which renames
    nothing, the manifest comes last. Where it is there already and its
    manifest says the same, nothing is done. The shards' bytes do not depend
    on `workers` or on Beam.

    Args:
        dataset: Name of a source.
        raw_dir: Folder of the raw videos.
        out_dir: Folder for this and other datasets, also as in
            `gs://bucket/shards` or, with the extra `io`, `s3://bucket/shards`.
        encoding: `"jpeg"` or `"raw"`.
        size: `(width, height)` of stored frames, in pixels.
        squash: Bool, see `decode.frames`.
        workers: Int, threads that decode. Decoders let go of Python's lock: 2
            threads on 2 cores are 1.9 times as fast as one, and processes
            would each wait seconds for TensorFlow.
        seed: Int, of random splits and of the order of records.
        command: String, kept in the manifest.
        beam_options: List of options of Apache Beam, as in
            `["--runner=DirectRunner"]`: its workers, which have to see
            `raw_dir` and `out_dir`, do the work; `None` for threads of ours.
        **choices: What else the source's `list_videos` takes, as `fold`.

    Returns:
        The manifest, see `manifest.load`. A video that cannot be decoded, is
        too short or has more than `MAX_FRAMES` is left out and stands in its
        `skipped`.

    Raises:
        ValueError: If `out_dir` holds shards of other options or of other
            videos, no video is usable, or Beam is not installed.
        FileNotFoundError: If `raw_dir` has no videos.
    """
    write_shards = _writer(workers, beam_options)
    raw_dir = pathlib.Path(raw_dir)
    folder = storage.path(out_dir) / dataset
    listing = _list(dataset, raw_dir, seed, choices)
    options = {
        "encoding": encoding,
        "size": list(size),
        "squash": squash,
        "seed": seed,
        "videos": _fingerprint(raw_dir, listing),
    }
    if not _is_built(folder):
        with _appears_whole(folder) as path:
            work = Work(str(raw_dir), listing.min_frames, options)
            shards = planned(listing.videos, seed)
            done = write_shards(path, shards, work)
            splits, skipped = _collected(shards, done)
            content = {
                "dataset": dataset,
                "command": command,
                "options": options,
                "labels": listing.labels,
                "multi_label": listing.multi_label,
                "per_frame": listing.per_frame,
                "target": listing.target,
                "budget": listing.budget,
                "clips_per_video": listing.clips_per_video,
                "splits": splits,
                "skipped": skipped,
                "irregularities": _irregularities(listing, splits),
            }
            _check_any_usable(content, raw_dir)
            manifest.save(content, path)
    return _same(manifest.load(folder), options, folder)


def _writer(workers, beam_options):
    if beam_options is None:
        return functools.partial(_in_threads, workers=workers)
    try:
        from tfrecords_tools import beam
    except ImportError as error:
        raise ValueError(
            f"--runner needs Apache Beam ({error}). Install it with `pip "
            "install 'priv-keras[beam]'`, or leave out --runner."
        ) from error
    return functools.partial(beam.write_shards, options=beam_options)


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
    appears = _uploaded if storage.is_remote(folder) else _renamed
    try:
        with appears(folder) as path:
            yield path
    except tf.errors.OpError as error:  # for one, a disk that is full
        raise OSError(f"{folder}: {error.message}") from error


@contextlib.contextmanager
def _renamed(folder):
    with partial(folder) as path:
        yield path
        # Unless another process was faster; then its shards are as good.
        if not (folder / manifest.NAME).exists():
            os.rename(path, folder)


@contextlib.contextmanager
def _uploaded(folder):
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        if folder.exists():
            folder.rmtree()
        raise


class Shard(NamedTuple):
    """A shard before it is written."""

    split: str
    file: str
    videos: list  # of `sources.Video`


class Work(NamedTuple):
    """What has to be known to make a record of a video."""

    raw_dir: str
    min_frames: int
    options: dict  # `encoding` and `size`


def planned(videos, seed):
    """Deals videos to shards, in a seeded order; returns a list of `Shard`."""
    shards = []
    for split in sources.SPLITS:
        dealt = [video for video in videos if video.split == split]
        random.Random(seed).shuffle(dealt)
        starts = range(0, len(dealt), VIDEOS_PER_SHARD)
        shards += [
            Shard(
                split,
                SHARD.format(split=split, index=index, count=len(starts)),
                dealt[start : start + VIDEOS_PER_SHARD],
            )
            for index, start in enumerate(starts)
        ]
    return shards


def _in_threads(folder, shards, work, *, workers):
    count = sum(len(shard.videos) for shard in shards)
    what = f"building shards below {folder.parent}"
    with (
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
        progress.shown(what, count, "video") as done,
    ):

        def results(videos):
            make = functools.partial(record, work=work)
            for video, result in _in_order(pool, make, videos):
                done()
                yield video.id, result

        return [
            write_shard(folder, shard.file, results(shard.videos))
            for shard in shards
        ]


def write_shard(folder, file, results):
    """Writes a shard.

    Args:
        folder: Path.
        file: String, the shard's name.
        results: Iterable of video id and what `record` gave for it.

    Returns:
        Dict: `shard`, as in the manifest, `videos`, a list of ids, `frames`,
        a list of their lengths, and `skipped`, as in the manifest.
    """
    path = storage.path(folder) / file
    videos, lengths, skipped = [], [], []
    with tf.io.TFRecordWriter(str(path)) as writer:
        for video, result in results:
            if isinstance(result, bytes):
                writer.write(result)
                videos.append(video)
                lengths.append(schema.count_frames(result))
            else:
                skipped.append({"video": video, "reason": result})
    return {
        "shard": {
            "file": file,
            "sha256": manifest.sha256(path),
            "records": len(videos),
        },
        "videos": videos,
        "frames": lengths,
        "skipped": skipped,
    }


def _collected(shards, done):
    """`splits` and `skipped` of the manifest."""
    splits = {
        split: {"shards": [], "videos": [], "frames": []}
        for split in sources.SPLITS
    }
    for shard, written in zip(shards, done, strict=True):
        splits[shard.split]["shards"].append(written["shard"])
        for key in ("videos", "frames"):
            splits[shard.split][key] += written[key]
    return splits, [bad for written in done for bad in written["skipped"]]


def _irregularities(listing, splits):
    """Those of a listing, and labels that end before or after their video.

    Raises:
        ValueError: If the listing bears none.
    """
    lengths = {
        video: frames
        for split in splits.values()
        for video, frames in zip(split["videos"], split["frames"], strict=True)
    }
    found = {  # a dict, for its order
        f"{video.id}: labels of {len(video.labels[name])} frames, of "
        f"{lengths[video.id]} that there are": None
        for video in listing.videos
        for name in listing.per_frame
        if lengths.get(video.id) not in (None, len(video.labels[name]))
    }
    if found and listing.strict:
        raise ValueError(
            f"{len(found)} irregularities; --irregular=repair repairs them: "
            + "; ".join(found)
        )
    return [*listing.irregularities, *found]


def record(video, work):
    """Serializes a video.

    Args:
        video: `sources.Video`.
        work: `Work`.

    Returns:
        Bytes, or a string, the reason why it cannot be used.
    """
    path = pathlib.Path(work.raw_dir, video.id)
    frames = decode.stream(path, work.options["size"], work.options["squash"])
    # Closed here, or a video that is refused stays open for a while.
    with contextlib.closing(frames):
        try:
            return schema.encode(
                _of_length(frames, work.min_frames),
                video=video.id,
                labels=video.labels,
                encoding=work.options["encoding"],
            )
        except (ValueError, OSError) as error:
            return str(error)


def _of_length(frames, min_frames):
    count = 0
    for frame in frames:
        count += 1
        if count > MAX_FRAMES:
            raise ValueError(
                f"More than {MAX_FRAMES} frames: cut it into shorter videos."
            )
        yield frame
    if count < min_frames:
        raise ValueError(f"{count} frames, less than {min_frames}.")


def _in_order(pool, function, items, ahead=4):
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
