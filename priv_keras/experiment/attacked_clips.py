"""Raw and anonymized clips as the attackers read them."""

import contextlib
import functools
import shutil

from flags import evaluation as flags
from priv_keras.evaluation import filtering
from priv_keras.evaluation.judges import JUDGES
from priv_keras.experiment import attack
from priv_keras.experiment import console
from priv_keras.layers import PerFrame

SPLITS = ("train", "validation", "test")
# A cover outlasts its detection by this many frames of a clip, so that a single
# missed detection does not leak. It is not larger, because the frames of a clip
# may be spread over a whole video.
CLIP_MEMORY = 1


@contextlib.contextmanager
def cache(folder):
    """Yields a folder for filtered clips, and deletes it at the end."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def both_sides(data, candidate, cache):
    """Returns the clips for f_T and those for attackers, raw and anonymized.

    If both are the same, they are read and filtered only once.

    Args:
        data: `data.Data`.
        candidate: `judge.Candidate`.
        cache: `pathlib.Path` of the folder for filtered clips.

    Returns:
        Two dicts of `raw` and `anonymized` to a dict of split to dataset.
    """
    if data.tested_budget is data.tested_target:
        both = _sides(data.target, data.target, candidate, cache)
        return both, both
    # f_A has to filter the training videos of f_T only if an f_T is trained.
    needed = ("test",) if candidate.target else SPLITS
    target, budget = cache / "target", cache / "budget"
    return (
        _sides(data.target, data.tested_target, candidate, target, needed),
        _sides(data.budget, data.tested_budget, candidate, budget),
    )


def _fresh(trained, anonymizer, trains):
    """Returns what gives each side training clips without end, if anything."""
    if not JUDGES[flags.JUDGE.value].fresh:
        return {}
    filters = {"raw": _unchanged}
    # What covers the finds in a video does not treat each frame by itself.
    if trains and isinstance(anonymizer, PerFrame):
        filters["anonymized"] = anonymizer
    cuts = trained.cuts("train", "attackers")
    return {
        side: {"fresh": functools.partial(filtering.fresh, cuts, filter)}
        for side, filter in filters.items()
    }


def _unchanged(clips):
    return clips


def _sides(trained, tested, candidate, cache, filtered=SPLITS):
    """Returns the splits that attackers see, raw and as f_A leaves them."""
    clips = {
        "train": trained.views("attackers"),
        "validation": trained.test_batches("validation", "attackers"),
        "test": tested.test_batches("test", "attackers"),
    }
    counts = {
        "train": trained.view_count(),
        "validation": trained.clip_count("validation"),
        "test": tested.clip_count("test"),
    }
    bytes_of = {split: trained.clip_bytes() for split in SPLITS}
    bytes_of["test"] = tested.clip_bytes()
    fits = {s: counts[s] * bytes_of[s] <= attack.IN_MEMORY for s in SPLITS}
    # A baseline may leave frames raw, and raw frames must not reach the disk.
    on_disk = candidate.target is not None

    fresh = _fresh(trained, candidate.anonymizer, "train" in filtered)

    def watched(work, split):
        return functools.partial(
            console.each, name=f"{work} {split} clips", total=counts[split]
        )

    return {
        "raw": fresh.get("raw", {})
        | {
            split: filtering.unfiltered(
                clips[split],
                keep=fits[split],
                watched=watched("decoding", split),
            )
            for split in SPLITS
        },
        "anonymized": fresh.get("anonymized", {})
        | {
            split: filtering.filtered(
                clips[split],
                candidate.anonymizer,
                cache / split if on_disk else None,
                keep=fits[split],
                watched=watched("filtering", split),
            )
            for split in filtered
        },
    }
