"""Flags of `python -m priv_keras.export`."""

from absl import flags as absl_flags

from flags import choices

GROUPS = {"The export": ("format", "calibration_frames", "to_hub")}

FORMATS = (
    "savedmodel",
    "tflite_float32",
    "tflite_float16",
    "tflite_int8",
    "onnx",
)
SHORT = {"tflite": "tflite_float32"}

FORMAT = choices.some_of(
    "format",
    ["savedmodel"],
    [*FORMATS, *SHORT],
    "The formats to write. tflite is short for tflite_float32. tflite_float16 "
    "halves the file; tflite_int8 computes convolutions in integers, and "
    "instance normalization in float. onnx needs the extra `onnx`.",
)
CALIBRATION_FRAMES = absl_flags.DEFINE_integer(
    "calibration_frames",
    200,
    "Training frames, each from another clip, on which --format=tflite_int8 "
    "measures the ranges of its integers. If there are fewer clips, all of "
    "them are used.",
    lower_bound=1,
)
TO_HUB = absl_flags.DEFINE_string(
    "to_hub",
    None,
    "A new folder, to which the exports are copied with a page that the "
    "Hugging Face hub shows: upload it as it is. A savedmodel is always among "
    "them. Nothing is uploaded by this program.",
)


def formats():
    """Returns the formats of `--format`, each once and by its full name."""
    needed = ["savedmodel"] if TO_HUB.value else []
    asked = [SHORT.get(name, name) for name in FORMAT.value]
    return list(dict.fromkeys([*needed, *asked]))
