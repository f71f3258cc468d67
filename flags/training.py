"""Flags of `python -m priv_keras.train`. Defaults are Sec. 4.1.2, SBU.

Only a program's `main` reads a flag's value; the library takes arguments.
"""

from absl import flags as absl_flags

METHOD = absl_flags.DEFINE_enum(
    "method",
    "entropy",
    ["entropy"],
    "Algorithm 3 of the paper; with several --budgets, 4 without restarts.",
)
BUDGETS = absl_flags.DEFINE_list(
    "budgets",
    ["mobilenet_v2_1.0"],
    "f_B^i, names as in mobilenet_v2_0.5: M of Sec. 3.5.2 models.",
)
BUDGET_NORMALIZATION = absl_flags.DEFINE_enum(
    "budget_normalization",
    "batch",
    ["batch", "group"],
    "Of the budget models; `group` keeps no moving statistics.",
)
ANONYMIZER_WIDTH = absl_flags.DEFINE_float(
    "anonymizer_width", 1.0, "Scales the channels of f_A.", lower_bound=0.01
)
TARGET_WIDTH = absl_flags.DEFINE_float(
    "target_width", 1.0, "Scales the channels of f_T.", lower_bound=0.01
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
ANONYMIZER_LEARNING_RATE = absl_flags.DEFINE_float(
    "anonymizer_learning_rate", 1e-4, "alpha_A.", lower_bound=0.0
)
TARGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "target_learning_rate", 1e-5, "alpha_T.", lower_bound=0.0
)
BUDGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "budget_learning_rate", 1e-2, "alpha_B.", lower_bound=0.0
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
    "At most so many updates of each f_B alone, before the game.",
    lower_bound=1,
)
WARM_UP_BUDGET_LEARNING_RATE = absl_flags.DEFINE_float(
    "warm_up_budget_learning_rate", 1e-3, "Of Adam.", lower_bound=0.0
)

RESUME = absl_flags.DEFINE_bool(
    "resume", False, "Go on with the run that --run_dir holds."
)
PICTURES = absl_flags.DEFINE_bool(
    "pictures",
    True,
    "Draw frames before and after f_A, in before_after.png and TensorBoard. "
    "The frames before are raw: say --nopictures where they must not be kept.",
)


@absl_flags.multi_flags_validator(
    ["turns_per_epoch", "max_iter"],
    "--max_iter must be a multiple of --turns_per_epoch: a run ends on a "
    "checkpoint.",
)
def _epochs_are_whole(values):
    return values["max_iter"] % values["turns_per_epoch"] == 0
