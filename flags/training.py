"""Flags of `python -m priv_keras.train`. Defaults are Sec. 4.1.2, SBU.

Only a program's `main` reads a flag's value; the library takes arguments.
"""

import math

from absl import flags as absl_flags

from flags import data  # noqa: F401 (a validator reads its flags)

METHODS = ("grl", "kbeam", "entropy")

METHOD = absl_flags.DEFINE_enum(
    "method",
    "entropy",
    METHODS,
    "Algorithms 1, 2 and 3 of the paper; entropy with --restart_every or "
    "several --budgets is Algorithm 4.",
)
BUDGETS = absl_flags.DEFINE_list(
    "budgets",
    ["mobilenet_v2_1.0"],
    "f_B^i, names as in mobilenet_v2_0.5: K of Sec. 3.3.2, M of Sec. 3.5.2.",
)
BUDGET_NORMALIZATION = absl_flags.DEFINE_enum(
    "budget_normalization",
    "batch",
    ["batch", "group"],
    "Of the budget models; `group` keeps no moving statistics.",
)
BUDGET_BATCH_SIZE = absl_flags.DEFINE_integer(
    "budget_batch_size",
    0,
    "Clips in a batch of f_B's own; 0 for f_B to see the batches of f_T.",
    lower_bound=0,
)
BUDGET_FRAMES = absl_flags.DEFINE_integer(
    "budget_frames",
    None,
    "Frames of each clip in a batch of f_B's own; --frames unless told. One "
    "frame of many clips teaches who is there sooner than many of few.",
    lower_bound=1,
)
ATTRIBUTE_WEIGHTS = absl_flags.DEFINE_list(
    "attribute_weights",
    None,
    "How much each private attribute counts, in the order of the dataset.",
)
ANONYMIZER = absl_flags.DEFINE_enum(
    "anonymizer",
    "full",
    ["full", "lite"],
    "f_A: the paper's, or a light one for large frames on small machines.",
)
ANONYMIZER_WIDTH = absl_flags.DEFINE_float(
    "anonymizer_width", 1.0, "Scales the channels of f_A.", lower_bound=0.01
)
TARGET_WIDTH = absl_flags.DEFINE_float(
    "target_width", 1.0, "Scales the channels of f_T.", lower_bound=0.01
)
RESTART_EVERY = absl_flags.DEFINE_integer(
    "restart_every",
    0,
    "rstrt_iter of Sec. 3.5.1, turns between restarts of every f_B; 0 for "
    "none.",
    lower_bound=0,
)
RESTART_PATIENCE = absl_flags.DEFINE_integer(
    "restart_patience",
    None,
    "Restart every f_B also after so many turns without a new low of L_B, "
    "their mean loss on a batch.",
    lower_bound=1,
)
MAX_RESTART_STEPS = absl_flags.DEFINE_integer(
    "max_restart_steps",
    500,
    "Cap on the updates of a restarted f_B, while the others are frozen.",
    lower_bound=1,
)
ASCENT_STEPS = absl_flags.DEFINE_integer(
    "ascent_steps", 30, "d_iter of --method=kbeam.", lower_bound=1
)
MOST_CONFIDENT = absl_flags.DEFINE_enum(
    "most_confident",
    "batch",
    ["batch", "sample"],
    "Of --method=entropy: whether the max of Eq. (9a) is taken over means of "
    "a batch, as written, or for each clip.",
)
REVERSAL_WARM_UP = absl_flags.DEFINE_integer(
    "reversal_warm_up",
    0,
    "Turns over which --method=grl raises its reversal from 0 to gamma.",
    lower_bound=0,
)
GAMMA = absl_flags.DEFINE_float(
    "gamma", 2.0, "Weight of the privacy cost, Eq. (3).", lower_bound=0.0
)
MAX_ITER = absl_flags.DEFINE_integer(
    "max_iter", 800, "Turns of the outer loop.", lower_bound=1
)
TURNS_PER_EPOCH = absl_flags.DEFINE_integer(
    "turns_per_epoch", 100, "Turns between checkpoints.", lower_bound=1
)
KEEP = absl_flags.DEFINE_integer(
    "keep",
    2,
    "Checkpoints to keep: so many of the last, and the best on validation.",
    lower_bound=1,
)
TARGET_THRESHOLD = absl_flags.DEFINE_float(
    "target_threshold", 0.85, "th_T.", lower_bound=0.0, upper_bound=1.0
)
BUDGET_THRESHOLD = absl_flags.DEFINE_float(
    "budget_threshold", 0.99, "th_B.", lower_bound=0.0, upper_bound=1.0
)
MAX_TARGET_STEPS = absl_flags.DEFINE_integer(
    "max_target_steps",
    50,
    "Cap on the loop of th_T in a turn; the paper has none.",
    lower_bound=0,
)
MAX_BUDGET_STEPS = absl_flags.DEFINE_integer(
    "max_budget_steps",
    50,
    "Cap on each loop of th_B in a turn; the paper has none.",
    lower_bound=0,
)
GATE_BATCHES = absl_flags.DEFINE_integer(
    "gate_batches",
    1,
    "Accuracies at the gates are of the last n batches; 0: at th_T of the "
    "whole validation set each time, at th_B of as many new batches.",
    lower_bound=0,
)
GATE_PATIENCE = absl_flags.DEFINE_integer(
    "gate_patience",
    None,
    "Leave a gated loop after so many updates without a better accuracy.",
    lower_bound=1,
)
ANONYMIZER_LEARNING_RATE = absl_flags.DEFINE_float(
    "anonymizer_learning_rate", 1e-4, "alpha_A.", lower_bound=0.0
)
TARGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "target_learning_rate", 1e-5, "alpha_T.", lower_bound=0.0
)
BUDGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "budget_learning_rate", 1e-2, "alpha_B.", lower_bound=0.0
)
FINAL_LEARNING_RATE = absl_flags.DEFINE_float(
    "final_learning_rate",
    1.0,
    "What a cosine over the turns leaves of alpha_A and alpha_T, as a share; 1 "
    "for constant ones, as the paper's. alpha_B stays, so that f_B stays "
    "strong.",
    lower_bound=0.0,
    upper_bound=1.0,
)
CLIP_NORM = absl_flags.DEFINE_float(
    "clip_norm",
    None,
    "Largest norm of all gradients of an update together, above 0. Not with "
    "--strategy.",
    lower_bound=1e-12,
)
ACCUMULATE_STEPS = absl_flags.DEFINE_integer(
    "accumulate_steps",
    1,
    "Batches whose gradients one update averages. Not with --strategy.",
    lower_bound=1,
)
PRECISION = absl_flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "Of the networks' arithmetic; weights and losses are float32.",
)
TARGET_WEIGHTS = absl_flags.DEFINE_string(
    "target_weights",
    None,
    "Where f_T starts: a Keras file of its weights (*.weights.h5), or the "
    "TensorFlow checkpoint of C3D trained on Sports-1M.",
)
BUDGET_WEIGHTS = absl_flags.DEFINE_string(
    "budget_weights",
    None,
    "Where each f_B starts before the game: `imagenet`, a download, or a Keras "
    "file of the weights of one (*.weights.h5). A restart is always random.",
)

WARM_UP_ANONYMIZER_STEPS = absl_flags.DEFINE_integer(
    "warm_up_anonymizer_steps",
    2000,
    "Updates of f_A towards the identity, before the game.",
    lower_bound=1,
)
WARM_UP_ANONYMIZER_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_anonymizer_learning_rate", 1e-3, "Of Adam.", lower_bound=0.0
)
WARM_UP_TARGET_STEPS = absl_flags.DEFINE_integer(
    "warm_up_target_steps",
    4000,
    "At most so many updates of f_T alone, before the game.",
    lower_bound=1,
)
WARM_UP_TARGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_target_learning_rate", 1e-4, "Of Adam.", lower_bound=0.0
)
WARM_UP_BUDGET_STEPS = absl_flags.DEFINE_integer(
    "warm_up_budget_steps",
    2000,
    "At most so many updates of each f_B alone, before the game; with "
    "--restart_every, its first restart takes this place.",
    lower_bound=1,
)
WARM_UP_BUDGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_budget_learning_rate", 1e-3, "Of Adam.", lower_bound=0.0
)

STRATEGY = absl_flags.DEFINE_enum(
    "strategy",
    "none",
    ["none", "mirrored", "multi_worker"],
    "Devices to play on: one; all GPUs of this machine; or those of all "
    "workers in TF_CONFIG, which have to see --run_dir and --data_dir, and of "
    "which the first writes. They share out each batch.",
)
RESUME = absl_flags.DEFINE_bool(
    "resume", False, "Go on with the run that --run_dir holds."
)
LOG_EVERY = absl_flags.DEFINE_integer(
    "log_every",
    1,
    "Turns between those that TensorBoard is told of; metrics.jsonl has all.",
    lower_bound=1,
)
PICTURES = absl_flags.DEFINE_bool(
    "pictures",
    True,
    "Draw frames before and after f_A, in before_after.png and TensorBoard. "
    "The frames before are raw: say --nopictures where they must not be kept.",
)


@absl_flags.validator(
    "attribute_weights",
    "--attribute_weights are positive numbers, one per attribute, as in 1,2,1.",
)
def _weights_are_positive(values):
    try:
        return all(0 < float(value) < math.inf for value in values or [])
    except ValueError:
        return False


@absl_flags.multi_flags_validator(
    ["turns_per_epoch", "max_iter"],
    "--max_iter must be a multiple of --turns_per_epoch: a run ends on a "
    "checkpoint.",
)
def _epochs_are_whole(values):
    return values["max_iter"] % values["turns_per_epoch"] == 0


@absl_flags.multi_flags_validator(
    ["budget_frames", "budget_batch_size"],
    "--budget_frames is for batches of f_B's own: give --budget_batch_size.",
)
def _budget_frames_need_batches(values):
    return not values["budget_frames"] or values["budget_batch_size"] > 0


@absl_flags.multi_flags_validator(
    ["budget_dataset", "budget_batch_size"],
    "--budget_dataset has batches of its own: give --budget_batch_size, and "
    "--budget_frames=1 where it holds pictures.",
)
def _budget_datasets_need_batches(values):
    return not values["budget_dataset"] or values["budget_batch_size"] > 0


@absl_flags.multi_flags_validator(
    ["accumulate_steps", "precision"],
    "--accumulate_steps does not go with --precision=mixed_float16: of a batch "
    "whose gradient overflows nothing is added up, and the update would end in "
    "the next one's batches. Give --precision=mixed_bfloat16.",
)
def _is_accumulated_whole(values):
    scaled = values["precision"] == "mixed_float16"
    return values["accumulate_steps"] == 1 or not scaled


@absl_flags.multi_flags_validator(
    ["budget_weights", "restart_every", "restart_patience"],
    "--budget_weights would be lost: with --restart_every or "
    "--restart_patience every f_B starts anew, at random, in the first turn. "
    "Leave one of them out.",
)
def _starts_are_kept(values):
    restarts = values["restart_every"] or values["restart_patience"]
    return values["budget_weights"] in (None, "none") or not restarts
