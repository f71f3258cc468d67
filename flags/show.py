"""Flags of `python -m tfrecords_tools.show`."""

from absl import flags as absl_flags

from flags import choices

GROUPS = {"The picture": ("out", "split", "count")}

SPLIT = choices.one_of(
    "split",
    "train",
    ["train", "validation", "test"],
    "The split whose videos are drawn.",
)
COUNT = absl_flags.DEFINE_integer(
    "count", 8, "Number of videos to draw.", lower_bound=1
)
OUT = absl_flags.DEFINE_string(
    "out",
    None,
    "PNG file to draw videos into, one row for each. The frames are raw. "
    "Without it, nothing is drawn.",
)
