"""Which inputs there are, and where the output of each goes."""

import contextlib
import glob
import os
import pathlib
from typing import NamedTuple

from priv_keras.films import encode
from priv_keras.films import picture
from priv_keras.films import video

PIPE = "-"  # standard input or output
# Of a folder, what is a film; a file that is named is taken for what it holds.
VIDEO_SUFFIXES = {
    *encode.CONTAINERS,
    *(".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"),
    *(".3gp", ".3g2", ".ogv", ".gif", ".vob", ".asf", ".mxf", ".dv"),
}


class Job(NamedTuple):
    """One input and its output."""

    source: str  # a file, a URL, a camera's number or `PIPE`
    output: pathlib.Path | str | None  # `PIPE`; `None` for a preview alone
    kind: str  # "video", "picture" or "raw"

    def files(self, audit):
        """List of the files that it makes: the audit log, if there is to be
        one, and the output."""
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
        preview: Bool, whether there need be no output.

    Returns:
        List of `Job`s, and a list of the files of folders that are no film.

    Raises:
        ValueError: If an input does not exist, or outputs would collide with
            inputs or each other.
    """
    found, skipped = [], []
    for source in sources:
        for path, below in _expanded(source, output):
            if below is None or pathlib.Path(path).suffix.lower() in (
                VIDEO_SUFFIXES | picture.FORMATS.keys()
            ):
                found.append((path, below))
            else:
                skipped.append(path)
    if not found:
        raise ValueError(f"There is no film in {', '.join(sources)}.")
    alone = len(found) == 1 and found[0][1] is None
    paired = [
        _job(source, below, output, alone, preview) for source, below in found
    ]
    _check_distinct(paired)
    return paired, skipped


def _expanded(source, output):
    """Files that an input is, each with its place below the folder that was
    given, or `None`."""
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
    # Of an earlier run, outputs may lie within.
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
            f"--output={output} is a file, and of several inputs it has to be "
            "a folder."
        )
    place = below or pathlib.Path(pathlib.Path(source).name)
    return Job(source, target / _named(place, kind), kind)


def _beside(source, kind, preview):
    path = pathlib.Path(source)
    if path.is_file():
        name = f"{path.stem}_anonymized{_named(path, kind).suffix}"
        return path.with_name(name)
    if preview:
        return None
    raise ValueError(f"{video.shown(source)} needs --output or --preview.")


def _kind(source):
    if source == PIPE:
        return "raw"
    suffix = pathlib.Path(source).suffix.lower()
    live = video.is_url(source) or video.is_camera(source)
    return "picture" if not live and suffix in picture.FORMATS else "video"


def _named(path, kind):
    """The name of a file's output: the same, with an ending that can be
    written."""
    writable = picture.FORMATS if kind == "picture" else encode.CONTAINERS
    name = path.name if path.suffix.lower() in writable else f"{path.name}.mp4"
    return path.with_name(name)


def _check_suffix(path, kind):
    writable = picture.FORMATS if kind == "picture" else encode.CONTAINERS
    if path.suffix.lower() not in writable:
        raise ValueError(
            f"--output={path} must end in {', '.join(writable)}: "
            f"the input is a {'picture' if kind == 'picture' else 'video'}."
        )


def _check_distinct(paired):
    files = {
        os.path.realpath(job.source): job.source
        for job in paired
        if os.path.isfile(job.source)
    }
    seen = {}
    for job in paired:
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
    """Whether a path is a hard link to one of some files."""
    return os.path.exists(path) and any(
        os.path.samefile(path, file) for file in files
    )


@contextlib.contextmanager
def whole_or_none(paths, force=False):
    """Gives names to write to; the files get their own once all are whole.

    Args:
        paths: List of `pathlib.Path`; the last is the one that counts.
        force: Bool, whether files that exist are replaced.

    Yields:
        List of `pathlib.Path` in the same folders.

    Raises:
        FileExistsError: If one exists, before and after.
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
    """Raises `FileExistsError` where a file would be replaced unasked."""
    for path in paths:
        if path.is_dir():
            raise FileExistsError(f"{path} is a folder.")
        if path.exists() and not force:
            raise FileExistsError(f"{path} exists. Say --force to replace it.")
