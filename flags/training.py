"""Flags of the game. Their defaults are the paper's for SBU (Sec. 4.1.2).

Only a program's `main` reads a flag's value; the library takes arguments.
"""

import math
import re

from absl import flags as absl_flags

from flags import choices
from flags import data  # noqa: F401 (a validator reads its flags)
from flags.suggestions import nearest

GROUPS = {
    "The run": ("resume", "force", "plan", "strategy"),
    "The game": (
        "method",
        "gamma",
        "max_iter",
        "target_threshold",
        "budget_threshold",
        "max_target_steps",
        "max_budget_steps",
        "gate_batches",
        "gate_patience",
        "restart_every",
        "restart_patience",
        "max_restart_steps",
        "ascent_steps",
        "most_confident",
        "privacy_cost",
        "privacy_on",
        "entropy_threshold",
        "anonymizer_steps",
        "reversal_warm_up",
        "budget_label_smoothing",
        "attribute_weights",
        "budget_batch_size",
        "budget_frames",
    ),
    "The networks": (
        "anonymizer",
        "anonymizer_width",
        "anonymizer_upsampling",
        "anonymizer_low_pass",
        "anonymizer_bits",
        "anonymizer_noise",
        "target",
        "target_width",
        "target_normalization",
        "target_head",
        "budgets",
        "budget_normalization",
        "budget_pooling",
        "target_weights",
        "budget_weights",
    ),
    "Optimization": (
        "anonymizer_learning_rate",
        "target_learning_rate",
        "budget_learning_rate",
        "final_learning_rate",
        "clip_norm",
        "accumulate_steps",
        "precision",
    ),
    "The warm-up before the game": (
        "warm_up_anonymizer_steps",
        "warm_up_anonymizer_learning_rate",
        "warm_up_target_steps",
        "warm_up_target_learning_rate",
        "warm_up_together",
        "warm_up_from_raw",
        "warm_up_budget_steps",
        "warm_up_budget_learning_rate",
    ),
    "Output": ("turns_per_epoch", "keep", "log_every", "pictures"),
}

METHODS = ("grl", "kbeam", "entropy")
# Flag to the only method that uses it.
OWN = {
    "most_confident": "entropy",
    "privacy_cost": "entropy",
    "privacy_on": "entropy",
    "entropy_threshold": "entropy",
    "reversal_warm_up": "grl",
}

# The name of a budget model, which ends in its width multiplier.
BUDGET = re.compile(r"(?:mobilenet_v2|convnet)_([0-9]+(\.[0-9]+)?)")
# Budget models for which `--budget_weights=imagenet` exist.
PRETRAINED = tuple(
    f"mobilenet_v2_{alpha}"
    for alpha in ("0.35", "0.5", "0.75", "1.0", "1.3", "1.4")
)

METHOD = choices.one_of(
    "method",
    "entropy",
    METHODS,
    "The optimization strategy: Algorithm 1 (grl), 2 (kbeam) or 3 (entropy) of "
    "the paper. entropy with --restart_every or several --budgets is "
    "Algorithm 4.",
)
BUDGETS = absl_flags.DEFINE_list(
    "budgets",
    ["mobilenet_v2_1.0"],
    "The budget models f_B that f_A is trained against, as many as are named: "
    "mobilenet_v2_ and a width, as in mobilenet_v2_0.5, is the paper's; "
    "convnet_ and a width is a plain one of four layers. Several make an "
    "ensemble (K in Sec. 3.3.2, M in Sec. 3.5.2), which costs more time and "
    "usually leaks less.",
)
BUDGET_NORMALIZATION = choices.one_of(
    "budget_normalization",
    "batch",
    ["batch", "group"],
    "The normalization of the budget models. `group` keeps no moving "
    "statistics, which can help with small batches.",
)
BUDGET_POOLING = choices.one_of(
    "budget_pooling",
    "logits",
    ["logits", "frames"],
    "What the budget models average over the frames of a clip: their `logits`, "
    "as in the paper, or the `frames`, so that they read the clip's mean "
    "picture. Choose `frames` where f_A adds noise (--anonymizer_bits), which "
    "the mean picture has less of. Needs --budget_frames above 1 to differ.",
)
BUDGET_BATCH_SIZE = absl_flags.DEFINE_integer(
    "budget_batch_size",
    0,
    "Clips in a batch of the budget models' own. At 0 they see the batches of "
    "f_T. Required with --budget_dataset.",
    lower_bound=0,
)
BUDGET_FRAMES = absl_flags.DEFINE_integer(
    "budget_frames",
    None,
    "Frames of each clip in the budget models' own batches; without it, as "
    "many as --frames. One frame of many clips teaches who is there faster "
    "than many frames of few. Use 1 if --budget_dataset holds pictures. "
    "Needs --budget_batch_size.",
    lower_bound=1,
)
ATTRIBUTE_WEIGHTS = absl_flags.DEFINE_list(
    "attribute_weights",
    None,
    "How much each private attribute counts in the game, as in 1,2,1: positive "
    "numbers in the order of the data set's attributes. Without it, all count "
    "the same. Attackers ignore it.",
)
ANONYMIZER = choices.one_of(
    "anonymizer",
    "full",
    ["full", "lite"],
    "The network f_A: `full` is the paper's; `lite` is for large frames on "
    "small machines, and hides less.",
)
ANONYMIZER_WIDTH = absl_flags.DEFINE_float(
    "anonymizer_width",
    1.0,
    "Multiplies the channels of f_A. Below 1 it is smaller and faster.",
    lower_bound=0.01,
)
ANONYMIZER_UPSAMPLING = choices.one_of(
    "anonymizer_upsampling",
    "transposed",
    ["transposed", "resized"],
    "How the full f_A enlarges: by `transposed` convolutions, as in the paper, "
    "whose period shows as a checkerboard in which f_A can write; or by "
    "convolutions of `resized` features, which have none.",
)
ANONYMIZER_LOW_PASS = absl_flags.DEFINE_integer(
    "anonymizer_low_pass",
    1,
    "Side in pixels of the squares below which f_A's output has no detail, and "
    "so nothing that f_A could write there; 1 lets all detail through, as in "
    "the paper. It is part of every export.",
    lower_bound=1,
    upper_bound=16,
)
ANONYMIZER_BITS = absl_flags.DEFINE_float(
    "anonymizer_bits",
    None,
    "Bits of each frame that get through f_A at most, by noise that it adds: a "
    "bound that holds for any attacker who cannot guess the noise. Lower it "
    "for more privacy, raise it for more accuracy; --recipe=bounded has 12. "
    "Without it nothing bounds them and there is no noise, as in the paper. It "
    "is part of every export.",
    lower_bound=0.1,
    upper_bound=1e6,
)
ANONYMIZER_NOISE = absl_flags.DEFINE_float(
    "anonymizer_noise",
    0.15,
    "Standard deviation of the noise of --anonymizer_bits, as a share of the "
    "range of a pixel. It changes how the output looks, and not what gets "
    "through, unless it is so low that 256 grey levels are too coarse.",
    lower_bound=0.01,
    upper_bound=0.3,
)
TARGET = choices.one_of(
    "target",
    "c3d",
    ["c3d", "r2plus1d_18", "shifted_mobilenet_v2"],
    "The network f_T: `c3d` is the paper's; `r2plus1d_18` factorizes its 3D "
    "convolutions; `shifted_mobilenet_v2` is the cheapest.",
)
TARGET_NORMALIZATION = choices.one_of(
    "target_normalization",
    None,
    ["none", "batch", "group"],
    "The normalization of C3D. Without it, `none`, the paper's form, if there "
    "are --target_weights, and otherwise `batch`: from random weights C3D may "
    "stay at chance without one.",
)
TARGET_HEAD = choices.one_of(
    "target_head",
    None,
    ["dense", "average"],
    "The last layers of C3D: the two `dense` layers of the paper, or the "
    "`average` over all positions. Without it, `dense` if there are "
    "--target_weights, and otherwise `average`.",
)
TARGET_WIDTH = absl_flags.DEFINE_float(
    "target_width",
    1.0,
    "Multiplies the channels of f_T. Below 1 it is smaller and faster.",
    lower_bound=0.01,
)
RESTART_EVERY = absl_flags.DEFINE_integer(
    "restart_every",
    0,
    "Turns between restarts of all budget models from random weights, "
    "rstrt_iter in Sec. 3.5.1; the paper's value is 100. 0 means no restarts.",
    lower_bound=0,
)
RESTART_PATIENCE = absl_flags.DEFINE_integer(
    "restart_patience",
    None,
    "Turns without a new minimum of L_B, the budget models' mean loss on a "
    "batch, after which they are restarted as well. Without it, only "
    "--restart_every restarts them.",
    lower_bound=1,
)
MAX_RESTART_STEPS = absl_flags.DEFINE_integer(
    "max_restart_steps",
    500,
    "Maximum updates of a restarted f_B, during which f_A and f_T are frozen.",
    lower_bound=1,
)
ASCENT_STEPS = absl_flags.DEFINE_integer(
    "ascent_steps",
    30,
    "Updates of f_A against the strongest f_B in each turn, d_iter in "
    "Algorithm 2. Used by --method=kbeam only.",
    lower_bound=1,
)
MOST_CONFIDENT = choices.one_of(
    "most_confident",
    "batch",
    ["batch", "sample"],
    "How the maximum of Eq. (9a) is taken over several budget models: for each "
    "`batch`, as written, or for each clip (`sample`). Used by "
    "--method=entropy only.",
)
PRIVACY_COST = choices.one_of(
    "privacy_cost",
    "entropy",
    ["entropy", "uniform"],
    "What f_A minimizes against an f_B: its negative `entropy`, Eq. (7a) as "
    "written, or the cross-entropy of its prediction to the `uniform` "
    "distribution. Both are least where f_B guesses, but a certain f_B gives "
    "f_A next to no gradient by its entropy. Used by --method=entropy only.",
)
PRIVACY_ON = choices.one_of(
    "privacy_on",
    "pictures",
    ["pictures", "clips", "both"],
    "What an f_B with batches of its own is shown where f_A is to hide from "
    "it: those `pictures`, as in Sec. 3.4; the `clips` of f_T, as in the "
    "published code; or `both`. Used by --method=entropy only.",
)
ENTROPY_THRESHOLD = absl_flags.DEFINE_float(
    "entropy_threshold",
    1.0,
    "Share of the largest H_B beyond which f_A makes no further one of its "
    "--anonymizer_steps in a turn; at 1 it makes all of them. Used by "
    "--method=entropy only.",
    lower_bound=0.0,
    upper_bound=1.0,
)
ANONYMIZER_STEPS = absl_flags.DEFINE_integer(
    "anonymizer_steps",
    1,
    "Maximum updates of f_A against the budget models in a turn; the paper "
    "makes one. Raise it if f_B stays certain. --method=kbeam has "
    "--ascent_steps instead.",
    lower_bound=1,
)
REVERSAL_WARM_UP = absl_flags.DEFINE_integer(
    "reversal_warm_up",
    0,
    "Turns over which the scale of the reversed gradient rises from 0 to "
    "--gamma. 0 means that it is constant. Used by --method=grl only.",
    lower_bound=0,
)
BUDGET_LABEL_SMOOTHING = absl_flags.DEFINE_float(
    "budget_label_smoothing",
    0.0,
    "Share of an f_B's training loss that asks for a guess instead of the "
    "label. It keeps f_B from being so certain that f_A cannot learn from it; "
    "the paper has none.",
    lower_bound=0.0,
    upper_bound=0.99,
)
GAMMA = absl_flags.DEFINE_float(
    "gamma",
    2.0,
    "Weight of the privacy cost against the utility cost, Eq. (3). Raise it "
    "for more privacy at the price of accuracy. --method=kbeam ignores it.",
    lower_bound=0.0,
)
MAX_ITER = absl_flags.DEFINE_integer(
    "max_iter",
    800,
    "Turns of the game, that is, passes of its outer loop. It must be a "
    "multiple of --turns_per_epoch.",
    lower_bound=1,
)
TURNS_PER_EPOCH = absl_flags.DEFINE_integer(
    "turns_per_epoch",
    100,
    "Turns in an epoch, which ends with validation and a checkpoint.",
    lower_bound=1,
)
KEEP = absl_flags.DEFINE_integer(
    "keep",
    2,
    "Number of most recent checkpoints to keep, beside the best one on "
    "validation.",
    lower_bound=1,
)
TARGET_THRESHOLD = absl_flags.DEFINE_float(
    "target_threshold",
    0.85,
    "Validation accuracy, th_T, that f_T must exceed before the turn goes on.",
    lower_bound=0.0,
    upper_bound=1.0,
)
BUDGET_THRESHOLD = absl_flags.DEFINE_float(
    "budget_threshold",
    0.99,
    "Training accuracy, th_B, that each f_B must exceed before the turn ends.",
    lower_bound=0.0,
    upper_bound=1.0,
)
MAX_TARGET_STEPS = absl_flags.DEFINE_integer(
    "max_target_steps",
    50,
    "Maximum updates in a turn to reach --target_threshold. The paper has no "
    "maximum, and its loop may never end.",
    lower_bound=0,
)
MAX_BUDGET_STEPS = absl_flags.DEFINE_integer(
    "max_budget_steps",
    50,
    "Maximum updates of each f_B in a turn to reach --budget_threshold. The "
    "paper has no maximum, and its loop may never end.",
    lower_bound=0,
)
GATE_BATCHES = absl_flags.DEFINE_integer(
    "gate_batches",
    20,
    "Most recent batches over which the accuracies that are compared with the "
    "two thresholds are averaged; 20 batches of 8 clips are the paper's 160. "
    "At 0 f_T is measured on the whole validation set each time, and each f_B "
    "on as many new batches.",
    lower_bound=0,
)
GATE_PATIENCE = absl_flags.DEFINE_integer(
    "gate_patience",
    None,
    "Updates without a better accuracy after which the loop towards a "
    "threshold is left early. Without it, only the maximum number of updates "
    "ends it.",
    lower_bound=1,
)
ANONYMIZER_LEARNING_RATE = absl_flags.DEFINE_float(
    "anonymizer_learning_rate",
    1e-4,
    "Learning rate of f_A against the budget models, alpha_A.",
    lower_bound=0.0,
)
TARGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "target_learning_rate",
    1e-5,
    "Learning rate of f_T, and of f_A together with it, alpha_T.",
    lower_bound=0.0,
)
BUDGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "budget_learning_rate",
    1e-2,
    "Learning rate of the budget models, alpha_B.",
    lower_bound=0.0,
)
FINAL_LEARNING_RATE = absl_flags.DEFINE_float(
    "final_learning_rate",
    1.0,
    "Share of alpha_A and alpha_T that a cosine schedule leaves at the last "
    "turn; 1 keeps them constant, as in the paper. alpha_B is always constant, "
    "so that f_B stays strong.",
    lower_bound=0.0,
    upper_bound=1.0,
)
CLIP_NORM = absl_flags.DEFINE_float(
    "clip_norm",
    None,
    "Maximum global norm of the gradients of an update; larger ones are scaled "
    "down. Without it, gradients are not clipped. Cannot be combined with "
    "--strategy.",
    lower_bound=1e-12,
)
ACCUMULATE_STEPS = absl_flags.DEFINE_integer(
    "accumulate_steps",
    1,
    "Batches whose gradients are averaged into one update. Raise it for a "
    "larger effective batch in the same memory. Cannot be combined with "
    "--strategy or --precision=mixed_float16.",
    lower_bound=1,
)
PRECISION = choices.one_of(
    "precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "The arithmetic of the networks; weights and losses are always float32. "
    "The mixed ones are faster on hardware that supports them.",
)
TARGET_WEIGHTS = absl_flags.DEFINE_string(
    "target_weights",
    None,
    "File that f_T starts from: Keras weights (*.weights.h5), or the "
    "TensorFlow checkpoint of C3D trained on Sports-1M. Without it, f_T starts "
    "from random weights.",
)
BUDGET_WEIGHTS = absl_flags.DEFINE_string(
    "budget_weights",
    None,
    "What each f_B starts from before the game: `imagenet`, which is "
    "downloaded, or a file of Keras weights (*.weights.h5). Without it, f_B "
    "starts from random weights. Cannot be combined with restarts, which are "
    "always random.",
)

WARM_UP_ANONYMIZER_STEPS = absl_flags.DEFINE_integer(
    "warm_up_anonymizer_steps",
    2000,
    "Updates that train f_A to reproduce its input.",
    lower_bound=1,
)
WARM_UP_ANONYMIZER_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_anonymizer_learning_rate",
    1e-3,
    "Adam's learning rate for f_A.",
    lower_bound=0.0,
)
WARM_UP_TARGET_STEPS = absl_flags.DEFINE_integer(
    "warm_up_target_steps",
    4000,
    "Maximum updates of f_T on the output of f_A; it ends at a plateau of its "
    "validation accuracy.",
    lower_bound=1,
)
WARM_UP_TARGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_target_learning_rate",
    1e-4,
    "Adam's learning rate for f_T.",
    lower_bound=0.0,
)
WARM_UP_TOGETHER = absl_flags.DEFINE_bool(
    "warm_up_together",
    False,
    "Train f_A together with f_T in its warm-up, so that f_A learns what f_T "
    "needs before it learns to hide. The paper's f_A starts as the identity. "
    "Give it with --anonymizer_bits, whose bound they approach from weaker "
    "ones.",
)
WARM_UP_FROM_RAW = absl_flags.DEFINE_bool(
    "warm_up_from_raw",
    False,
    "Start f_T, in a warm-up with f_A, from what it learned of raw clips. "
    "Of few clips f_T then learns more behind f_A, and attackers may, too.",
)
WARM_UP_BUDGET_STEPS = absl_flags.DEFINE_integer(
    "warm_up_budget_steps",
    2000,
    "Maximum updates of each f_B on the output of f_A; it ends at a plateau of "
    "its validation accuracy. With --restart_every, "
    "the first restart replaces this part of the warm-up.",
    lower_bound=1,
)
WARM_UP_BUDGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_budget_learning_rate",
    1e-3,
    "Adam's learning rate for f_B.",
    lower_bound=0.0,
)

STRATEGY = choices.one_of(
    "strategy",
    "none",
    ["none", "mirrored", "multi_worker"],
    "The devices to train on, which share each batch: `none` uses one; "
    "`mirrored` uses all GPUs of this machine; `multi_worker` uses those of "
    "all workers in the environment variable TF_CONFIG, which must all see "
    "--run_dir and --data_dir.",
)
RESUME = absl_flags.DEFINE_bool(
    "resume",
    False,
    "Continue the run in --run_dir, with the same flags, from its last "
    "checkpoint.",
)
FORCE = absl_flags.DEFINE_bool(
    "force",
    False,
    "Play even if f_T or all attackers do no better than chance on raw clips, "
    "and export an anonymizer whose f_T ended at chance.",
)
PLAN = absl_flags.DEFINE_bool(
    "plan",
    False,
    "Play nothing: make one update of each party, print parameters, memory and "
    "how long each part of the run will take, and stop.",
)
LOG_EVERY = absl_flags.DEFINE_integer(
    "log_every",
    1,
    "Turns between those that are written for TensorBoard; metrics.jsonl "
    "always has all of them. Raise it for long runs.",
    lower_bound=1,
)
PICTURES = absl_flags.DEFINE_bool(
    "pictures",
    True,
    "Draw frames before and after f_A, in before_after.png and for "
    "TensorBoard. Frames before f_A are raw: give --nopictures if they must "
    "not be kept.",
)


@absl_flags.validator(
    "attribute_weights",
    "--attribute_weights must be positive numbers, one for each attribute, as "
    "in 1,2,1.",
)
def _weights_are_positive(values):
    try:
        return all(0 < float(value) < math.inf for value in values or [])
    except ValueError:
        return False


@absl_flags.multi_flags_validator(
    ["turns_per_epoch", "max_iter"],
    "--max_iter must be a multiple of --turns_per_epoch, because a run ends "
    "with a checkpoint.",
)
def _epochs_are_whole(values):
    return values["max_iter"] % values["turns_per_epoch"] == 0


@absl_flags.multi_flags_validator(
    ["budget_frames", "budget_batch_size"],
    "--budget_frames needs --budget_batch_size: it applies to the budget "
    "models' own batches.",
)
def _budget_frames_need_batches(values):
    return not values["budget_frames"] or values["budget_batch_size"] > 0


@absl_flags.multi_flags_validator(
    ["budget_dataset", "budget_batch_size"],
    "--budget_dataset needs --budget_batch_size, and --budget_frames=1 if "
    "it holds pictures.",
)
def _budget_datasets_need_batches(values):
    return not values["budget_dataset"] or values["budget_batch_size"] > 0


@absl_flags.multi_flags_validator(
    ["accumulate_steps", "precision"],
    "--accumulate_steps cannot be combined with --precision=mixed_float16: a "
    "batch whose gradient overflows adds nothing, and the update would take in "
    "batches of the next one. Give --precision=mixed_bfloat16.",
)
def _is_accumulated_whole(values):
    scaled = values["precision"] == "mixed_float16"
    return values["accumulate_steps"] == 1 or not scaled


@absl_flags.multi_flags_validator(
    ["budget_weights", "restart_every", "restart_patience"],
    "--budget_weights would be lost: with --restart_every or "
    "--restart_patience every f_B is restarted from random weights in the "
    "first turn. Leave one of them out.",
)
def _starts_are_kept(values):
    restarts = values["restart_every"] or values["restart_patience"]
    return values["budget_weights"] is None or not restarts


@absl_flags.validator("budgets")
def _budgets_exist(values):
    if not values:
        raise absl_flags.ValidationError(
            "It names no budget model. Name one or more, as in "
            "--budgets=mobilenet_v2_1.0."
        )
    for name in values:
        if width_of(name) <= 0:
            raise absl_flags.ValidationError(
                "A budget model is named mobilenet_v2_ or convnet_ and a width "
                "above 0, as in mobilenet_v2_0.5. Received: "
                f"{name or 'an empty name'}." + nearest(name, PRETRAINED)
            )
    return True


def width_of(name):
    """Returns the width in the name of a budget model; 0 if it is not one.

    Args:
        name: String.
    """
    found = BUDGET.fullmatch(name)
    return float(found[1]) if found else 0.0


@absl_flags.multi_flags_validator(
    ["budget_weights", "budgets"],
    f"--budget_weights=imagenet needs --budgets of {', '.join(PRETRAINED)}: "
    "there are no weights of other widths.",
)
def _weights_to_start_from_exist(values):
    known = {width_of(name) for name in PRETRAINED}
    fit = all(
        name.startswith("mobilenet_v2_") and width_of(name) in known
        for name in values["budgets"]
    )
    return values["budget_weights"] != "imagenet" or fit


@absl_flags.multi_flags_validator(["strategy", "clip_norm", "accumulate_steps"])
def _devices_play_as_one(values):
    # Keras clips the gradient of each replica before it sums them, and cannot
    # accumulate gradients in a replica.
    strategy = values["strategy"]
    for name, alone in (("clip_norm", None), ("accumulate_steps", 1)):
        if strategy != "none" and values[name] != alone:
            raise absl_flags.ValidationError(
                f"--strategy={strategy} cannot be combined with "
                f"--{name}={values[name]}. Leave one of them out; several "
                "devices can share a larger --batch_size."
            )
    return True
