"""Lists the inputs, and where the output of each goes."""

import contextlib
import glob
import os
import pathlib
from typing import NamedTuple

from priv_keras.films import encode
from priv_keras.films import picture
from priv_keras.films import video

PIPE = "-"  # standard input or output
# Suffixes of the videos in a folder. A file that is named by itself may have
# any suffix, since its content decides.
VIDEO_SUFFIXES = {
    *encode.CONTAINERS,
    ".3g2",
    ".3gp",
    ".asf",
    ".avi",
    ".dv",
    ".flv",
    ".gif",
    ".m2ts",
    ".mpeg",
    ".mpg",
    ".mts",
    ".mxf",
    ".ogv",
    ".ts",
    ".vob",
    ".wmv",
}


class Job(NamedTuple):
    """One input and its output."""

    source: str  # a file, a URL, the number of a camera, or `PIPE`
    output: pathlib.Path | str | None  # or `PIPE`; `None` for a preview only
    kind: str  # "video", "picture" or "raw"

    def files(self, audit):
        """Returns the paths of the files that it makes, the output last.

        Args:
            audit: Bool, whether it writes an audit log, too.
        """
        if not isinstance(self.output, pathlib.Path):
            return []
        log = self.output.with_name(self.output.name + ".json")
        return [log, self.output] if audit else [self.output]


def list_jobs(sources, output, *, preview=False):
    """Pairs inputs with outputs.

    Args:
        sources: List of strings: files, folders, globs, URLs, numbers of
            cameras, or `PIPE`.
        output: String, a file, a folder or `PIPE`; `None` for a file beside
            each input.
        preview: Bool, whether an output may be missing.

    Returns:
        List of `Job`s, and a list of the files in folders that are not films.

    Raises:
        ValueError: If an input does not exist, or outputs would collide with
            inputs or each other.
    """
    found, skipped = [], []
    for source in sources:
        for path, below in _expanded(source, output):
            if below is None or pathlib.Path(path).suffix.lower() in (
                VIDEO_SUFFIXES | {*picture.SUFFIXES}
            ):
                found.append((path, below))
            else:
                skipped.append(path)
    if not found:
        raise ValueError(f"There is no film in {', '.join(sources)}.")
    alone = len(found) == 1 and found[0][1] is None
    jobs = [
        _job(source, below, output, alone, preview) for source, below in found
    ]
    _check_distinct(jobs)
    return jobs, skipped


def _expanded(source, output):
    """Returns the files of an input, each with its path below the folder that
    was given, or `None` if the input is not a folder."""
    path = pathlib.Path(source)
    if source == PIPE or video.is_url(source) or path.is_file():
        return [(source, None)]
    if path.is_dir():
        return _below(path, output)
    if video.is_camera(source):
        return [(source, None)]
    matches = sorted(glob.glob(source, recursive=True))
    if not matches:
        raise ValueError(f"{source} does not exist.")
    return [pair for match in matches for pair in _expanded(match, output)]


def _below(folder, output):
    if output in (None, PIPE):
        raise ValueError(
            f"{folder} is a folder. Name another for its films: --output=DIR."
        )
    # Outputs of an earlier run may lie inside the folder.
    ours, base = pathlib.Path(output).resolve(), folder.resolve()
    return [
        (str(path), path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and (ours == base or ours not in path.resolve().parents)
    ]


def _job(source, below, output, alone, preview):
    kind = _kind(source)
    if output is None:
        return Job(source, _beside(source, kind, preview), kind)
    if output == PIPE:
        if not alone:
            raise ValueError("Only one film fits on standard output.")
        return Job(source, PIPE, kind)
    target = pathlib.Path(output)
    if alone and not target.is_dir() and not output.endswith(os.sep):
        _check_suffix(target, kind)
        return Job(source, target, kind)
    if not pathlib.Path(source).is_file():
        raise ValueError(
            f"{video.shown(source)} needs a file of its own as --output. "
            f"Received: {output}."
        )
    if target.is_file():
        raise ValueError(
            f"--output={output} is a file; for several inputs it has to be a "
            "folder."
        )
    name = below or pathlib.Path(pathlib.Path(source).name)
    return Job(source, target / _writable_name(name, kind), kind)


def _beside(source, kind, preview):
    path = pathlib.Path(source)
    if path.is_file():
        name = f"{path.stem}_anonymized{_writable_name(path, kind).suffix}"
        return path.with_name(name)
    if preview:
        return None
    raise ValueError(f"{video.shown(source)} needs --output or --preview.")


def _kind(source):
    if source == PIPE:
        return "raw"
    live = video.is_url(source) or video.is_camera(source)
    return "picture" if not live and picture.is_picture(source) else "video"


def _writable_name(path, kind):
    """Returns the path, with a suffix added unless it can be written as it
    is."""
    writable, other = encode.CONTAINERS, ".mp4"
    if kind == "picture":
        writable, other = picture.FORMATS, ".jpg"
    name = path.name
    return path.with_name(
        name if path.suffix.lower() in writable else name + other
    )


def _check_suffix(path, kind):
    writable = picture.FORMATS if kind == "picture" else encode.CONTAINERS
    if path.suffix.lower() not in writable:
        raise ValueError(
            f"--output={path} must end in {', '.join(writable)}: "
            f"the input is a {'picture' if kind == 'picture' else 'video'}."
        )


def _check_distinct(jobs):
    files = {
        os.path.realpath(job.source): job.source
        for job in jobs
        if os.path.isfile(job.source)
    }
    seen = {}
    for job in jobs:
        if job.output in (None, PIPE):
            continue
        path = os.path.realpath(job.output)
        if path in files or _is_one_of(path, files):
            raise ValueError(
                f"{job.output} is an input: it would be lost. Choose another "
                "--output."
            )
        if path in seen:
            raise ValueError(
                f"{seen[path]} and {job.source} would both become "
                f"{job.output}. Give them different outputs."
            )
        seen[path] = job.source


def _is_one_of(path, files):
    """Returns whether a path is a hard link to one of `files`."""
    return os.path.exists(path) and any(
        os.path.samefile(path, file) for file in files
    )


@contextlib.contextmanager
def whole_or_none(paths, force=False):
    """Yields temporary paths; the files are renamed once all are complete.

    Args:
        paths: List of `pathlib.Path`; the last one is renamed last, so that it
            never exists without the others.
        force: Bool, whether existing files are replaced.

    Yields:
        List of `pathlib.Path` in the same folders.

    Raises:
        FileExistsError: If one of the files exists, before or after writing.
    """
    partial = [
        path.with_name(f"{path.name}.{os.getpid()}.partial") for path in paths
    ]
    check_absent(paths, force)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        check_absent(paths, force)
        for part, path in zip(partial, paths, strict=True):
            os.replace(part, path)
    finally:
        for part in partial:
            part.unlink(missing_ok=True)


def check_absent(paths, force):
    """Raises `FileExistsError` if a file would be replaced without `force`."""
    for path in paths:
        if path.is_dir():
            raise FileExistsError(f"{path} is a folder.")
        if path.exists() and not force:
            raise FileExistsError(f"{path} exists. Say --force to replace it.")
