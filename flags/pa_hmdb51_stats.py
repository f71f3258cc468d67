"""Flags of `python -m tfrecords_tools.pa_hmdb51_stats`."""

from absl import flags as absl_flags

from flags.pa_hmdb51 import ANNOTATIONS  # noqa: F401
from flags.pa_hmdb51 import IRREGULAR  # noqa: F401

GROUPS = {
    "Input": ("annotations", "irregular"),
    "Output": ("out",),
}

OUT = absl_flags.DEFINE_string(
    "out",
    None,
    "PNG file to draw Fig. 5 and 6 of the paper into. Without it, nothing is "
    "drawn.",
)
