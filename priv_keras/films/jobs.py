"""Lists the inputs, and where the output of each goes."""

import collections
import contextlib
import glob
import hashlib
import os
import pathlib
from typing import NamedTuple

from priv_keras.films import audit
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
    ".apng",
    ".asf",
    ".avi",
    ".dav",
    ".divx",
    ".dv",
    ".f4v",
    ".flv",
    ".gif",
    ".gxf",
    ".ivf",
    ".nut",
    ".ogm",
    ".ogv",
    ".qt",
    ".rm",
    ".rmvb",
    ".wmv",
    ".wtv",
    ".y4m",
    ".m1v",
    ".m2v",
    ".mod",
    ".mpe",
    ".mpeg",
    ".mpg",
    ".mxf",
    ".vob",
    ".m2t",
    ".m2ts",
    ".mts",
    ".tod",
    ".tp",
    ".trp",
    ".ts",
    ".264",
    ".265",
    ".h264",
    ".h265",
    ".hevc",
    ".mjpeg",
    ".mjpg",
}
# Files and folders that operating systems, network drives and offices leave
# beside films, in lower case. Hidden ones are not listed.
SYSTEM_NAMES = {
    "__macosx",
    "@eadir",
    "$recycle.bin",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "lost+found",
    "system volume information",
    "thumbs.db",
}
LOCK = "~$"  # begins the name of a file that tells who is writing another
LOG = ".json"  # what the name of a log adds to that of its output
MAX_NAME = 255  # bytes in the name of a file
NOT_A_FILE = "{} is not a file: it is a broken link, a pipe or a device."


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
        log = self.output.with_name(self.output.name + LOG)
        return [log, self.output] if audit else [self.output]


class Listing(NamedTuple):
    """What the inputs of a command line stand for."""

    jobs: list  # of `Job`
    skipped: list  # strings, the files in folders that are not films
    errors: list  # strings, one sentence for each input that cannot be read
    system: int  # hidden and system files and folders that were left out


class _Found(NamedTuple):
    """A file or another input, or what is wrong with it."""

    path: str
    below: pathlib.Path | None = None  # its path in the folder that was given
    error: str | None = None
    system: bool = False


def list_jobs(sources, output, *, preview=False):
    """Pairs inputs with outputs.

    Args:
        sources: List of strings: files, folders, globs, URLs, numbers of
            cameras, or `PIPE`.
        output: String, a file, a folder or `PIPE`; `None` for a file beside
            each input.
        preview: Bool, whether an output may be missing.

    Returns:
        `Listing`.

    Raises:
        ValueError: If there is no film, or outputs would collide with inputs
            or each other.
    """
    alone = len(sources) == 1
    found = [each for s in sources for each in _found(s, output, alone)]
    errors = [each.error for each in found if each.error]
    sound = [each for each in found if not each.error and not each.system]
    films = [each for each in sound if _may_be_film(each)]
    if not films:
        raise ValueError(
            " ".join(errors) or f"There is no film in {', '.join(sources)}."
        )
    # A film that is missing now is there the next time.
    alone = len(films) + len(errors) == 1 and films[0].below is None
    jobs = [
        _job(each.path, each.below, output, alone, preview) for each in films
    ]
    jobs = _without_earlier_outputs(jobs)
    _check_distinct(jobs)
    return Listing(
        jobs,
        skipped=[each.path for each in sound if each not in films],
        errors=errors,
        system=sum(each.system for each in found),
    )


def _may_be_film(found):
    suffix = pathlib.Path(found.path).suffix.lower()
    known = VIDEO_SUFFIXES | {*picture.SUFFIXES}
    return found.below is None or suffix in known


def _found(source, output, alone):
    """Returns what an input stands for, as a list of `_Found`. One that is
    `alone` was meant, even if it is of a system."""
    if source == PIPE or video.is_url(source):
        return [_Found(source)]
    try:
        if os.path.lexists(source):
            if not alone and is_system(_name(source)):
                return [_Found(source, system=True)]
            return _there(source, output)
        if video.is_camera(source):
            return [_Found(source)]
        matches = sorted(glob.glob(source, recursive=True))
    except OSError as error:
        return [_Found(source, error=f"{source}: {error.strerror}.")]
    if not matches:
        return [_Found(source, error=f"{source} does not exist.")]
    return [each for x in matches for each in _matching(x, source, output)]


def _name(path):
    return os.path.basename(os.path.normpath(path))


def _matching(path, pattern, output):
    """Returns what a path that a pattern matches stands for. A name of a system
    has to be in the pattern itself."""
    asked_for = pathlib.Path(pattern).parts
    guessed = [x for x in pathlib.Path(path).parts if x not in asked_for]
    if any(map(is_system, guessed)):
        return [_Found(path, system=True)]
    return _there(path, output)


def _there(path, output):
    """Returns what a path that exists stands for, as a list of `_Found`."""
    if os.path.isdir(path):
        return _below(pathlib.Path(path), output)
    if not os.path.isfile(path):
        return [_Found(path, error=NOT_A_FILE.format(path))]
    return [_Found(path)]


def is_system(name):
    """Returns whether a file or folder is hidden or of an operating system.

    Args:
        name: String, without folders, such as `._film.mp4` or `Thumbs.db`.
    """
    hidden = name.startswith((".", LOCK)) and name not in (".", "..")
    return hidden or name.lower() in SYSTEM_NAMES


def _below(folder, output):
    if output in (None, PIPE):
        raise ValueError(
            f"{folder} is a folder. Name another for its films: --output=DIR."
        )
    # Outputs of an earlier run may lie inside the folder.
    ours, base = _real(output), _real(folder)
    return [
        each
        for each in sorted(_walked(folder), key=_path)
        if ours == base or ours not in _real(each.path).parents
    ]


def _real(path):
    """Returns where links lead, as far as they do. `Path.resolve` raises
    `RuntimeError` at one that leads to itself."""
    return pathlib.Path(os.path.realpath(path))


def _path(found):
    return pathlib.Path(found.path)


def _walked(folder):
    """Yields a `_Found` for each file below a folder. Linked folders are
    followed last, and no folder is read twice."""
    waiting, seen, errors = [folder], set(), []
    while waiting:
        start = waiting.pop(0)
        for root, folders, names in os.walk(start, onerror=errors.append):
            if os.path.realpath(root) in seen:
                folders.clear()
                continue
            seen.add(os.path.realpath(root))
            for name in filter(is_system, (*folders, *names)):
                yield _Found(os.path.join(root, name), system=True)
            folders[:] = [name for name in folders if not is_system(name)]
            paths = [pathlib.Path(root, name) for name in folders]
            waiting += [path for path in paths if path.is_symlink()]
            for name in names:
                if not is_system(name):
                    yield _file_below(pathlib.Path(root, name), folder)
    for error in errors:
        yield _Found(
            str(error.filename),
            error=f"{error.filename} cannot be read: {error.strerror}.",
        )


def _file_below(path, folder):
    found = _Found(str(path), path.relative_to(folder))
    if path.is_file() or not _may_be_film(found):
        return found
    return found._replace(error=NOT_A_FILE.format(path))


def _job(source, below, output, alone, preview):
    kind = _kind(source)
    if output is None:
        return Job(source, _beside(source, kind, preview), kind)
    if output == PIPE:
        if not alone:
            raise ValueError("Only one film fits on standard output.")
        return Job(source, PIPE, kind)
    target = pathlib.Path(output)
    if alone and not _is_folder(output):
        _check_suffix(target, kind)
        return Job(source, target, kind)
    if not pathlib.Path(source).is_file():
        raise ValueError(
            f"{video.shown(source)} needs a file of its own as --output, as in "
            f"film.mp4. Received: {output}."
        )
    if target.exists() and not target.is_dir():
        raise ValueError(
            f"--output={output} is a file; for several inputs it has to be a "
            "folder."
        )
    name = below or pathlib.Path(pathlib.Path(source).name)
    return Job(source, target / _writable_name(name, kind), kind)


def _is_folder(output):
    """Returns whether the output of one film names a folder."""
    path = pathlib.Path(output)
    return path.is_dir() or output.endswith(os.sep) or not path.suffix


def _beside(source, kind, preview):
    path = pathlib.Path(source)
    if path.is_file():
        name = f"{path.stem}_anonymized{_writable_name(path, kind).suffix}"
        return _fitting(path.with_name(name))
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
    known = path.suffix.lower() in writable
    name = path.name if known else f"{path.name}{other}"
    return _fitting(path.with_name(name))


def _fitting(path):
    """Returns the path; a name that would leave no room for that of its log is
    cut, and ends in a hash of the whole name."""
    room = MAX_NAME - len(LOG)
    name = os.fsencode(path.name)
    if len(name) <= room:
        return path
    end = f"-{hashlib.sha256(name).hexdigest()[:8]}{path.suffix}"
    return path.with_name(_cut(path.stem, room - len(os.fsencode(end))) + end)


def _cut(name, room):
    """Returns the start of a name that has at most `room` bytes."""
    return os.fsencode(name)[:room].decode("utf-8", "ignore")


def _check_suffix(path, kind):
    writable = picture.FORMATS if kind == "picture" else encode.CONTAINERS
    if path.suffix.lower() not in writable:
        raise ValueError(
            f"--output={path} must end in {', '.join(writable)}: "
            f"the input is a {'picture' if kind == 'picture' else 'video'}. A "
            "folder ends in a slash."
        )


def _without_earlier_outputs(jobs):
    """Leaves out inputs that are outputs of others, as their logs show: a
    pattern also matches what the same command made before."""
    sources = collections.defaultdict(set)
    for job in jobs:
        if isinstance(job.output, pathlib.Path):
            sources[os.path.realpath(job.output)].add(job.source)
    return [
        job
        for job in jobs
        if not sources[os.path.realpath(job.source)] - {job.source}
        or not audit.read(f"{job.source}{LOG}")
    ]


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
    check_absent(paths, force)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    partial = [_partial(path, number) for number, path in enumerate(paths)]
    published = []
    try:
        yield partial
        check_absent(paths, force)
        for part, path in zip(partial, paths, strict=True):
            os.replace(part, path)
            published.append(path)
    finally:
        for part in partial:
            part.unlink(missing_ok=True)
        if len(published) < len(paths):
            for path in published:
                path.unlink(missing_ok=True)


def _partial(path, number):
    """Returns a temporary path that is no longer than names may be."""
    end = f".{os.getpid()}.{number}.partial"
    return path.with_name(_cut(path.name, MAX_NAME - len(end)) + end)


def check_absent(paths, force):
    """Raises `FileExistsError` if a file would be replaced without `force`, and
    `IsADirectoryError` if a folder is in its place."""
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder.")
        if path.exists() and not force:
            raise FileExistsError(f"{path} exists. Say --force to replace it.")
