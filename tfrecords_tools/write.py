"""Builds shards and their manifest from a dataset's raw folder."""

import contextlib
import functools
import hashlib
import os
import pathlib

import tensorflow as tf

from tfrecords_tools import copies
from tfrecords_tools import decode
from tfrecords_tools import manifest
from tfrecords_tools import names
from tfrecords_tools import sources
from tfrecords_tools import storage
from tfrecords_tools import threads
from tfrecords_tools.partial import partial
from tfrecords_tools.shards import Work
from tfrecords_tools.shards import plan
from tfrecords_tools.sources.listing import SPLITS


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
    nothing, the manifest comes last. If it exists already and its manifest
    says the same, nothing is done. The shards' bytes do not depend on
    `workers` or on Beam.

    Args:
        dataset: String, a name of `sources.SOURCES`.
        raw_dir: Folder of the raw videos.
        out_dir: Folder for this and other datasets, see `storage.path`.
        encoding: `"jpeg"` or `"raw"`.
        size: `(width, height)` of stored frames, in pixels.
        squash: Bool, see `decode.frames`.
        workers: Int, threads that decode.
        seed: Int, of random splits and of the order of records.
        command: String, kept in the manifest.
        beam_options: List of options of Apache Beam, as in
            `["--runner=DirectRunner"]`, whose workers then do the work and
            have to see `raw_dir` and `out_dir`; `None` to use threads.
        **choices: Other arguments of the source's `list_videos`, as `fold`.

    Returns:
        The manifest, see `manifest.load`. Its `skipped` has the videos that
        are left out because they cannot be decoded, are too short, have more
        than `shards.MAX_FRAMES` or are not below `raw_dir`.

    Raises:
        ValueError: If `out_dir` holds shards of other options or of other
            videos, no video is usable, two splits hold the same file or, in a
            `folder`, copies of it, or Beam is not installed.
        FileNotFoundError: If `raw_dir` has no videos.
    """
    write_shards = _writer(workers, beam_options)
    raw_dir = pathlib.Path(raw_dir)
    folder = storage.path(out_dir) / dataset
    listing = _list(dataset, raw_dir, seed, choices)
    files_of = {v.id: _files(raw_dir / v.id) for v in listing.videos}
    listing = _apart(dataset, listing, files_of, raw_dir)
    left_out = [] if choices.get("csv") else names.system_files(raw_dir)
    options = {
        "encoding": encoding,
        "size": list(size),
        "squash": squash,
        "seed": seed,
        "videos": _fingerprint(listing, files_of),
    }
    if not _is_built(folder):
        work = Work(str(raw_dir), listing.min_frames, options)
        shards = plan(listing.videos, seed)
        about = {"dataset": dataset, "command": command, "options": options}
        with _appears_whole(folder) as path:
            written = write_shards(path, shards, work)
            content = {
                **about,
                **_content(listing, shards, written, left_out),
            }
            _check_any_usable(content, raw_dir)
            manifest.save(content, path)
    return _same(manifest.load(folder), options, folder)


def _apart(dataset, listing, files_of, raw_dir):
    """Returns a listing, with what its splits share as irregularities.

    Raises:
        ValueError: If they share a file or, where they are not published ones,
            copies of it.
    """
    shared = list(copies.links(listing.videos, files_of))
    copied = tuple(copies.copies(listing.videos, files_of, raw_dir))
    if dataset == "folder":
        shared += copied
    if shared:
        raise ValueError(f"{shared[0]}. Leave it in one split.")
    return listing._replace(irregularities=(*listing.irregularities, *copied))


def _writer(workers, beam_options):
    """Returns a function of a folder, shards and `Work` that writes them."""
    if beam_options is None:
        return functools.partial(threads.write_shards, workers=workers)
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
    try:
        listing = source.list_videos(raw_dir, seed=seed, **choices)
    except ValueError as error:  # which may name a file with a line end
        raise ValueError(names.one_line(str(error))) from error
    if not listing.videos:
        such = "".join(f" {told}." for told in listing.irregularities[:1])
        raise FileNotFoundError(
            f"--raw_dir={raw_dir} holds no video in the layout of {dataset}: "
            f"{source.LAYOUT}.{such}"
        )
    for name in (n for classes in listing.labels.values() for n in classes):
        if not names.is_writable(name):
            raise ValueError(
                f"The label {name!r} has a line end or another control "
                "character, or is not UTF-8. Rename it."
            )
    return listing


def _files(path):
    """Returns a dict of the files of a video to their `os.stat`."""
    found = {}
    with contextlib.suppress(ValueError, OSError):  # `record` will say which
        for file in decode.files(names.existing(path), lambda _: None):
            found[file] = file.stat()
    return found


def _fingerprint(listing, files_of):
    """Returns a SHA-256 over the paths, sizes, splits and labels of videos."""
    digest = hashlib.sha256(repr(sorted(listing.labels.items())).encode())
    for video in sorted(listing.videos):
        stats = files_of[video.id].values()
        size = sum(stat.st_size for stat in stats)
        digest.update(repr((video, len(stats), size)).encode())
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
    """Returns a manifest, or raises if its shards have other options."""
    differing = [k for k in options if content["options"].get(k) != options[k]]
    if differing:
        raise ValueError(
            f"{folder} holds shards that differ in {', '.join(differing)}. "
            "Choose another --out_dir, or delete it to build it anew. It was "
            f"made with `{manifest.command(content)}`."
        )
    return content


@contextlib.contextmanager
def _appears_whole(folder):
    """Yields a folder that gets its name at the end, or vanishes on errors."""
    appears = _uploaded if storage.is_remote(folder) else _renamed
    try:
        with appears(folder) as path:
            yield path
    except tf.errors.OpError as error:  # such as a full disk
        raise OSError(f"{folder}: {error.message}") from error


@contextlib.contextmanager
def _renamed(folder):
    with partial(folder) as path:
        yield path
        # If another process was faster, its shards are just as good.
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


def _content(listing, shards, written, left_out):
    """Returns what a manifest says about the videos and their shards."""
    splits = {
        split: {"shards": [], "videos": [], "frames": []} for split in SPLITS
    }
    for shard, notes in zip(shards, written, strict=True):
        splits[shard.split]["shards"].append(notes["shard"])
        for key in ("videos", "frames"):
            splits[shard.split][key] += notes[key]
    return {
        "labels": listing.labels,
        "multi_label": listing.multi_label,
        "per_frame": listing.per_frame,
        "target": listing.target,
        "budget": listing.budget,
        "clips_per_video": listing.clips_per_video,
        "splits": splits,
        "held_out_people": listing.held_out,
        "skipped": [bad for notes in written for bad in notes["skipped"]],
        "irregularities": [
            *_irregularities(listing, splits),
            *_about_system_files(left_out),
            *(line for notes in written for line in notes["warnings"]),
        ],
    }


def _about_system_files(paths):
    if paths:
        yield (
            f"{len(paths)} files of the system are left out, such as "
            f"{names.one_line(paths[0])}"
        )


def _irregularities(listing, splits):
    """Returns those of a listing, and labels that are not as long as a video.

    Raises:
        ValueError: If there are such labels and the listing is strict.
    """
    lengths = {
        video: frames
        for split in splits.values()
        for video, frames in zip(split["videos"], split["frames"], strict=True)
    }
    found = {  # a dict, for its order
        f"{video.id}: labels of {len(video.labels[name])} frames, but the "
        f"video has {lengths[video.id]}": None
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


def _check_any_usable(content, raw_dir):
    if not any(split["videos"] for split in content["splits"].values()):
        first = content["skipped"][0]
        raise ValueError(
            f"None of the {len(content['skipped'])} videos of {raw_dir} is "
            f"usable. The first, {first['video']}: {first['reason']}"
        )
