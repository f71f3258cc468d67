"""Flags of the programs that read PA-HMDB51's annotations."""

from absl import flags as absl_flags

ANNOTATIONS = absl_flags.DEFINE_string(
    "annotations", None, "PA-HMDB51's folder PrivacyAttributes."
)
IRREGULAR = absl_flags.DEFINE_enum(
    "irregular",
    None,
    ["repair", "refuse"],
    "What to do with annotations that overlap, leave frames out or hold values "
    "that cannot be: `repair` (the default) lists them.",
)
