"""Anonymizes films and pictures.

    python -m priv_keras.anonymize IN... -o OUT --model=RUN/export/anonymizer
    python -m priv_keras.anonymize film.mp4 --model=face_box_blur

An input is a file, a folder, a glob, the URL of a stream, the number of a
camera, or `-` for raw frames on standard input. An output appears when it is
complete, or not at all.
"""

import contextlib
import functools
import glob
import pathlib
import signal
import sys
import time
from fractions import Fraction
from typing import NamedTuple

from absl import app
from absl import flags as absl_flags
from absl import logging

from flags import anonymize as flags
from flags import parsing
from flags import program
from flags import quiet
from flags import signals
from flags.baselines import BASELINES
from flags.baselines import COVERS
from flags.suggestions import nearest
from priv_keras.deployment import presets

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv):
    if len(argv) < 2:
        raise app.UsageError("Give at least one input; see --help.")
    stops = _Stops()
    from priv_keras.films.jobs import list_jobs

    listing = list_jobs(
        argv[1:], flags.OUTPUT.value, preview=flags.PREVIEW.value
    )
    _check_raw_size(listing.jobs)
    check_model(flags.MODEL.value)
    _check_regions(flags.MODEL.value)
    _check_covers(flags.MODEL.value, listing.jobs)
    jobs, in_the_way = _still_to_do(listing.jobs, describe(flags.MODEL.value))
    kept = len(listing.jobs) - len(jobs) - len(in_the_way)
    errors = [*listing.errors, *in_the_way]
    _tell(listing, errors, kept)
    failed = len(errors)
    if jobs:
        failed += _run_all(jobs, stops)
    total = len(listing.jobs) + len(listing.errors)
    if failed and total > 1:
        _say(f"{failed} of {total} films failed")
    return int(failed > 0)


class _Stops:
    """Makes signals end the program by way of its clean-up, with the usual
    status.

    A stream or camera is ended instead, so that what was recorded is kept. A
    second signal ends the program in any case.
    """

    def __init__(self):
        self.is_live = False  # whether a stream or camera is being recorded
        self.number = None  # of the signal that ended it
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # by nohup
                signal.signal(number, self._stop)

    def has_come(self):
        return self.number is not None

    def _stop(self, number, _):
        name = signal.Signals(number).name
        if self.is_live and not self.has_come():
            self.number = number
            _say(f"stopped by {name}; what was recorded is kept")
            return
        _say(f"stopped by {name}")
        signals.stop(number)

    def leave(self):
        """Ends the program if a signal has ended a recording."""
        if self.has_come():
            raise SystemExit(128 + self.number)


def _tell(listing, errors, kept):
    for path in listing.skipped:
        _say(f"skipped: {path} is not a film")
    if listing.system:
        _say(
            f"skipped: {listing.system} files and folders that are hidden or "
            "of operating systems, such as ._NAME, Thumbs.db and @eaDir"
        )
    for error in errors:
        _say(f"error: {error}")
    if kept:
        _say(
            f"note: {kept} of {len(listing.jobs)} outputs are kept: they are "
            "whole, and this command would make the same"
        )


def _still_to_do(jobs, model):
    """Looks for outputs that exist already.

    Args:
        jobs: List of `jobs.Job`.
        model: Dict of the `name` and `sha256` of the anonymizer.

    Returns:
        List of the jobs whose outputs have to be made, and list of sentences
        about outputs that are in the way.
    """
    from priv_keras.films.jobs import check_absent

    left, errors = [], []
    for job in jobs:
        try:
            check_absent(_files(job), flags.FORCE.value)
            left.append(job)
        except FileExistsError as error:
            if _has_lost_output(job):
                left.append(job)
            elif reason := _difference(job, model):
                errors.append(f"{error} {reason}")
        except OSError as error:
            errors.append(_named(job, error))
    return left, errors


def _difference(job, model):
    from priv_keras.films import audit

    if _is_segmented(job):
        return "Segments are always made anew."
    if flags.DETECTIONS.value:
        return "The detections may have changed."
    if not flags.AUDIT.value:
        return "Without a log, nothing says whether it is whole."
    return audit.difference(job, model, _flag_lines())


def _has_lost_output(job):
    """Removes the log of an output that is gone; returns whether it did."""
    from priv_keras.films import audit

    log, output = job.files(audit=True)
    if output.exists() or not audit.read(log):
        return False
    log.unlink()
    return True


def _is_segmented(job):
    """Returns whether a job writes several files."""
    is_file = isinstance(job.output, pathlib.Path)
    return bool(flags.SEGMENT.value and is_file and job.kind != "picture")


def _files(job):
    """Returns the files that a job would replace, the output first."""
    if not _is_segmented(job):
        return list(reversed(job.files(flags.AUDIT.value)))
    name = f"{glob.escape(job.output.stem)}_[0-9]*{job.output.suffix}"
    return sorted(job.output.parent.glob(name))


def _run_all(jobs, stops):
    """Runs jobs one after the other; returns how many failed."""
    from priv_keras.films.faults import legible

    anonymizer, model = load(flags.MODEL.value)
    _say(_size_note(anonymizer))
    if flags.MODEL.value in presets.names():
        _say(f"note: {presets.caution(flags.MODEL.value)}")
    failed = 0
    with contextlib.ExitStack() as stack:
        show = None
        if flags.PREVIEW.value:
            from priv_keras.films.preview import Preview

            window = stack.enter_context(Preview(flags.PREVIEW_PORT.value))
            _say(f"preview: {window.url}")
            show = window.show
        for job in jobs:
            try:
                done = run_job(job, anonymizer, model, show, stops)
                print(legible(done), file=_results_stream(), flush=True)
            except Exception as error:  # of a library, too: others are made
                logging.debug("Raised:", exc_info=True)
                _say(f"error: {_named(job, error)}")
                failed += 1
            stops.leave()
    return failed


def _named(job, error):
    """Returns what an error says, with the name of the film."""
    from priv_keras.films.faults import explained
    from priv_keras.films.video import shown

    name = "standard input" if job.kind == "raw" else shown(job.source)
    text = explained(error)
    return text if text.startswith(name) else f"{name}: {text}"


def _say(line):
    from priv_keras.films.faults import legible

    print(legible(line), file=sys.stderr, flush=True)


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
    known = (*BASELINES, *presets.names())
    if name not in known and not pathlib.Path(name).exists():
        raise FileNotFoundError(
            f"--model={name}: there is no such folder or file, and no such "
            f"baseline ({', '.join(BASELINES)}) or preset "
            f"({', '.join(presets.names())}).{nearest(name, known)}"
        )


def describe(name):
    """Returns a dict of a model's `name` and `sha256`, for the log; a baseline
    has no SHA-256."""
    from priv_keras.films import audit

    digest = None if name in BASELINES else audit.sha256(_located(name))
    return {"name": name, "sha256": digest}


def _located(name):
    """Returns the path of a model that is no baseline."""
    return presets.folder(name) if name in presets.names() else name


def load(name):
    """Loads a model or builds a baseline.

    Args:
        name: String, one of `baselines.BASELINES` or of `presets.names()`, or
            a path.

    Returns:
        Object with a method `stream` and an attribute `card`, which may be
        `None`, and a dict that describes it in the log.

    Raises:
        ValueError: If the model is damaged or refused.
        OSError: If it cannot be read.
    """
    from priv_keras import Anonymizer
    from priv_keras import baselines
    from priv_keras.films import sizes

    if name in baselines.BASELINES:
        anonymizer = _baseline(name)
        if not hasattr(anonymizer, "stream"):
            anonymizer = Anonymizer.of(anonymizer)
    else:
        with quiet.greetings():
            anonymizer = Anonymizer.load(
                _located(name), trusted=flags.TRUST_MODEL.value
            )
    card = getattr(anonymizer, "card", None)
    return anonymizer, {
        **describe(name),
        "training_size": card and sizes.measured(card),
    }


def _baseline(name):
    from priv_keras import baselines
    from priv_keras.baselines import detections

    options = _cover_options()
    path = options.pop("detections", None)
    if path and pathlib.Path(path).exists():
        return baselines.build(name, detector=detections.Given(path), **options)
    built = baselines.build(name, **options)
    if path:
        built.detector = detections.Recorded(built.detector, path)
    return built


def _cover_options():
    """Returns the options of baselines that cover which were given."""
    holders = (
        flags.THRESHOLD,
        flags.MASK_SCALE,
        flags.MOSAIC,
        flags.DETECTIONS,
    )
    return {x.name: x.value for x in holders if x.value is not None}


def _check_covers(model, jobs):
    """Raises if options of baselines that cover are given to another model, or
    the detections of one film to several."""
    given = ", ".join(f"--{name}" for name in _cover_options())
    if flags.DETECTIONS.value and len(jobs) > 1:
        raise ValueError(
            f"--detections is a file for one film. Received: {len(jobs)} films."
        )
    if given and model not in COVERS:
        raise ValueError(
            f"{given}: only baselines that cover have these options "
            f"({', '.join(COVERS)}). Received: --model={model}."
        )


def _check_regions(model):
    """Raises if only parts of frames would be anonymized by a model whose
    figures are those of whole frames."""
    parts = flags.ONLY_REGION.value or flags.KEEP_REGION.value
    if parts and model not in BASELINES and not flags.PARTIAL.value:
        raise ValueError(
            "The privacy figures of a trained model were measured on whole "
            "frames and do not hold if parts stay raw. Say --partial to leave "
            "--only_region or --keep_region in force all the same."
        )


def _resolution():
    return flags.size(flags.RESOLUTION.value) or flags.RESOLUTION.value


def _size_note(anonymizer):
    from priv_keras.films import sizes

    measured = sizes.measured(getattr(anonymizer, "card", None))
    if measured is None:
        same = (
            ""
            if flags.size(flags.RESOLUTION.value)
            else (", so frames keep their size")
        )
        return (
            "note: the model does not say at which frame size its privacy "
            f"figures were measured{same}"
        )
    size = "x".join(map(str, measured))
    if _resolution() == sizes.TRAINED:
        return (
            f"note: frames are anonymized at a height of {measured[1]} pixels, "
            "since the privacy figures of this model were measured on frames "
            f"of {size}"
        )
    return (
        "note: the privacy figures of this model were measured on frames of "
        f"{size}; nothing is known about other sizes"
    )


class _Work(NamedTuple):
    """An open input, and how it is anonymized."""

    source: object  # `video.Video` or an object with its interface
    size: tuple  # (width, height) in pixels at which frames are anonymized
    format: object  # `frame.Format` of the output
    stream: object  # callable, see `pipeline.anonymized`
    left_raw: float  # share of each frame that is not anonymized
    model: dict  # describes the anonymizer in the log

    def warnings(self):
        own, processed = self.source.format.size, self.size
        if processed[0] <= own[0] and processed[1] <= own[1]:
            return self.source.warnings
        sizes = "{}x{} to {}x{}".format(*own, *processed)
        return [*self.source.warnings, f"frames were enlarged from {sizes}"]


def run_job(job, anonymizer, model, show=None, stops=None):
    """Anonymizes one input.

    Args:
        job: `jobs.Job`.
        anonymizer: Object with a method `stream`.
        model: Dict that describes it in the log.
        show: Callable that gets each anonymized picture, and a list of strings
            about what is missing; `None` for none.
        stops: `_Stops`, whose signals end a stream or camera; `None` for none.

    Returns:
        String, a line that says what was done.

    Raises:
        ValueError: If the input cannot be decoded or anonymized.
        OSError: If a file cannot be read or written. There is no output after
            either error, unless the input is live and broke off.
    """
    start = time.monotonic()
    with _source(job) as source:
        work = _work(source, anonymizer, model)
        if stops:
            stops.is_live = source.live and bool(job.output)
        with _output(job, work) as sink, _detections(job, work, anonymizer):
            _anonymize(work, sink, show, stops)
        for warning in work.warnings():
            _say(f"warning: {source.name}: {warning}")
        fault = getattr(source, "fault", None)
    if fault and not flags.ACCEPT_DAMAGED.value:
        raise ValueError(
            f"{source.name} broke off: {fault.rstrip('.')}. What was recorded "
            f"is kept: {job.output}, {sink.written} frames."
        )
    rate = sink.written / (time.monotonic() - start)
    return f"{job.output}: {sink.written} frames, {rate:.1f} frames/s"


@contextlib.contextmanager
def _detections(job, work, anonymizer):
    """Reads or writes --detections."""
    from priv_keras.films import audit

    if not flags.DETECTIONS.value:
        yield
        return
    anonymizer.detector.begin(
        audit.input_sha256(job), float(_span()[0]), work.size
    )
    yield
    anonymizer.detector.finish()


def _work(source, anonymizer, model):
    from priv_keras.films import regions
    from priv_keras.films import sizes

    card = getattr(anonymizer, "card", None)
    size = sizes.processed(_resolution(), source.format, card, source.name)
    format, stream, left_raw = source.format, anonymizer.stream, 0.0
    if flags.OUTPUT_SIZE.value == "processed":
        format = sizes.resized_format(format, size)
    only, keep = flags.ONLY_REGION.value, flags.KEEP_REGION.value
    if only or keep:
        raw = regions.raw(source.format.size, size, source.name, only, keep)
        stream, left_raw = regions.composited(stream, raw), float(raw.mean())
    return _Work(source, size, format, stream, left_raw, model)


@contextlib.contextmanager
def _output(job, work):
    """Yields the sink of a job; its files appear when this is left without an
    error."""
    if not _is_segmented(job):
        with _film(job, work) as sink:
            yield sink
        return
    from priv_keras.films.segments import Segments

    def segment(number):
        name = f"{job.output.stem}_{number:04}{job.output.suffix}"
        return _film(job._replace(output=job.output.with_name(name)), work)

    seconds, base = flags.SEGMENT.value, work.format.time_base
    with Segments(segment, seconds, base) as sink:
        yield sink


@contextlib.contextmanager
def _film(job, work):
    """Yields the sink of one file, which appears with its log when this is left
    without an error."""
    from priv_keras.films import audit
    from priv_keras.films.jobs import whole_or_none

    files = job.files(flags.AUDIT.value)
    with whole_or_none(files, flags.FORCE.value) as partial:
        path = partial[-1] if partial else None
        with _sink(job, work, path) as sink:
            yield sink
        if len(partial) > 1:
            log = audit.log(
                job,
                work.source,
                path,
                frames=sink.written,
                size=work.size,
                output_size=work.format.size,
                left_raw=work.left_raw,
                warnings=work.warnings(),
                model=work.model,
                keep_metadata=flags.KEEP_METADATA.value,
                flags=_flag_lines(),
            )
            audit.write(partial[0], log)


def _source(job):
    from priv_keras.films import picture
    from priv_keras.films import raw
    from priv_keras.films import video
    from priv_keras.films.live import Live
    from priv_keras.films.span import Span

    start, end = _span()
    if job.kind == "picture":
        return picture.Picture(job.source, exif=flags.KEEP_METADATA.value)
    if job.kind == "raw":
        size, rate = flags.size(flags.RAW_SIZE.value), flags.RAW_RATE.value
        source = raw.RawInput(sys.stdin.buffer.raw, size, rate, end)
    elif video.is_url(job.source) or video.is_camera(job.source):
        source = Live(
            functools.partial(_video, job), end, flags.RECONNECT.value
        )
    else:
        source = _video(job, end)
    return Span(source, start, end) if start else source


def _span():
    """Returns the seconds at which outputs begin and end, as fractions, since
    the times of frames are; the end is `None` if there is none."""
    start = flags.seconds(flags.START.value or "0")
    if flags.SECONDS.value is not None:
        return start, start + Fraction(str(flags.SECONDS.value))
    return start, flags.END.value and flags.seconds(flags.END.value)


def _video(job, seconds=None):
    from priv_keras.films import moving_picture
    from priv_keras.films import video

    if moving_picture.is_one(job.source):
        return moving_picture.MovingPicture(
            job.source,
            keep_metadata=flags.KEEP_METADATA.value,
            seconds=seconds,
            accept_damaged=flags.ACCEPT_DAMAGED.value,
        )
    return video.Video(
        job.source,
        audio=flags.KEEP_AUDIO.value,
        seconds=seconds,
        accept_damaged=flags.ACCEPT_DAMAGED.value,
    )


def _sink(job, work, path):
    from priv_keras.films import encode
    from priv_keras.films import picture
    from priv_keras.films import raw

    source = work.source
    if path is None:
        file = sys.stdout.buffer if job.output else None
        return raw.RawOutput(file, work.format)
    suffix = job.output.suffix.lower()
    if job.kind == "picture":
        exif = source.metadata.get("exif")
        return picture.PictureFile(path, suffix, work.format, exif)
    config = flags.config(flags.FFMPEG_CONFIG.value)
    codec = flags.CODEC.value or config.pop("codec", None)
    if flags.CRF.value is not None:
        config["crf"] = flags.CRF.value
    try:
        return encode.Encoder(
            path,
            suffix,
            work.format,
            codec=codec,
            config=config,
            audio=source.audio,
            metadata=source.metadata if flags.KEEP_METADATA.value else None,
        )
    except (OverflowError, TypeError, ValueError) as error:  # also PyAV's own
        raise ValueError(str(error)) from None


def _anonymize(work, sink, show, stops):
    import tqdm

    from priv_keras.films import pipeline

    source = work.source

    def on_frame(frame):
        bar.update()
        if show:
            show(frame.pixels, _missing(source))

    # `None` disables the bar unless standard error is a terminal.
    options = {"unit": " frames", "disable": None, "leave": False}
    with tqdm.tqdm(total=source.count, **options) as bar:
        pipeline.run(
            source,
            sink,
            work.stream,
            size=work.size,
            batch=flags.BATCH_SIZE.value,
            on_frame=on_frame,
            is_over=stops.has_come if stops else pipeline.never,
        )


def _missing(source):
    """Returns what of a film is not shown, as a list of strings."""
    faults = source.warnings
    if not faults:
        return source.dropped
    return [*source.dropped, f"{len(faults)} faults, the last: {faults[-1]}"]


def _flag_lines():
    """Returns all flags as lines of a flagfile, without the output's path."""
    text = parsing.serialize(absl_flags.FLAGS, skip=["output", "scale", "s"])
    return [line for line in text.splitlines() if line]


def _parse(argv):
    """Parses a command line, or lists presets and exits."""
    arguments = parsing.plainly(argv)
    if flags.LIST_PRESETS.value:
        print(presets.listing(), flush=True)
        sys.exit(0)
    return arguments


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
        parse=_parse,
    )


if __name__ == "__main__":
    run()
