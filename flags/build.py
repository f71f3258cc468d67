"""Flags of `python -m tfrecords_tools.build`."""

from absl import flags as absl_flags

from flags import pa_hmdb51  # noqa: F401 (its flags are of this program too)
from flags.choices import one_of

GROUPS = {
    "What to build": ("dataset", "raw_dir", "out_dir"),
    "How to build it": (
        "encoding",
        "squash",
        "workers",
        "runner",
        "seed",
        "skip_bad",
        "scale",
    ),
    "Splits": ("split", "split_dir", "fold", "hold_out_people"),
    "Options of single data sets": (
        "csv",
        "attributes",
        "attribute_list",
        "exclude_pa",
        "annotations",
        "irregular",
    ),
}

# Flag to the datasets that it is for, whose `list_videos` takes it.
CHOICES = {
    "annotations": ("pa_hmdb51",),
    "attribute_list": ("vispr",),
    "attributes": ("vispr",),
    "csv": ("folder",),
    "exclude_pa": ("hmdb51",),
    "fold": ("ut_interaction",),
    "hold_out_people": ("folder",),
    "irregular": ("pa_hmdb51",),
    "split": ("hmdb51", "sbu", "ucf101"),
    "split_dir": ("hmdb51", "sbu", "ucf101", "vispr"),
}
# Dataset to its values of --split, the default first.
SPLITS = {
    "hmdb51": ("1", "2", "3"),
    "sbu": ("standard", "actors"),
    "ucf101": ("1", "2", "3"),
}

DATASET_NAMES = [
    "folder",
    "hmdb51",
    "pa_hmdb51",
    "puppets",
    "sbu",
    "ucf101",
    "ut_interaction",
    "vispr",
]

DATASET = one_of(
    "dataset",
    None,
    DATASET_NAMES,
    "The data set to build; `folder` is data of your own.",
)
RAW_DIR = absl_flags.DEFINE_string(
    "raw_dir",
    None,
    "Folder of the raw videos, in the layout of the original data set. Puppets "
    "need none: they are drawn on first use, below $PRIV_KERAS_CACHE or "
    "~/.cache/priv_keras.",
)
OUT_DIR = absl_flags.DEFINE_string(
    "out_dir",
    None,
    "Folder to write shards into, below OUT_DIR/DATASET: the --data_dir of "
    "priv_keras.train. May be gs://... or, with the extra `io`, s3://...",
)
ENCODING = one_of(
    "encoding",
    "jpeg",
    ["jpeg", "raw"],
    "How frames are stored. `raw` loses nothing and takes much more space.",
)
SQUASH = absl_flags.DEFINE_bool(
    "squash",
    False,
    "Stretch frames to 160x120, as the paper's authors did with VISPR. Without "
    "it, frames keep their aspect ratio.",
)
WORKERS = absl_flags.DEFINE_integer(
    "workers",
    2,
    "Number of threads that decode videos. Raise it to the number of cores.",
    lower_bound=1,
)
RUNNER = absl_flags.DEFINE_string(
    "runner",
    None,
    "Runner of Apache Beam to build with in place of threads, as in "
    "DirectRunner or FlinkRunner. Options of Beam follow after ` -- `. Needs "
    "the extra `beam`.",
)
SEED = absl_flags.DEFINE_integer(
    "seed", 0, "Seed of random splits and of the order of videos."
)
SCALE = one_of(
    "scale",
    "paper",
    ["paper", "tiny"],
    "The size at which puppets are drawn if --raw_dir is not given: 640x480 "
    "(paper), as SBU has, or 160x120 (tiny).",
)
SKIP_BAD = absl_flags.DEFINE_bool(
    "skip_bad",
    False,
    "Exit with status 0 even if videos that cannot be read were skipped.",
)
ATTRIBUTES = one_of(
    "attributes",
    None,
    ["sec42", "sec55", "all"],
    "The attributes of vispr that are its labels: the 7 of Sec. 4.2, which are "
    "also used without the flag, the 5 of Sec. 5.5, or all 68 of "
    "--attribute_list.",
)
ATTRIBUTE_LIST = absl_flags.DEFINE_string(
    "attribute_list",
    None,
    "VISPR's file attributes.tsv, required with --attributes=all.",
)
CSV = absl_flags.DEFINE_string(
    "csv",
    None,
    "CSV file that lists the videos of a `folder`, with the columns path, "
    "action, privacy, and split or source. Without it, subfolders name split, "
    "action and private label.",
)
EXCLUDE_PA = absl_flags.DEFINE_string(
    "exclude_pa",
    None,
    "PA-HMDB51's folder PrivacyAttributes. Its videos are then kept out of "
    "hmdb51's training and validation (Sec. 5.5).",
)
FOLD = absl_flags.DEFINE_integer(
    "fold",
    None,
    "The fold of ut_interaction's 6 that is the test split; without it, 0.",
    lower_bound=0,
    upper_bound=5,
)
HOLD_OUT_PEOPLE = absl_flags.DEFINE_integer(
    "hold_out_people",
    None,
    "How many people of a `folder`, drawn by --seed, have all their videos in "
    "the test split, which then has nobody else. Needs a --csv without a "
    "column split. Without the flag, nobody is held out.",
    lower_bound=0,
)
SPLIT = one_of(
    "split",
    None,
    ["standard", "actors", "1", "2", "3"],
    "How videos are split. For sbu: `standard` takes the lists of --split_dir, "
    "or splits at random, and `actors` holds out whole sets. For ucf101 and "
    "hmdb51: the number of the official list. Without it: standard, or 1.",
)
SPLIT_DIR = absl_flags.DEFINE_string(
    "split_dir",
    None,
    "Folder of split lists: sbu's bdq_train.txt and bdq_val.txt, hmdb51's "
    "testTrainMulti_7030_splits or ucf101's ucfTrainTestlist (without it, they "
    "are looked for in --raw_dir), or vispr's train2017.txt and so on (without "
    "it, all pictures are used).",
)


def choices(dataset, flag_values=absl_flags.FLAGS):
    """Returns the given flags that only `dataset` and a few others have.

    Args:
        dataset: String, the name of the dataset.
        flag_values: Parsed `absl.flags.FlagValues`.

    Returns:
        Dict of the name of a flag to its value.
    """
    return {
        name: flag_values[name].value
        for name, datasets in CHOICES.items()
        if dataset in datasets and flag_values[name].value is not None
    }


@absl_flags.multi_flags_validator(
    ["dataset", "raw_dir"],
    "--raw_dir must name the folder of the raw videos of --dataset; only "
    "puppets do not need it.",
)
def _only_puppets_are_drawn(values):
    return bool(values["raw_dir"]) or values["dataset"] in (None, "puppets")


def _is_for(name, datasets):
    absl_flags.register_multi_flags_validator(
        ["dataset", name],
        lambda values: values[name] is None or values["dataset"] in datasets,
        f"--{name} is only for --dataset={' or '.join(datasets)}.",
    )


for _name, _datasets in CHOICES.items():
    _is_for(_name, _datasets)


@absl_flags.multi_flags_validator(
    ["dataset", "split"],
    "--split must be standard or actors for --dataset=sbu, and 1, 2 or 3 for "
    "ucf101 and hmdb51.",
)
def _a_dataset_has_its_own_splits(values):
    own = SPLITS.get(values["dataset"])
    return values["split"] is None or own is None or values["split"] in own


@absl_flags.multi_flags_validator(
    ["split", "split_dir"],
    "--split=actors holds out folders, not lists: leave --split_dir out.",
)
def _actors_need_no_lists(values):
    return values["split"] != "actors" or values["split_dir"] is None
