"""Flags of `python -m tfrecords_tools.build`."""

from absl import flags as absl_flags

DATASET = absl_flags.DEFINE_enum(
    "dataset", None, ["puppets", "sbu", "ut_interaction"], "What to build."
)
RAW_DIR = absl_flags.DEFINE_string(
    "raw_dir",
    None,
    "Folder of the raw videos, in the original's layout. Puppets need none: "
    "they are drawn on first use, below $PRIV_KERAS_CACHE or "
    "~/.cache/priv_keras.",
)
OUT_DIR = absl_flags.DEFINE_string(
    "out_dir",
    None,
    "Shards go to <out_dir>/<dataset>/: train's --data_dir. May be gs://... "
    "or, with the extra `io`, s3://...",
)
ENCODING = absl_flags.DEFINE_enum(
    "encoding", "jpeg", ["jpeg", "raw"], "How frames are stored."
)
WORKERS = absl_flags.DEFINE_integer(
    "workers", 2, "Threads that decode.", lower_bound=1
)
RUNNER = absl_flags.DEFINE_string(
    "runner",
    None,
    "Build with Apache Beam by this runner of it, as in DirectRunner or "
    "FlinkRunner, in place of threads. Options of Beam follow after ` -- `.",
)
FOLD = absl_flags.DEFINE_integer(
    "fold",
    0,
    "Which fold of ut_interaction's 6 is the test.",
    lower_bound=0,
    upper_bound=5,
)
SEED = absl_flags.DEFINE_integer("seed", 0, "Of random splits and orders.")
SPLIT_DIR = absl_flags.DEFINE_string(
    "split_dir", None, "Folder of SBU's bdq_train.txt and bdq_val.txt."
)
SCALE = absl_flags.DEFINE_enum(
    "scale",
    "paper",
    ["paper", "tiny"],
    "How large puppets are drawn where --raw_dir is not given: 640x480 as SBU, "
    "or 160x120.",
)
SKIP_BAD = absl_flags.DEFINE_bool(
    "skip_bad", False, "Exit with 0 though videos had to be skipped."
)


@absl_flags.multi_flags_validator(
    ["dataset", "raw_dir"],
    "--raw_dir must name the folder that the raw videos of --dataset are in; "
    "only puppets can be drawn.",
)
def _only_puppets_are_drawn(values):
    return bool(values["raw_dir"]) or values["dataset"] in (None, "puppets")


@absl_flags.multi_flags_validator(
    ["dataset", "fold"],
    "--fold is for --dataset=ut_interaction: the others have no folds.",
)
def _only_ut_interaction_has_folds(values):
    return not values["fold"] or values["dataset"] == "ut_interaction"


@absl_flags.multi_flags_validator(
    ["dataset", "split_dir"],
    "--split_dir is for --dataset=sbu: the others have no lists.",
)
def _only_sbu_has_lists(values):
    return not values["split_dir"] or values["dataset"] == "sbu"
