"""Flags of `python -m tfrecords_tools.build`."""

from absl import flags as absl_flags

DATASET = absl_flags.DEFINE_enum(
    "dataset", None, ["puppets", "sbu", "ut_interaction"], "What to build."
)
RAW_DIR = absl_flags.DEFINE_string(
    "raw_dir", None, "Folder of the raw videos, in the original's layout."
)
OUT_DIR = absl_flags.DEFINE_string(
    "out_dir", None, "Shards go to <out_dir>/<dataset>/: train's --data_dir."
)
ENCODING = absl_flags.DEFINE_enum(
    "encoding", "jpeg", ["jpeg", "raw"], "How frames are stored."
)
WORKERS = absl_flags.DEFINE_integer(
    "workers", 2, "Threads that decode.", lower_bound=1
)
FOLD = absl_flags.DEFINE_integer(
    "fold", 0, "Which fold of ut_interaction's 6 is the test.", lower_bound=0
)
SEED = absl_flags.DEFINE_integer("seed", 0, "Of random splits and orders.")
SPLIT_DIR = absl_flags.DEFINE_string(
    "split_dir", None, "Folder of SBU's bdq_train.txt and bdq_val.txt."
)
SKIP_BAD = absl_flags.DEFINE_bool(
    "skip_bad", False, "Exit with 0 though videos had to be skipped."
)
