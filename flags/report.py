"""Flags of `python -m priv_keras.report`."""

from absl import flags as absl_flags

OUT = absl_flags.DEFINE_string(
    "out",
    "report",
    "Folder to write index.html and figures/ into; an older report there is "
    "replaced.",
)
SHOW_PICTURES = absl_flags.DEFINE_bool(
    "show_pictures",
    True,
    "Show what runs drew before and after f_A. The frames before are raw: say "
    "--noshow_pictures for a report that leaves the house.",
)
