"""The audit log, for people who have to show what was done to a video."""

import functools
import hashlib
import importlib.metadata
import json
import pathlib
import time

from priv_keras import files


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


def log(job, source, output, *, frames, size, model, keep_metadata, flags):
    """Describes a finished job, without anything that its input shows or tells.

    Args:
        job: `jobs.Job`.
        source: The input that was read: `video.Video` or a class with its
            interface.
        output: Path at which the finished output lies now.
        frames: Int, frames that were written.
        size: `(width, height)` in pixels at which they were anonymized.
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
    is_file = not source.live and job.kind != "raw"
    return {
        "program": f"priv_keras {_version()}",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "input": {
            "name": source.name if keep_metadata else None,
            "sha256": sha256(job.source) if is_file else None,
        },
        "output": {"name": job.output.name, "sha256": sha256(output)},
        "model": model,
        "frames": frames,
        "size": list(source.format.size),
        "anonymized_at": list(size),
        "dropped": dropped,
        "warnings": source.warnings,
        "flags": flags,
    }


@functools.cache
def _version():
    try:
        return importlib.metadata.version("priv-keras")
    except importlib.metadata.PackageNotFoundError:
        return "of a checkout"


def write(path, log):
    """Writes a log, a dict, to a `pathlib.Path` as JSON."""
    path.write_text(json.dumps(log, indent=1) + "\n")
