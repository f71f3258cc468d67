"""Flags of `python -m priv_keras.export`."""

from absl import flags as absl_flags

FORMAT = absl_flags.DEFINE_enum(
    "format", "savedmodel", ["savedmodel"], "What to write."
)
