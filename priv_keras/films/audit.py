"""The audit log, for people who have to show what was done to a video."""

import functools
import hashlib
import importlib.metadata
import json
import pathlib
import time

import jsonschema

from priv_keras import files

MAX_BYTES = 1 << 24
TEXT, OPTIONAL_TEXT = {"type": "string"}, {"type": ["string", "null"]}


def _with(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


# What is read of a log in order to keep its output.
SCHEMA = _with(
    input=_with(sha256=OPTIONAL_TEXT),
    output=_with(sha256=TEXT),
    model=_with(name=TEXT, sha256=OPTIONAL_TEXT),
    flags={"type": "array", "items": TEXT},
)
# Flags that do not change what an output holds. The model is compared by its
# SHA-256, wherever it lies.
NO_CHOICES = {
    "--model",
    "--force",
    "--batch_size",
    "--preview",
    "--preview_port",
}


def sha256(path):
    """Returns the SHA-256 of a file, or of a folder's file names and contents.

    Args:
        path: Path.

    Returns:
        String of 64 hexadecimal digits.
    """
    path = pathlib.Path(path)
    if path.is_file():
        return files.sha256(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        name = file.relative_to(path).as_posix()
        digest.update(f"{files.sha256(file)}  {name}\n".encode())
    return digest.hexdigest()


def log(
    job,
    source,
    output,
    *,
    frames,
    size,
    output_size,
    left_raw,
    warnings,
    model,
    keep_metadata,
    flags,
):
    """Describes a finished job, without anything that its input shows or tells.

    Args:
        job: `jobs.Job`.
        source: The input that was read: `video.Video` or a class with its
            interface.
        output: Path at which the finished output lies now.
        frames: Int, frames that were written.
        size: `(width, height)` in pixels at which they were anonymized.
        output_size: `(width, height)` in pixels of the output.
        left_raw: Float, the share of each frame that was not anonymized.
        warnings: List of strings.
        model: Dict that describes the anonymizer.
        keep_metadata: Bool, whether the input's metadata was kept, in which
            case the log names the input, too.
        flags: List of strings, the flags that the program was given.

    Returns:
        Dict for `write`.
    """
    dropped = list(source.dropped)
    if source.metadata and not keep_metadata:
        dropped.append(f"metadata ({len(source.metadata)} entries)")
    return {
        "program": f"priv_keras {_version()}",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "input": {
            "name": source.name if keep_metadata else None,
            "sha256": input_sha256(job),
        },
        "output": {"name": job.output.name, "sha256": sha256(output)},
        "model": model,
        "frames": frames,
        "size": list(output_size),
        "anonymized_at": list(size),
        "left_raw": left_raw,
        "dropped": dropped,
        "warnings": warnings,
        "flags": flags,
    }


def input_sha256(job):
    """Returns the SHA-256 of the input of a `jobs.Job`; `None` unless it is a
    file."""
    is_file = job.kind != "raw" and pathlib.Path(job.source).is_file()
    return sha256(job.source) if is_file else None


def difference(job, model, flags):
    """Compares an output that exists with what a job would make.

    Args:
        job: `jobs.Job`.
        model: Dict of the `name` and `sha256` of the anonymizer.
        flags: List of strings, the flags that the program was given.

    Returns:
        Sentence that says how they differ; `None` if the output is whole, and
        of the same input, model and options.
    """
    path, output = job.files(audit=True)
    if not path.exists():
        return "It has no log."
    known = read(path)
    if known is None:
        return "Its log is damaged."
    if not output.is_file() or known["output"]["sha256"] != sha256(output):
        return "It is not the file that its log describes."
    made_of = known["input"]["sha256"]
    if not made_of or made_of != input_sha256(job):
        return "It was made of another input."
    by, digest = known["model"], model["sha256"]
    if by["sha256"] != digest or not (digest or by["name"] == model["name"]):
        return "It was made by another model."
    other = sorted(_choices({*known["flags"]} ^ {*flags}))
    return (
        f"It was made with other flags: {', '.join(other)}." if other else None
    )


def read(path):
    """Returns the log at a path as a dict; `None` if there is no sound one."""
    try:
        with open(path, "rb") as file:
            log = json.loads(file.read(MAX_BYTES))
        jsonschema.validate(log, SCHEMA)
    except (OSError, ValueError, RecursionError, jsonschema.ValidationError):
        return None
    return log


def _choices(flags):
    """Returns the names of those flags that change what an output holds."""
    names = {str(flag).partition("=")[0].removeprefix("--") for flag in flags}
    return {f"--{name.removeprefix('no')}" for name in names} - NO_CHOICES


@functools.cache
def _version():
    try:
        return importlib.metadata.version("priv-keras")
    except importlib.metadata.PackageNotFoundError:
        return "of a checkout"


def write(path, log):
    """Writes a log, a dict, to a `pathlib.Path` as JSON."""
    path.write_text(json.dumps(log, indent=1) + "\n")
