"""Flags of the programs that read PA-HMDB51's annotations."""

from absl import flags as absl_flags

from flags import choices

ANNOTATIONS = absl_flags.DEFINE_string(
    "annotations",
    None,
    "PA-HMDB51's folder PrivacyAttributes, which holds a JSON file for each "
    "action.",
)
IRREGULAR = choices.one_of(
    "irregular",
    None,
    ["repair", "refuse"],
    "What to do about annotations that overlap, leave frames out or hold "
    "impossible values: `repair` corrects and lists them, which is also done "
    "without the flag; `refuse` stops.",
)
