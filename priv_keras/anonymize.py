"""Anonymizes films and pictures.

    python -m priv_keras.anonymize IN... -o OUT --model=RUN/export/anonymizer
    python -m priv_keras.anonymize film.mp4 --model=face_box_blur

An input is a file, a folder, a glob, the URL of a stream, the number of a
camera, or `-` for raw frames on standard input. An output is there when it is
whole, or not at all.
"""

import contextlib
import functools
import importlib.metadata
import pathlib
import signal
import sys
import time

from absl import app
from absl import flags as absl_flags

from flags import anonymize as flags
from flags import parsing
from flags import program
from flags import quiet
from flags.baselines import BASELINES
from flags.suggestions import nearest

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Give at least one input; see --help.")
    _leave_nothing_when_stopped()
    from priv_keras.films.jobs import check_absent
    from priv_keras.films.jobs import list_jobs

    preview = flags.PREVIEW.value
    jobs, skipped = list_jobs(argv[1:], flags.OUTPUT.value, preview=preview)
    _check_raw_size(jobs)
    for job in jobs:
        check_absent(job.files(flags.AUDIT.value), flags.FORCE.value)
    for path in skipped:
        _say(f"skipped: {path} is no film")
    check_model(flags.MODEL.value)
    anonymizer, model = load(flags.MODEL.value)
    _say(_about_size(model["training_size"]))
    failed = 0
    with contextlib.ExitStack() as stack:
        show = None
        if preview:
            from priv_keras.films.preview import Preview

            window = stack.enter_context(Preview(flags.PREVIEW_PORT.value))
            _say(f"preview: {window.url}")
            show = window.show
        for job in jobs:
            try:
                print(run_job(job, anonymizer, model, show), file=_report())
            except (ValueError, OSError) as error:
                print(f"error: {error}", file=sys.stderr)
                failed += 1
    if failed and len(jobs) > 1:
        _say(f"{failed} of {len(jobs)} films failed")
    return int(failed > 0)


def _leave_nothing_when_stopped():
    """Turns signals into an exit that cleans up, with the usual status."""

    def stop(number, _):
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        _say(f"stopped by {signal.Signals(number).name}")
        raise SystemExit(128 + number)

    for number in SIGNALS:
        signal.signal(number, stop)


def _say(line):
    print(line, file=sys.stderr)


def _report():
    """Where results are told: not among raw frames."""
    return sys.stderr if flags.OUTPUT.value == "-" else sys.stdout


def _check_raw_size(jobs):
    raw = any(job.kind == "raw" for job in jobs)
    if raw != bool(flags.RAW_SIZE.value):
        raise ValueError(
            "The input `-` and --raw_size go together: raw frames do not tell "
            "their size, and films do."
        )


def check_model(name):
    """Raises unless there is such a model, before TensorFlow is imported.

    Raises:
        FileNotFoundError: If not.
    """
    if name not in BASELINES and not pathlib.Path(name).exists():
        raise FileNotFoundError(
            f"--model={name}: there is no such folder or file, and no such "
            f"baseline ({', '.join(BASELINES)}).{nearest(name, BASELINES)}"
        )


def load(name):
    """What anonymizes, and what is known of it.

    Args:
        name: String, a key of `baselines.BASELINES`, or a path.

    Returns:
        Object with `stream`, and a dict for the log.

    Raises:
        ValueError, OSError: If there is no such thing.
    """
    from priv_keras import Anonymizer
    from priv_keras import baselines
    from priv_keras.films import audit

    if name in baselines.BASELINES:
        made = baselines.build(name)
        if not hasattr(made, "stream"):
            made = Anonymizer.of(made)
        return made, {"name": name, "sha256": None, "training_size": None}
    with quiet.greetings():
        made = Anonymizer.load(name, trusted=flags.TRUST_MODEL.value)
    return made, {
        "name": name,
        "sha256": audit.sha256(name),
        "training_size": made.card and made.card["trained_size"],
    }


def _about_size(size):
    if size is None:
        return (
            "note: nothing here tells at which size of frames the privacy "
            "figures of this model were measured"
        )
    return (
        f"note: the privacy figures of this model were measured on frames of "
        f"{size[0]}x{size[1]}; nothing is known of other sizes"
    )


def run_job(job, anonymizer, model, show=None):
    """Anonymizes one input.

    Args:
        job: `places.Job`.
        anonymizer: Object with `stream`.
        model: Dict, what the log says of it.
        show: Callable of each anonymized picture; `None` for none.

    Returns:
        String, what was done.

    Raises:
        ValueError, OSError: Of what cannot be done; then there is no output.
    """
    from priv_keras.films import audit
    from priv_keras.films.jobs import whole_or_none

    start = time.monotonic()
    files = job.files(flags.AUDIT.value)
    with (
        _source(job) as source,
        whole_or_none(files, flags.FORCE.value) as partial,
    ):
        path = partial[-1] if partial else None
        size = flags.size(flags.RESOLUTION.value) or source.format.size
        with _sink(job, source, path) as sink:
            _pass_on(source, sink, size, anonymizer, show)
        for warning in source.warnings:
            _say(f"warning: {source.name}: {warning}")
        if len(partial) > 1:
            log = _log(job, source, sink, size, model, path)
            audit.write(partial[0], log)
    rate = sink.written / (time.monotonic() - start)
    return f"{job.output}: {sink.written} frames, {rate:.1f} frames/s"


def _source(job):
    from priv_keras.films import picture
    from priv_keras.films import raw
    from priv_keras.films import video

    seconds = flags.SECONDS.value
    if job.kind == "picture":
        return picture.Picture(job.source, exif=flags.KEEP_METADATA.value)
    if job.kind == "raw":
        size, rate = flags.size(flags.RAW_SIZE.value), flags.RAW_RATE.value
        file = sys.stdin.buffer.raw
        return raw.RawInput(file, size, rate, seconds)
    return video.Video(
        job.source,
        audio=flags.KEEP_AUDIO.value,
        seconds=seconds,
        accept_damaged=flags.ACCEPT_DAMAGED.value,
    )


def _sink(job, source, path):
    from priv_keras.films import encode
    from priv_keras.films import picture
    from priv_keras.films import raw

    if path is None:
        file = sys.stdout.buffer if job.output else None
        return raw.RawOutput(file, source.format)
    suffix = job.output.suffix.lower()
    if job.kind == "picture":
        exif = source.metadata.get("exif")
        return picture.PictureFile(path, suffix, source.format, exif)
    config = flags.config(flags.FFMPEG_CONFIG.value)
    codec = flags.CODEC.value or config.pop("codec", None)
    if flags.CRF.value is not None:
        config["crf"] = flags.CRF.value
    return encode.Encoder(
        path,
        suffix,
        source.format,
        codec=codec,
        config=config,
        audio=source.audio,
        metadata=source.metadata if flags.KEEP_METADATA.value else None,
    )


def _pass_on(source, sink, size, anonymizer, show):
    import tqdm

    from priv_keras.films import pipeline

    def see(frame):
        bar.update()
        if show:
            show(frame.pixels)

    # Only where standard error is a terminal.
    options = {"unit": " frames", "disable": None, "leave": False}
    with tqdm.tqdm(total=source.count, **options) as bar:
        pipeline.run(
            source,
            sink,
            anonymizer.stream,
            size=size,
            batch=flags.BATCH_SIZE.value,
            see=see,
        )


def _log(job, source, sink, size, model, path):
    """What the audit log says: of the input, nothing that it shows or tells."""
    from priv_keras.films import audit

    keeps = flags.KEEP_METADATA.value
    dropped = list(source.dropped)
    if source.metadata and not keeps:
        dropped.append(f"metadata ({len(source.metadata)} entries)")
    is_file = not source.live and job.kind != "raw"
    return {
        "program": f"priv_keras {_version()}",
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "input": {
            "name": source.name if keeps else None,
            "sha256": audit.sha256(job.source) if is_file else None,
        },
        "output": {"name": job.output.name, "sha256": audit.sha256(path)},
        "model": model,
        "frames": sink.written,
        "size": list(source.format.size),
        "anonymized_at": list(size),
        "dropped": dropped,
        "warnings": source.warnings,
        "flags": parsing.serialize(
            absl_flags.FLAGS, skip=["output", "scale", "s"]
        ).splitlines(),
    }


@functools.cache
def _version():
    try:
        return importlib.metadata.version("priv-keras")
    except importlib.metadata.PackageNotFoundError:
        return "of a checkout"


def run():
    program.run(
        main,
        [flags],
        first=(
            *("output", "model", "resolution", "force", "keep_audio"),
            *("keep_metadata", "seconds", "crf", "preview", "raw_size"),
        ),
        required=["model"],
    )


if __name__ == "__main__":
    run()
