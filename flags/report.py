"""Flags of `python -m priv_keras.report`."""

from absl import flags as absl_flags

OUT = absl_flags.DEFINE_string(
    "out",
    "report",
    "Folder to write index.html and figures/ to. It replaces an older report "
    "there.",
)
SHOW_PICTURES = absl_flags.DEFINE_bool(
    "show_pictures",
    True,
    "Show the pictures that runs drew of frames before and after f_A. Frames "
    "before f_A are raw: pass --noshow_pictures for a report that others may "
    "see.",
)
