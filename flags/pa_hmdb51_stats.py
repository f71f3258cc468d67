"""Flags of `python -m tfrecords_tools.pa_hmdb51_stats`."""

from absl import flags as absl_flags

ANNOTATIONS = absl_flags.DEFINE_string(
    "annotations", None, "PA-HMDB51's folder PrivacyAttributes."
)
OUT = absl_flags.DEFINE_string(
    "out", None, "PNG to draw Fig. 5 and 6 of the paper into."
)
IRREGULAR = absl_flags.DEFINE_enum(
    "irregular",
    "repair",
    ["repair", "refuse"],
    "What to do with annotations that overlap, leave frames out or hold values "
    "that cannot be; `repair` lists them.",
)
