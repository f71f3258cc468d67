"""Flags of a run and its data, which most programs of `priv_keras` share."""

import re

from absl import flags as absl_flags

from flags import choices

GROUPS = {
    "The run": (
        "run_dir",
        "scale",
        "recipe",
        "shared_dir",
        "seed",
        "deterministic",
    ),
    "What to run on": (
        "dataset",
        "data_dir",
        "budget_dataset",
        "test_dataset",
        "bad_records",
        "frames",
        "frame_width",
        "frame_height",
        "size",
        "batch_size",
        "mirror",
        "augment",
    ),
}

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
SCALES = ("paper", "small", "tiny")

DATASET = choices.one_of(
    "dataset",
    "puppets",
    DATASETS,
    "The data set that the game is played on. Puppets are drawn on first use; "
    "build all others into shards first (tfrecords_tools.build) and name "
    "their folder with --data_dir.",
)
BUDGET_DATASET = choices.one_of(
    "budget_dataset",
    None,
    BUDGET_DATASETS,
    "The data set whose private labels f_B and the attackers learn (Sec. 3.4), "
    "if --dataset has none. f_A is trained on both. Needs "
    "--budget_batch_size. Without it, --dataset has both kinds of labels.",
)
TEST_DATASET = choices.one_of(
    "test_dataset",
    None,
    TEST_DATASETS,
    "The data set that the run is judged on (Sec. 5.5). Without it, the run "
    "is judged on the test splits of --dataset and --budget_dataset.",
)
DATA_DIR = absl_flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the shards, the --out_dir of tfrecords_tools.build: those of a "
    "data set are in DATA_DIR/DATASET. Leave it out for puppets, which are "
    "drawn on first use. May be gs://... or, with the extra `io`, s3://...",
)
RUN_DIR = absl_flags.DEFINE_string(
    "run_dir",
    None,
    "Folder of the run: its configuration, checkpoints, figures and exported "
    "anonymizer. A new run needs a new or an empty folder.",
)
SHARED_DIR = absl_flags.DEFINE_string(
    "shared_dir",
    None,
    "Folder in which several runs share what no method changes: the warm-ups "
    "of f_A and f_T, and the figures of raw clips. Give it to runs that are "
    "to be compared, so that each of these is computed once.",
)
SCALE = choices.one_of(
    "scale",
    "paper",
    SCALES,
    "Sets the defaults of all other flags. `paper` has the networks, frames "
    "and thresholds of Sec. 4.1.2 and needs a GPU. The others run the same "
    "code with narrow networks on a CPU: `small` on frames of 80 pixels, for "
    "data of your own, `tiny` on frames of 48, for a first look.",
)
RECIPE = absl_flags.DEFINE_list(
    "recipe",
    [],
    "Names of sets of flags that come with the package, as in "
    "ucf101_vispr,entropy_m4_restart: usually a task and a method of the "
    "paper. A later recipe overrides an earlier one, and the command line "
    "overrides both. --recipe=list prints all of them. A scale may have a "
    "recipe, which any other replaces, also --recipe=none.",
)
FRAMES = absl_flags.DEFINE_integer(
    "frames",
    16,
    "Frames in a clip, T in Sec. 4. Fewer need less memory and time.",
    lower_bound=1,
)
FRAME_WIDTH = absl_flags.DEFINE_integer(
    "frame_width",
    160,
    "Width in pixels to which whole frames are resized before a square of "
    "--size is cut from them.",
    lower_bound=1,
)
FRAME_HEIGHT = absl_flags.DEFINE_integer(
    "frame_height",
    120,
    "Height in pixels to which whole frames are resized before a square of "
    "--size is cut from them.",
    lower_bound=1,
)
SIZE = absl_flags.DEFINE_integer(
    "size",
    112,
    "Side in pixels of the square that the networks see, W = H in Sec. 4. It "
    "must not exceed --frame_width and --frame_height.",
    lower_bound=32,
)
BATCH_SIZE = absl_flags.DEFINE_integer(
    "batch_size",
    8,
    "Clips in a batch. Reduce it when memory runs out, and make up for it "
    "with --accumulate_steps.",
    lower_bound=1,
)
MIRROR = absl_flags.DEFINE_bool(
    "mirror",
    False,
    "Mirror about every other training clip of f_T and of the game. Give it "
    "only if no action differs from another by left and right; the paper does "
    "not mirror. Attackers mirror in any case.",
)
AUGMENT = absl_flags.DEFINE_bool(
    "augment",
    False,
    "Shift, recolour and erase a part of about every other training clip of "
    "f_T and of the game, each at random, so that few clips are not learned by "
    "heart. The paper only crops. Attackers do so by --judge.",
)
BAD_RECORDS = absl_flags.DEFINE_string(
    "bad_records",
    "fail",
    "What to do about broken records (a wrong checksum, a frame that cannot "
    "be decoded, a label out of range). `fail` stops and names the first; "
    "`skip:n`, as in skip:10, decodes all shards before the run starts, "
    "leaves out up to n records of the whole run and names them.",
)
SEED = absl_flags.DEFINE_integer(
    "seed",
    0,
    "Seed of the initial weights, the order of clips and the random crops. "
    "Change it to repeat an experiment.",
)
DETERMINISTIC = absl_flags.DEFINE_bool(
    "deterministic",
    False,
    "Make two runs on one machine agree to the last bit. This is slower; "
    "without it, sums may be rounded differently each time.",
)


@absl_flags.multi_flags_validator(
    ["size", "frame_width", "frame_height"],
    "--size must not exceed --frame_width or --frame_height: it is the side "
    "of the square that is cut from a frame.",
)
def _the_crop_fits(values):
    return values["size"] <= min(values["frame_width"], values["frame_height"])


@absl_flags.validator(
    "bad_records", "--bad_records must be `fail` or `skip:n`, as in skip:10."
)
def _bad_records_can_be_counted(value):
    return re.fullmatch(r"fail|skip:[1-9]\d*", value) is not None
