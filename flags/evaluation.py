"""Flags of step 2 of Sec. 3.6, in `priv_keras.train` and `.evaluate`."""

from absl import flags as absl_flags

from flags import data  # noqa: F401 (a validator reads its flags)
from flags import training  # noqa: F401

BASELINES = (
    *(f"downsample_{factor}" for factor in (1, 2, 4, 8, 16)),
    *(
        f"{part}_{region}_{look}"
        for part in ("face", "body")
        for region in ("box", "segmentation")
        for look in ("black", "blur")
    ),
)

ATTACKERS = absl_flags.DEFINE_list(
    "attackers",
    [
        *("resnet_v1_50", "resnet_v1_101", "resnet_v2_50", "resnet_v2_101"),
        *("inception_v1", "inception_v2"),
        *("mobilenet_v1_0.25", "mobilenet_v1_0.5", "mobilenet_v1_0.75"),
        "mobilenet_v1_1",
    ],
    "The N attackers of A_B^N, each trained afresh.",
)
BASELINE = absl_flags.DEFINE_enum(
    "baseline",
    None,
    BASELINES,
    "Judge this in place of a trained f_A: --run_dir is a new folder, and f_T "
    "is trained on what the baseline puts out.",
)
CHECKPOINT = absl_flags.DEFINE_enum(
    "checkpoint",
    "last",
    ["last", "best"],
    "Which game to judge or export. The best: of those whose validation A_T is "
    "at least th_T, that of the weakest f_B.",
)
ATTACKS = absl_flags.DEFINE_list(
    "attacks",
    ["retrained"],
    "Kinds of attack. `retrained` is Sec. 3.6, each attacker trained on f_A's "
    "output, and always among them; `static` trains on raw clips; `video` has "
    "a 3D network; `inversion` reconstructs raw frames first; `few_labels` has "
    "few labelled videos.",
)
LABEL_SHARES = absl_flags.DEFINE_list(
    "label_shares",
    ["0.01", "0.1"],
    "Shares of the training videos whose labels --attacks=few_labels knows; of "
    "each class it knows one at least.",
)
INVERSION_STEPS = absl_flags.DEFINE_integer(
    "inversion_steps",
    10_000,
    "Updates of the U-Net of --attacks=inversion.",
    lower_bound=1,
)
INVERSION_WIDTH = absl_flags.DEFINE_float(
    "inversion_width", 1.0, "Scales that U-Net's channels.", lower_bound=0.01
)
ATTACKER_WIDTH = absl_flags.DEFINE_float(
    "attacker_width",
    1.0,
    "Scales the channels of every attacker.",
    lower_bound=0.01,
)
ATTACKER_WEIGHTS = absl_flags.DEFINE_enum(
    "attacker_weights",
    None,
    ["imagenet"],
    "Where attackers start, if not at random; there are none of Inception.",
)
ATTACKER_STEPS = absl_flags.DEFINE_integer(
    "attacker_steps",
    20_000,
    "At most so many updates of an attacker.",
    lower_bound=1,
)
RAW_TARGET_STEPS = absl_flags.DEFINE_integer(
    "raw_target_steps",
    20_000,
    "At most so many updates of f_T on raw clips, the utility to compare with.",
    lower_bound=1,
)
ATTACKER_STEPS_PER_EPOCH = absl_flags.DEFINE_integer(
    "attacker_steps_per_epoch",
    200,
    "Updates between validations.",
    lower_bound=1,
)
ATTACKER_PATIENCE = absl_flags.DEFINE_integer(
    "attacker_patience",
    16,
    "Validations without a better accuracy before an attacker has converged.",
    lower_bound=1,
)
ATTACKER_LEARNING_RATE = absl_flags.DEFINE_float(
    "attacker_learning_rate", 1e-3, "Of Adam.", lower_bound=0.0
)
ATTACKER_BATCH_SIZE = absl_flags.DEFINE_integer(
    "attacker_batch_size", 16, "Clips in one update.", lower_bound=1
)
ATTACKER_FRAMES = absl_flags.DEFINE_integer(
    "attacker_frames",
    8,
    "Frames of a clip in one update of an attacker; tests see all.",
    lower_bound=1,
)
ATTACKER_VIEWS = absl_flags.DEFINE_integer(
    "attacker_views",
    4,
    "Random cuts of each training video that f_A filters for the attackers.",
    lower_bound=1,
)


@absl_flags.multi_flags_validator(
    ["attacker_frames", "frames"],
    "--attacker_frames must not exceed --frames: an update sees part of a "
    "clip.",
)
def _attackers_see_part_of_a_clip(values):
    return values["attacker_frames"] <= values["frames"]


KINDS = ("retrained", "static", "video", "inversion", "few_labels")


@absl_flags.validator(
    "attacks",
    f"--attacks must be retrained, and may add {', '.join(KINDS[1:])}.",
)
def _attacks_are_known(values):
    return "retrained" in values and set(values) <= set(KINDS)


@absl_flags.validator(
    "label_shares", "--label_shares are numbers above 0 and at most 1."
)
def _shares_are_shares(values):
    try:
        return all(0 < float(value) <= 1 for value in values)
    except ValueError:
        return False


@absl_flags.multi_flags_validator(
    ["attackers", "budgets"],
    "An attacker of a family that the anonymizer trained against says nothing "
    "of unseen ones (Sec. 3.6): take the family of --budgets out of "
    "--attackers.",
)
def _attackers_are_unseen(values):
    families = [
        {name.rpartition("_")[0] for name in values[flag]}
        for flag in ("attackers", "budgets")
    ]
    return families[0].isdisjoint(families[1])
