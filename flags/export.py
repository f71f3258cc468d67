"""Flags of `python -m priv_keras.export`."""

from absl import flags as absl_flags

FORMATS = ("savedmodel", "tflite_float32", "tflite_float16", "tflite_int8")
SHORT = {"tflite": "tflite_float32"}

FORMAT = absl_flags.DEFINE_list(
    "format",
    ["savedmodel"],
    f"What to write, one or several of {', '.join(FORMATS)}; tflite is "
    "tflite_float32. Of tflite_int8 convolutions are in integers, and instance "
    "normalization is in float.",
)
CALIBRATION_FRAMES = absl_flags.DEFINE_integer(
    "calibration_frames",
    200,
    "Training frames on which --format=tflite_int8 measures its ranges, each "
    "of another clip, as far as there are.",
    lower_bound=1,
)


def formats():
    """The formats that `--format` names, each once, without short names."""
    return list(dict.fromkeys(SHORT.get(x, x) for x in FORMAT.value))


@absl_flags.validator(
    "format", f"--format must be of {', '.join((*FORMATS, *SHORT))}."
)
def _formats_are_known(values):
    return bool(values) and set(values) <= {*FORMATS, *SHORT}
