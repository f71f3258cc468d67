"""Flags of every program of `priv_keras`: which data, and how a clip is cut."""

import re

from absl import flags as absl_flags

DATASETS = (
    "folder",
    "hmdb51",
    "puppets",
    "sbu",
    "ucf101",
    "ut_interaction",
)
BUDGET_DATASETS = ("folder", "vispr")
TEST_DATASETS = ("pa_hmdb51",)
SCALES = ("paper", "tiny")

DATASET = absl_flags.DEFINE_enum(
    "dataset", "puppets", DATASETS, "What the game is played on."
)
BUDGET_DATASET = absl_flags.DEFINE_enum(
    "budget_dataset",
    None,
    BUDGET_DATASETS,
    "Where f_B and the attackers learn, if not on --dataset (Sec. 3.4): f_A "
    "is shared, the clips are not.",
)
TEST_DATASET = absl_flags.DEFINE_enum(
    "test_dataset",
    None,
    TEST_DATASETS,
    "Whose videos and frames judge the run, if not the test split of --dataset "
    "and --budget_dataset (Sec. 5.5).",
)
DATA_DIR = absl_flags.DEFINE_string(
    "data_dir",
    None,
    "Shards are <data_dir>/<dataset>/, as `python -m tfrecords_tools.build "
    "--out_dir` left them. Puppets need none: they are drawn on first use.",
)
RUN_DIR = absl_flags.DEFINE_string("run_dir", None, "Folder of the run.")
SHARED_DIR = absl_flags.DEFINE_string(
    "shared_dir",
    None,
    "Folder that runs share for what no method changes, so that it is computed "
    "once: warm-ups of f_A and f_T, figures of raw clips.",
)
SCALE = absl_flags.DEFINE_enum(
    "scale",
    "paper",
    SCALES,
    "Defaults of all other flags: `paper`, Sec. 4.1.2; `tiny`, the same code "
    "with narrow networks and small frames, for a CPU.",
)
FRAMES = absl_flags.DEFINE_integer(
    "frames", 16, "T of Sec. 4: frames in a clip.", lower_bound=1
)
FRAME_WIDTH = absl_flags.DEFINE_integer(
    "frame_width", 160, "Pixels of a whole frame.", lower_bound=1
)
FRAME_HEIGHT = absl_flags.DEFINE_integer(
    "frame_height", 120, "Pixels of a whole frame.", lower_bound=1
)
SIZE = absl_flags.DEFINE_integer(
    "size", 112, "W = H of Sec. 4: pixels of the crop.", lower_bound=32
)
BATCH_SIZE = absl_flags.DEFINE_integer(
    "batch_size", 8, "Clips in a batch.", lower_bound=1
)
BAD_RECORDS = absl_flags.DEFINE_string(
    "bad_records",
    "fail",
    "What to do of records that are broken, by their checksum, a frame that "
    "does not decode or a label: `fail` names the first; `skip:n` decodes all "
    "shards before the run, leaves up to n records out of all of it, and says "
    "which.",
)
SEED = absl_flags.DEFINE_integer("seed", 0, "Of weights, order and crops.")
DETERMINISTIC = absl_flags.DEFINE_bool(
    "deterministic",
    False,
    "Take slower ways where the fast ones may round differently each time: two "
    "runs on one machine then agree to the last bit.",
)


@absl_flags.multi_flags_validator(
    ["size", "frame_width", "frame_height"],
    "--size is the side of the square cut from a frame: it must not exceed "
    "--frame_width or --frame_height.",
)
def _the_crop_fits(values):
    return values["size"] <= min(values["frame_width"], values["frame_height"])


@absl_flags.validator(
    "bad_records", "--bad_records is `fail` or `skip:n`, as in skip:10."
)
def _bad_records_can_be_counted(value):
    return re.fullmatch(r"fail|skip:[1-9]\d*", value) is not None
