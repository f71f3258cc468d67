"""Flags of `python -m priv_keras.anonymize`, named as those of `deface`."""

import json

from absl import flags as absl_flags

OUTPUT = absl_flags.DEFINE_string(
    "output",
    None,
    "Where to write: a file, `-` for raw frames on standard output, or a "
    "folder; of several inputs, always a folder. By default, beside a file, "
    "its name with `_anonymized` added.",
    short_name="o",
)
MODEL = absl_flags.DEFINE_string(
    "model",
    None,
    "What anonymizes: a folder that `python -m priv_keras.export` wrote, as in "
    "RUN_DIR/export/anonymizer, or the name of a baseline, as in downsample_4.",
    required=True,
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
    "native",
    "Size WxH at which frames are anonymized, or `native`. The output has the "
    "size of the input in any case.",
)
absl_flags.DEFINE_alias("scale", "resolution")
absl_flags.DEFINE_alias("s", "resolution")
BATCH_SIZE = absl_flags.DEFINE_integer(
    "batch_size",
    None,
    "Frames that the model takes at once; by default as many as have 2^20 "
    "pixels together, and 1 of a camera or a URL.",
    lower_bound=1,
)
KEEP_AUDIO = absl_flags.DEFINE_bool(
    "keep_audio",
    False,
    "Copy the audio of videos: voices are as they were.",
    short_name="k",
)
KEEP_METADATA = absl_flags.DEFINE_bool(
    "keep_metadata",
    False,
    "Copy the metadata of videos and the EXIF data of images, places and names "
    "among them, and name the input in the log.",
    short_name="m",
)
PREVIEW = absl_flags.DEFINE_bool(
    "preview",
    False,
    "Show anonymized frames to a browser on this machine.",
    short_name="p",
)
PREVIEW_PORT = absl_flags.DEFINE_integer(
    "preview_port",
    0,
    "Port of --preview; 0 for any that is free.",
    lower_bound=0,
    upper_bound=65535,
)
FORCE = absl_flags.DEFINE_bool("force", False, "Replace what exists.")
AUDIT = absl_flags.DEFINE_bool(
    "audit",
    True,
    "Write a log beside each output, OUT.json: hashes, counts, what was left "
    "out, warnings, flags.",
)
CODEC = absl_flags.DEFINE_string(
    "codec",
    None,
    "Encoder of videos; by default libx264, and libvpx-vp9 for .webm.",
)
CRF = absl_flags.DEFINE_integer(
    "crf",
    None,
    "Quality of videos, lower is better: 0 to 51 of libx264 (23 by default), 0 "
    "to 63 of libvpx-vp9 (32 by default).",
    lower_bound=0,
    upper_bound=63,
)
FFMPEG_CONFIG = absl_flags.DEFINE_string(
    "ffmpeg_config",
    "{}",
    "JSON of more options: codec, pixelformat, bitrate, or any of the encoder, "
    'as in {"preset": "fast"}.',
)
RAW_SIZE = absl_flags.DEFINE_string(
    "raw_size",
    None,
    "Size WxH of the raw rgb24 frames on standard input, for the input `-`.",
)
RAW_RATE = absl_flags.DEFINE_float(
    "raw_rate", 25.0, "Frames per second of the input `-`.", lower_bound=0.001
)
SECONDS = absl_flags.DEFINE_float(
    "seconds",
    None,
    "End each video after so many seconds: how the film of a camera or of an "
    "endless stream is ended and kept.",
    lower_bound=0.001,
)
ACCEPT_DAMAGED = absl_flags.DEFINE_bool(
    "accept_damaged",
    False,
    "Of a damaged or cut-off input, keep what can be read; the log says so.",
)


def underscored(argv):
    """A command line whose flags may be spelt with dashes, as `deface` spells
    its own, `--keep-audio`, as one of flags with underscores."""
    end = argv.index("--") if "--" in argv else len(argv)
    return [_underscored(argument) for argument in argv[:end]] + argv[end:]


def _underscored(argument):
    name, equals, value = argument.partition("=")
    if name.startswith("--"):
        name = "--" + name[2:].replace("-", "_")
    return name + equals + value


def size(text):
    """`(width, height)` of a text like 640x480; `None` of any other."""
    sides = (text or "").split("x")
    if len(sides) != 2 or not all(s.isdecimal() and int(s) for s in sides):
        return None
    return tuple(int(side) for side in sides)


def config(text):
    """Dict that the JSON of --ffmpeg_config is; `None` if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


@absl_flags.validator(
    "resolution", "--resolution must be native or WxH, as in 640x480."
)
def _resolution_is_a_size(value):
    return value == "native" or size(value) is not None


@absl_flags.validator("raw_size", "--raw_size must be WxH, as in 640x480.")
def _raw_size_is_a_size(value):
    return value is None or size(value) is not None


@absl_flags.validator(
    "ffmpeg_config",
    '--ffmpeg_config must be a JSON object, as in {"preset": "fast"}.',
)
def _config_is_json(value):
    return config(value) is not None
