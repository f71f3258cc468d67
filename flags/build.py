"""Flags of `python -m tfrecords_tools.build`."""

from absl import flags as absl_flags

from flags import pa_hmdb51  # noqa: F401 (its flags are of this program too)

# Flag to the datasets that it is for: what their `list_videos` takes.
CHOICES = {
    "annotations": ("pa_hmdb51",),
    "attribute_list": ("vispr",),
    "attributes": ("vispr",),
    "csv": ("folder",),
    "exclude_pa": ("hmdb51",),
    "fold": ("ut_interaction",),
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
    *("folder", "hmdb51", "pa_hmdb51", "puppets", "sbu", "ucf101"),
    *("ut_interaction", "vispr"),
]

DATASET = absl_flags.DEFINE_enum(
    "dataset",
    None,
    DATASET_NAMES,
    "What to build; `folder` is data of your own.",
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
SQUASH = absl_flags.DEFINE_bool(
    "squash",
    False,
    "Stretch frames to 160x120, as the paper's authors did with VISPR, and do "
    "not keep their aspect ratio.",
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
SEED = absl_flags.DEFINE_integer("seed", 0, "Of random splits and orders.")
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
ATTRIBUTES = absl_flags.DEFINE_enum(
    "attributes",
    None,
    ["sec42", "sec55", "all"],
    "Which of vispr's attributes are the labels: the 7 of Sec. 4.2 (the "
    "default), the 5 of Sec. 5.5, or all 68 of --attribute_list.",
)
ATTRIBUTE_LIST = absl_flags.DEFINE_string(
    "attribute_list", None, "VISPR's attributes.tsv, for --attributes=all."
)
CSV = absl_flags.DEFINE_string(
    "csv",
    None,
    "CSV of a folder's videos: path, action, privacy, and split or source.",
)
EXCLUDE_PA = absl_flags.DEFINE_string(
    "exclude_pa",
    None,
    "Folder of PA-HMDB51's JSON files: hmdb51 does not train on its videos.",
)
FOLD = absl_flags.DEFINE_integer(
    "fold",
    None,
    "Which fold of ut_interaction's 6 is the test; by default 0.",
    lower_bound=0,
    upper_bound=5,
)
SPLIT = absl_flags.DEFINE_enum(
    "split",
    None,
    ["standard", "actors", "1", "2", "3"],
    "Which split. Of sbu, `standard` (the default: the lists of --split_dir, "
    "or at random) or `actors` (whole sets are held out); of ucf101 and "
    "hmdb51, number 1 (the default), 2 or 3 of the official lists.",
)
SPLIT_DIR = absl_flags.DEFINE_string(
    "split_dir",
    None,
    "Folder of split lists: sbu's bdq_train.txt and bdq_val.txt, hmdb51's "
    "testTrainMulti_7030_splits and ucf101's ucfTrainTestlist (by default in "
    "--raw_dir), vispr's train2017.txt and so on (by default, all there is).",
)


def choices(dataset, flag_values=absl_flags.FLAGS):
    """Dict of the flags of `dataset` alone that were given, to their values."""
    return {
        name: flag_values[name].value
        for name, datasets in CHOICES.items()
        if dataset in datasets and flag_values[name].value is not None
    }


@absl_flags.multi_flags_validator(
    ["dataset", "raw_dir"],
    "--raw_dir must name the folder that the raw videos of --dataset are in; "
    "only puppets can be drawn.",
)
def _only_puppets_are_drawn(values):
    return bool(values["raw_dir"]) or values["dataset"] in (None, "puppets")


def _is_for(name, datasets):
    absl_flags.register_multi_flags_validator(
        ["dataset", name],
        lambda values: values[name] is None or values["dataset"] in datasets,
        f"--{name} is for --dataset={' or '.join(datasets)} alone.",
    )


for _name, _datasets in CHOICES.items():
    _is_for(_name, _datasets)


@absl_flags.multi_flags_validator(
    ["dataset", "split"],
    "--split is standard or actors for --dataset=sbu, and 1, 2 or 3 for "
    "ucf101 and hmdb51.",
)
def _a_dataset_has_its_own_splits(values):
    own = SPLITS.get(values["dataset"])
    return values["split"] is None or own is None or values["split"] in own


@absl_flags.multi_flags_validator(
    ["split", "split_dir"],
    "--split=actors goes by folders: leave --split_dir out.",
)
def _actors_need_no_lists(values):
    return values["split"] != "actors" or values["split_dir"] is None
