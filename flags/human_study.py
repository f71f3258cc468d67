"""Flags of `python -m priv_keras.human_study`."""

from absl import flags as absl_flags

OUT = absl_flags.DEFINE_string(
    "out", None, "Folder of the study: index.html, key.json, score.json."
)
CLIPS = absl_flags.DEFINE_integer(
    "clips",
    40,
    "Test clips to show; as many pictures again where private labels are of "
    "another dataset.",
    lower_bound=1,
)
CONDITIONS = absl_flags.DEFINE_list(
    "conditions",
    ["anonymized"],
    "anonymized, raw or both; nobody sees a clip both ways. A study of raw "
    "clips holds raw footage.",
)


@absl_flags.validator(
    "conditions", "--conditions are anonymized, raw, or anonymized,raw."
)
def _conditions_are_known(values):
    return bool(values) and set(values) <= {"anonymized", "raw"}
