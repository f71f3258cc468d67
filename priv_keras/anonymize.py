"""Anonymizes films and pictures.

    python -m priv_keras.anonymize IN... -o OUT --model=RUN/export/anonymizer
    python -m priv_keras.anonymize film.mp4 --model=face_box_blur

An input is a file, a folder, a glob, the URL of a stream, the number of a
camera, or `-` for raw frames on standard input. An output appears when it is
complete, or not at all.
"""

import contextlib
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
        _say(f"skipped: {path} is not a film")
    check_model(flags.MODEL.value)
    anonymizer, model = load(flags.MODEL.value)
    _say(_size_note(model["training_size"]))
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
                done = run_job(job, anonymizer, model, show)
                print(done, file=_results_stream())
            except (ValueError, OSError) as error:
                print(f"error: {error}", file=sys.stderr)
                failed += 1
    if failed and len(jobs) > 1:
        _say(f"{failed} of {len(jobs)} films failed")
    return int(failed > 0)


def _leave_nothing_when_stopped():
    """Makes signals end the program by way of its clean-up, with the usual
    status."""

    def stop(number, _):
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        _say(f"stopped by {signal.Signals(number).name}")
        raise SystemExit(128 + number)

    for number in SIGNALS:
        signal.signal(number, stop)


def _say(line):
    print(line, file=sys.stderr)


def _results_stream():
    """Returns where results are printed, which is never among raw frames."""
    return sys.stderr if flags.OUTPUT.value == "-" else sys.stdout


def _check_raw_size(jobs):
    raw = any(job.kind == "raw" for job in jobs)
    if raw != bool(flags.RAW_SIZE.value):
        raise ValueError(
            "The input `-` and --raw_size go together: raw frames do not tell "
            "their size, and films do."
        )


def check_model(name):
    """Raises unless a model exists, before TensorFlow is imported.

    Args:
        name: String, see `load`.

    Raises:
        FileNotFoundError: If there is no such model.
    """
    if name not in BASELINES and not pathlib.Path(name).exists():
        raise FileNotFoundError(
            f"--model={name}: there is no such folder or file, and no such "
            f"baseline ({', '.join(BASELINES)}).{nearest(name, BASELINES)}"
        )


def load(name):
    """Loads a model or builds a baseline.

    Args:
        name: String, one of `baselines.BASELINES`, or a path.

    Returns:
        Object with a method `stream`, and a dict that describes it in the log.

    Raises:
        ValueError: If the model is damaged or refused.
        OSError: If it cannot be read.
    """
    from priv_keras import Anonymizer
    from priv_keras import baselines
    from priv_keras.films import audit

    if name in baselines.BASELINES:
        anonymizer = baselines.build(name)
        if not hasattr(anonymizer, "stream"):
            anonymizer = Anonymizer.of(anonymizer)
        return anonymizer, {
            "name": name,
            "sha256": None,
            "training_size": None,
        }
    with quiet.greetings():
        anonymizer = Anonymizer.load(name, trusted=flags.TRUST_MODEL.value)
    card = anonymizer.card
    return anonymizer, {
        "name": name,
        "sha256": audit.sha256(name),
        "training_size": card and card["trained_size"],
    }


def _size_note(size):
    if size is None:
        return (
            "note: the model does not say at which frame size its privacy "
            "figures were measured"
        )
    return (
        "note: the privacy figures of this model were measured on frames of "
        f"{size[0]}x{size[1]}; nothing is known about other sizes"
    )


def run_job(job, anonymizer, model, show=None):
    """Anonymizes one input.

    Args:
        job: `jobs.Job`.
        anonymizer: Object with a method `stream`.
        model: Dict that describes it in the log.
        show: Callable that gets each anonymized picture; `None` for none.

    Returns:
        String, a line that says what was done.

    Raises:
        ValueError: If the input cannot be decoded or anonymized.
        OSError: If a file cannot be read or written. There is no output after
            either error.
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
            _anonymize(source, sink, size, anonymizer, show)
        for warning in source.warnings:
            _say(f"warning: {source.name}: {warning}")
        if len(partial) > 1:
            log = audit.log(
                job,
                source,
                path,
                frames=sink.written,
                size=size,
                model=model,
                keep_metadata=flags.KEEP_METADATA.value,
                flags=_flag_lines(),
            )
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


def _anonymize(source, sink, size, anonymizer, show):
    import tqdm

    from priv_keras.films import pipeline

    def on_frame(frame):
        bar.update()
        if show:
            show(frame.pixels)

    # `None` disables the bar unless standard error is a terminal.
    options = {"unit": " frames", "disable": None, "leave": False}
    with tqdm.tqdm(total=source.count, **options) as bar:
        pipeline.run(
            source,
            sink,
            anonymizer.stream,
            size=size,
            batch=flags.BATCH_SIZE.value,
            on_frame=on_frame,
        )


def _flag_lines():
    """Returns all flags as lines of a flagfile, without the output's path."""
    text = parsing.serialize(absl_flags.FLAGS, skip=["output", "scale", "s"])
    return text.splitlines()


def run():
    program.run(
        main,
        [flags],
        first=(
            "output",
            "model",
            "resolution",
            "force",
            "keep_audio",
            "keep_metadata",
            "seconds",
            "crf",
            "preview",
            "raw_size",
        ),
        required=["model"],
    )


if __name__ == "__main__":
    run()
