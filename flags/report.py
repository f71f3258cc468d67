"""Flags of `python -m priv_keras.report`."""

from absl import flags as absl_flags

GROUPS = {"Output": ("out", "show_pictures")}

OUT = absl_flags.DEFINE_string(
    "out",
    "report",
    "Folder to write index.html and figures/ into. An older report there is "
    "replaced; a folder with other files is refused.",
)
SHOW_PICTURES = absl_flags.DEFINE_bool(
    "show_pictures",
    True,
    "Show the frames before and after f_A that the runs drew. Those before are "
    "raw: give --noshow_pictures for a report that may be passed on.",
)
