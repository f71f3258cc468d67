"""Flags of `python -m priv_keras.anonymize`, named as those of `deface`."""

import json

from absl import flags as absl_flags

GROUPS = {
    "What to do": ("output", "model", "resolution", "force"),
    "What to keep": (
        "keep_audio",
        "keep_metadata",
        "audit",
        "accept_damaged",
        "seconds",
    ),
    "How to encode it": ("codec", "crf", "ffmpeg_config"),
    "Streams and cameras": (
        "preview",
        "preview_port",
        "raw_size",
        "raw_rate",
    ),
    "The model": ("trust_model", "batch_size"),
}

OUTPUT = absl_flags.DEFINE_string(
    "output",
    None,
    "Where to write: a file, a folder, or `-` for raw frames on standard "
    "output; for several inputs, always a folder. Without it, a file is "
    "written beside its input, with `_anonymized` added to the name.",
    short_name="o",
)
MODEL = absl_flags.DEFINE_string(
    "model",
    None,
    "What anonymizes: a folder that priv_keras.export wrote, as in "
    "RUN_DIR/export/anonymizer, or a baseline, as in downsample_4 or "
    "face_box_blur.",
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
    "Size in pixels at which frames are anonymized: WxH, as in 640x480, or "
    "`native`. The output always has the size of the input. --scale and -s "
    "are the same.",
)
absl_flags.DEFINE_alias("scale", "resolution")
absl_flags.DEFINE_alias("s", "resolution")
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
    "Copy the metadata of videos and the EXIF data of pictures, which may hold "
    "places and names, and name the input in the log.",
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
    "force", False, "Replace outputs that exist already."
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
    "Length in seconds at which each video is ended and kept. Give it for a "
    "camera or another endless stream. Without it, inputs run to their end.",
    lower_bound=0.001,
)
ACCEPT_DAMAGED = absl_flags.DEFINE_bool(
    "accept_damaged",
    False,
    "Keep what can be read of an input that is damaged or cut off, and say so "
    "in the log. Without it, such an input leaves no output.",
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


def config(text):
    """Parses the value of --ffmpeg_config.

    Args:
        text: String.

    Returns:
        Dict; `None` if `text` is not a JSON object.
    """
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
