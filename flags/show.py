"""Flags of `python -m tfrecords_tools.show`."""

from absl import flags as absl_flags

SPLIT = absl_flags.DEFINE_enum(
    "split", "train", ["train", "validation", "test"], "Which split to draw."
)
COUNT = absl_flags.DEFINE_integer("count", 8, "Videos to draw.", lower_bound=1)
OUT = absl_flags.DEFINE_string(
    "out", None, "PNG to draw videos into, a row each; raw frames."
)
