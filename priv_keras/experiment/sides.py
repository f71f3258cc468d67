"""What a run trains on, as manifests describe it: no record is read.

Part of the programs: this module reads flags. It does not import TensorFlow, so
that a program can refuse at once what does not fit together.
"""

from flags import data as flags
from flags import training as training_flags
from tfrecords_tools import manifest
from tfrecords_tools import storage


class Side:
    """One dataset, as its manifest describes it.

    Args:
        folder: Folder that holds `manifest.json` and the shards.
        parties: Dict of `actions` or `budget_labels` or both to the key of the
            manifest, `target` or `budget`.
        frames: Int, frames of a clip.

    Attributes:
        manifest: Dict, see `manifest.load`.
        records: Dict of the keys of `parties` to the names of the labels in a
            record.
        labels: Dict of the keys of `parties` to tuples of class names.

    Raises:
        FileNotFoundError: If there is no manifest.
        ValueError: If the manifest is damaged, or if the dataset lacks a label
            for one of `parties`.
    """

    def __init__(self, folder, parties, frames):
        self.folder = storage.path(folder)
        self.manifest = manifest.load(self.folder)
        self.frames = frames
        self.records = {
            party: self.manifest[role] for party, role in parties.items()
        }
        if None in self.records.values():
            raise ValueError(
                f"{self.folder} has no {parties_without(self.records)}. Give "
                "a --dataset that has actions, and with --budget_dataset one "
                "that has private labels."
            )
        self.labels = {
            party: tuple(self.manifest["labels"][name])
            for party, name in self.records.items()
        }

    @property
    def is_multi_label(self):
        """Whether private labels are attributes, several of which may hold."""
        return self.records["budget_labels"] in self.manifest["multi_label"]


def parties_without(records):
    """Names the labels that a dataset lacks.

    Args:
        records: Dict of `actions` and `budget_labels` to a name or `None`.

    Returns:
        String; empty if no label is missing.
    """
    return " and no ".join(p for p, name in records.items() if name is None)


class Sides:
    """The two sides of a run: one has actions, the other has private labels.

    Args:
        target: `Side` of clips with `actions`.
        budget: `Side` of clips with `budget_labels`; the same object if one
            dataset has both.
        tested: Pair of a target and a budget `Side` whose test splits judge the
            run; `None` for the test splits of `target` and `budget`.

    Raises:
        ValueError: If `--attribute_weights` do not fit the labels, or if
            `tested` has other classes, or videos that the run trains on.
    """

    def __init__(self, target, budget, tested=None):
        self.target = target
        self.budget = budget
        self.tested_target, self.tested_budget = tested or (target, budget)
        _check_attribute_weights(budget)
        _check_same_classes(target, self.tested_target)
        _check_same_classes(budget, self.tested_budget)
        if tested:
            _check_untrained((target, budget), tested)

    @property
    def labels(self):
        """Dict of `actions` and `budget_labels` to tuples of class names."""
        return {
            "actions": self.target.labels["actions"],
            "budget_labels": self.budget.labels["budget_labels"],
        }

    @property
    def held_out_people(self):
        """List of the private labels that test clips have, and no others."""
        return self.tested_budget.manifest.get("held_out_people", [])


def _check_attribute_weights(side):
    weights = training_flags.ATTRIBUTE_WEIGHTS.value
    names = side.labels["budget_labels"]
    if weights and not side.is_multi_label:
        raise ValueError(
            "--attribute_weights are for labels of many attributes; "
            f"{side.folder} has one class for each clip."
        )
    if weights and len(weights) != len(names):
        raise ValueError(
            f"--attribute_weights has {len(weights)} numbers; {side.folder} "
            f"has the {len(names)} attributes {', '.join(names)}."
        )


def _check_same_classes(trained, tested):
    for party, names in tested.labels.items():
        if names != trained.labels[party]:
            raise ValueError(
                f"The {party} of {tested.folder} are {list(names)}; "
                f"{trained.folder}, to train on, has "
                f"{list(trained.labels[party])}. They must be the same: to "
                "test on pa_hmdb51, build the shards of vispr with "
                "--attributes=sec55."
            )


def _check_untrained(trained, tested):
    """Raises if a test video is also a training or a validation video.

    Videos are known by the names of their files, which are those of film and
    clip: paths depend on the folder from which shards were built.
    """
    seen = {
        _file(video)
        for side in trained
        for split in ("train", "validation")
        for video in side.manifest["splits"][split]["videos"]
    }
    for side in tested:
        known = seen & set(
            map(_file, side.manifest["splits"]["test"]["videos"])
        )
        if known:
            raise ValueError(
                f"{len(known)} test videos of {side.folder} also train or "
                f"validate the run, as {min(known)}. Build shards without "
                "them; for hmdb51, use --exclude_pa."
            )


def _file(video):
    return video.rpartition("/")[2]


def opened(open_side, kind):
    """Opens what `--dataset`, `--budget_dataset` and `--test_dataset` name.

    Args:
        open_side: Callable that takes the name of a dataset, and `parties` and
            `frames` of `Side`, and returns a `Side`.
        kind: `Sides`, or a subclass with the same arguments.

    Returns:
        Instance of `kind`.
    """
    frames = flags.FRAMES.value
    tested = None
    if flags.TEST_DATASET.value:
        tested = (
            open_side(flags.TEST_DATASET.value, {"actions": "target"}, frames),
            # Single frames, because each has its own private labels.
            open_side(flags.TEST_DATASET.value, {"budget_labels": "budget"}, 1),
        )
    if not flags.BUDGET_DATASET.value:
        both = {"actions": "target", "budget_labels": "budget"}
        shards = open_side(flags.DATASET.value, both, frames)
        return kind(shards, shards, tested)
    return kind(
        open_side(flags.DATASET.value, {"actions": "target"}, frames),
        open_side(
            flags.BUDGET_DATASET.value,
            {"budget_labels": "budget"},
            training_flags.BUDGET_FRAMES.value or frames,
        ),
        tested,
    )


def described():
    """Returns the `Sides` of the run; `None` if puppets have yet to be drawn.

    Raises:
        FileNotFoundError, ValueError: See `Side` and `Sides`.
    """
    for other in (flags.BUDGET_DATASET.value, flags.TEST_DATASET.value):
        if other:
            manifest.load(folder_of(other))
    drawn = flags.DATASET.value == "puppets"
    if drawn and not (flags.DATA_DIR.value and is_built(folder_of("puppets"))):
        return None
    return opened(
        lambda dataset, *others: Side(folder_of(dataset), *others), Sides
    )


def is_built(folder):
    """Returns whether a folder holds shards."""
    return (folder / manifest.NAME).exists()


def folder_of(dataset):
    """Returns the folder of a dataset's shards, below `--data_dir`.

    Args:
        dataset: String, the name of the dataset.

    Raises:
        ValueError: If there is no `--data_dir`.
    """
    if flags.DATA_DIR.value is None:
        raise ValueError(
            f"--dataset={dataset} needs --data_dir, the folder that `python "
            f"-m tfrecords_tools.build --dataset={dataset} --raw_dir=... "
            "--out_dir=DATA_DIR` wrote."
        )
    return storage.path(flags.DATA_DIR.value) / dataset
