"""Flags of the judge, step 2 of Sec. 3.6."""

from absl import flags as absl_flags

from flags import choices
from flags import data  # noqa: F401 (a validator reads its flags)
from flags import training  # noqa: F401
from flags.baselines import BASELINES

GROUPS = {
    "The judge": (
        "judge",
        "attackers",
        "attacks",
        "baseline",
        "checkpoint",
        "attacker_steps",
        "attacker_steps_per_epoch",
        "attacker_learning_rate",
        "attacker_batch_size",
        "attacker_frames",
        "attacker_views",
        "attacker_width",
        "attacker_weights",
        "raw_target_steps",
        "label_shares",
        "inversion_steps",
        "inversion_width",
    ),
}

ATTACKER_NAMES = (
    *(f"mobilenet_v1_{alpha}" for alpha in ("0.25", "0.5", "0.75", "1")),
    *(f"resnet_v1_{depth}" for depth in (26, 50, 101)),
    *(f"resnet_v2_{depth}" for depth in (26, 50, 101)),
    "inception_v1",
    "inception_v2",
)
# Attackers for which `--attacker_weights=imagenet` exist.
PRETRAINED = (
    *(f"mobilenet_v1_{alpha}" for alpha in ("0.25", "0.5", "0.75", "1")),
    "resnet_v1_50",
    "resnet_v1_101",
    "resnet_v2_50",
    "resnet_v2_101",
)
JUDGES = ("standard", "thorough", "paper", "quick")
KINDS = (
    "retrained",
    "fine_tuned",
    "static",
    "video",
    "inversion",
    "few_labels",
)

JUDGE = choices.one_of(
    "judge",
    "standard",
    JUDGES,
    "How thoroughly to attack. In `standard`, each attacker trains on ever new "
    "cuts that are changed mildly, starts from what raw clips taught it if "
    "that helps, ends only once twice as many updates find no more, and counts "
    "only if it has learned; attackers without deep learning are added. "
    "`thorough` has the paper's ten attackers at every scale, tries more "
    "starts, waits longer and makes the attack `fine_tuned` in any case. "
    "`paper` does none of this, "
    "as Sec. 3.6; nor does `quick`, for tests, whose figures mean nothing.",
)
ATTACKERS = absl_flags.DEFINE_list(
    "attackers",
    [
        "resnet_v1_50",
        "resnet_v1_101",
        "resnet_v2_50",
        "resnet_v2_101",
        "inception_v1",
        "inception_v2",
        "mobilenet_v1_0.25",
        "mobilenet_v1_0.5",
        "mobilenet_v1_0.75",
        "mobilenet_v1_1",
    ],
    "The attackers, each of which is trained from scratch; the strongest gives "
    "A_B^N. Their families must differ from those of --budgets. Name fewer to "
    "save time, at the risk of overlooking a leak.",
)
BASELINE = choices.one_of(
    "baseline",
    None,
    BASELINES,
    "Judge this simple rule in place of a trained f_A. --run_dir is then a new "
    "folder, and f_T is trained on the output of the rule.",
)
CHECKPOINT = choices.one_of(
    "checkpoint",
    "last",
    ["last", "best"],
    "The checkpoint to judge or export. `best` is the best on validation: of "
    "those whose A_T is at least --target_threshold or, where none is, within "
    "a standard error of the highest, and whose f_B is within one of the "
    "weakest, the one with the highest A_T.",
)
ATTACKS = choices.some_of(
    "attacks",
    ["retrained"],
    KINDS,
    "The kinds of attack to make. `retrained` (Sec. 3.6), which must be among "
    "them, trains each attacker on the output of f_A; `fine_tuned` trains the "
    "game's own f_B further; `static` trains attackers on raw clips; `video` "
    "uses a 3D network; `inversion` reconstructs the raw frames first; "
    "`few_labels` knows the labels of few videos.",
)
LABEL_SHARES = absl_flags.DEFINE_list(
    "label_shares",
    ["0.01", "0.1"],
    "Shares of the training videos, above 0 and up to 1, whose labels "
    "--attacks=few_labels knows; it knows at least one video of each class.",
)
INVERSION_STEPS = absl_flags.DEFINE_integer(
    "inversion_steps",
    10_000,
    "Updates of the U-Net that --attacks=inversion trains.",
    lower_bound=1,
)
INVERSION_WIDTH = absl_flags.DEFINE_float(
    "inversion_width",
    1.0,
    "Multiplies the channels of the U-Net that --attacks=inversion trains.",
    lower_bound=0.01,
)
ATTACKER_WIDTH = absl_flags.DEFINE_float(
    "attacker_width",
    1.0,
    "Multiplies the channels of every attacker. Below 1 they are faster and "
    "weaker.",
    lower_bound=0.01,
)
ATTACKER_WEIGHTS = choices.one_of(
    "attacker_weights",
    None,
    ["imagenet"],
    "The weights that attackers start from, which are downloaded. Without it "
    "they start from random weights. There are none for Inception.",
)
ATTACKER_STEPS = absl_flags.DEFINE_integer(
    "attacker_steps",
    20_000,
    "Maximum updates of an attacker. One that is stopped by it before it "
    "converged is named in the result; raise the maximum then.",
    lower_bound=1,
)
RAW_TARGET_STEPS = absl_flags.DEFINE_integer(
    "raw_target_steps",
    20_000,
    "Maximum updates of the f_T that is trained on raw clips for comparison.",
    lower_bound=1,
)
ATTACKER_STEPS_PER_EPOCH = absl_flags.DEFINE_integer(
    "attacker_steps_per_epoch",
    200,
    "Updates of an attacker between validations.",
    lower_bound=1,
)
ATTACKER_LEARNING_RATE = absl_flags.DEFINE_float(
    "attacker_learning_rate",
    1e-3,
    "Adam's learning rate for the attackers.",
    lower_bound=0.0,
)
ATTACKER_BATCH_SIZE = absl_flags.DEFINE_integer(
    "attacker_batch_size",
    16,
    "Clips in a batch of an attacker. Reduce it when memory runs out.",
    lower_bound=1,
)
ATTACKER_FRAMES = absl_flags.DEFINE_integer(
    "attacker_frames",
    8,
    "Frames of each clip that an attacker trains on in one update; it is "
    "tested on all frames. It must not exceed --frames.",
    lower_bound=1,
)
ATTACKER_VIEWS = absl_flags.DEFINE_integer(
    "attacker_views",
    4,
    "Random clips of each training video that f_A filters for the attackers. "
    "More make stronger attackers and need more memory or disk space.",
    lower_bound=1,
)


@absl_flags.multi_flags_validator(
    ["attacker_frames", "frames"],
    "--attacker_frames must not exceed --frames.",
)
def _attackers_see_part_of_a_clip(values):
    return values["attacker_frames"] <= values["frames"]


@absl_flags.validator("attacks", "--attacks must include retrained.")
def _attackers_are_retrained(values):
    return "retrained" in values


@absl_flags.validator(
    "label_shares", "--label_shares must be numbers above 0 and up to 1."
)
def _shares_are_shares(values):
    try:
        return all(0 < float(value) <= 1 for value in values)
    except ValueError:
        return False


@absl_flags.multi_flags_validator(
    ["attackers", "budgets"],
    "--attackers must be of other families than --budgets (Sec. 3.6): an "
    "attacker of a family that f_A was trained against says nothing about "
    "unseen ones. Take that family out of --attackers.",
)
def _attackers_are_unseen(values):
    families = [
        {name.rpartition("_")[0] for name in values[flag]}
        for flag in ("attackers", "budgets")
    ]
    return families[0].isdisjoint(families[1])


@absl_flags.validator("attackers")
def _attackers_exist(values):
    if not values or len(set(values)) < len(values):
        raise absl_flags.ValidationError(
            "Name one or several attackers, each once, of "
            f"{', '.join(ATTACKER_NAMES)}."
        )
    for name in values:
        try:
            choices.check(name, ATTACKER_NAMES)
        except ValueError as error:
            raise absl_flags.ValidationError(str(error)) from error
    return True


@absl_flags.multi_flags_validator(
    ["attackers", "attacker_weights", "attacker_width"],
    "--attacker_weights=imagenet needs --attacker_width=1 and --attackers of "
    f"{', '.join(PRETRAINED)}.",
)
def _weights_to_start_from_exist(values):
    fit = set(values["attackers"]) <= set(PRETRAINED)
    fit = fit and values["attacker_width"] == 1
    return values["attacker_weights"] is None or fit


@absl_flags.multi_flags_validator(
    ["attacks", "frames", "budget_dataset", "budget_frames", "test_dataset"],
    "--attacks=video needs clips of --frames frames with private labels: it "
    "cannot be combined with --test_dataset, whose private labels are those of "
    "single frames, and with --budget_dataset only if --budget_frames is the "
    "same as --frames. Leave it out.",
)
def _private_labels_are_of_clips(values):
    own = values["budget_dataset"] and values["budget_frames"]
    of_clips = own in (None, values["frames"]) and not values["test_dataset"]
    return "video" not in values["attacks"] or of_clips
