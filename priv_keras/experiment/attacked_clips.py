"""Raw and anonymized clips as the attackers read them."""

import contextlib
import functools
import shutil

from priv_keras.evaluation import filtering
from priv_keras.experiment import attack
from priv_keras.experiment import console

SPLITS = ("train", "validation", "test")
# Frames of a clip that covers outlast a detection by: one that is missed does
# not leak. No more, because they may be spread over a whole video.
CLIP_MEMORY = 1


@contextlib.contextmanager
def cache(folder):
    """A place for what is filtered, gone once all attackers have read it."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def both_sides(data, accused, cache):
    """What f_T and what attackers meet, once where they are the same."""
    if data.tested_budget is data.tested_target:
        both = _sides(data.target, data.target, accused, cache)
        return both, both
    # Of f_T's own videos f_A has to filter more only to train an f_T on them.
    needed = ("test",) if accused.target else SPLITS
    target, budget = cache / "target", cache / "budget"
    return (
        _sides(data.target, data.tested_target, accused, target, needed),
        _sides(data.budget, data.tested_budget, accused, budget),
    )


def _sides(trained, tested, accused, cache, filtered=SPLITS):
    """The splits that attackers meet, raw and as f_A leaves them."""
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
    # A baseline can leave frames as they are, and those are not for disks.
    on_disk = accused.target is not None

    def watched(work, split):
        return functools.partial(
            console.each, name=f"{work} {split} clips", total=counts[split]
        )

    return {
        "raw": {
            split: filtering.unfiltered(
                clips[split],
                keep=fits[split],
                watched=watched("decoding", split),
            )
            for split in SPLITS
        },
        "anonymized": {
            split: filtering.filtered(
                clips[split],
                accused.anonymizer,
                cache / split if on_disk else None,
                keep=fits[split],
                watched=watched("filtering", split),
            )
            for split in filtered
        },
    }
