"""Flags of `python -m priv_keras.human_study`."""

from absl import flags as absl_flags

from flags import choices

GROUPS = {"The study": ("out", "clips", "conditions")}

OUT = absl_flags.DEFINE_string(
    "out",
    None,
    "Folder of the study. `build` writes index.html, key.json and README.txt "
    "there, `score` writes score.json.",
)
CLIPS = absl_flags.DEFINE_integer(
    "clips",
    40,
    "Number of test clips to show. If private labels come from another data "
    "set, as many of its pictures are shown as well.",
    lower_bound=1,
)
CONDITIONS = choices.some_of(
    "conditions",
    ["anonymized"],
    ["anonymized", "raw"],
    "How clips are shown. With both, half of them are raw, and nobody sees a "
    "clip both ways. A study of raw clips contains raw footage.",
)
