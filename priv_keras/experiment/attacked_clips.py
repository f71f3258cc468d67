"""Raw and anonymized clips as the attackers read them.

Part of the programs: this module reads flags.
"""

import contextlib
import functools
import shutil

from flags import evaluation as flags
from priv_keras.evaluation import filtering
from priv_keras.evaluation.judges import JUDGES
from priv_keras.experiment import attack
from priv_keras.experiment import console
from priv_keras.layers import PerFrame
from priv_keras.networks.bounds import channel_of

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


def raw_sides(data):
    """Returns the raw clips for f_T and those for attackers.

    Args:
        data: `data.Data`.

    Returns:
        Two dicts of split to dataset; the same one if both read the same clips.
    """
    target = _Clips(data.target, data.tested_target).raw()
    if data.tested_budget is data.tested_target:
        return target, target
    return target, _Clips(data.budget, data.tested_budget).raw()


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

    def side(trained, tested, folder, filtered=SPLITS):
        clips = _Clips(trained, tested)
        return {
            "raw": clips.raw(),
            "anonymized": {
                **clips.anonymized(candidate, folder, filtered),
                **clips.redrawn(candidate, folder),
            },
        }

    if data.tested_budget is data.tested_target:
        both = side(data.target, data.target, cache)
        return both, both
    # f_A has to filter the training videos of f_T only if an f_T is trained.
    needed = ("test",) if candidate.target else SPLITS
    return (
        side(data.target, data.tested_target, cache / "target", needed),
        side(data.budget, data.tested_budget, cache / "budget"),
    )


def linked_sides(data, candidate, cache):
    """Returns the clips for attackers that link those of other people.

    Args:
        data, candidate, cache: See `both_sides`.

    Returns:
        See `linkage.attack`.
    """
    clips = _Clips(data.budget, data.tested_budget)
    raw = clips.raw()
    anonymized = clips.anonymized(candidate, cache / "once", SPLITS)
    again = clips.anonymized(candidate, cache / "again", ("test",))
    return {
        "raw": {**raw, "trial": raw["test"]},
        "anonymized": {**anonymized, "trial": again["test"]},
    }


def _has_noise(anonymizer):
    """Returns whether what filters clips is an f_A that adds noise."""
    return (
        isinstance(anonymizer, PerFrame)
        and channel_of(anonymizer.layer) is not None
    )


def _unchanged(clips):
    return clips


class _Clips:
    """The clips of one side that f_T or attackers train and are tested on.

    Args:
        trained: `Shards` whose training and validation splits are taken.
        tested: `Shards` whose test split is taken.
    """

    def __init__(self, trained, tested):
        views = flags.ATTACKER_VIEWS.value
        self.batches = {
            "train": trained.views("attackers", views),
            "validation": trained.test_batches("validation", "attackers"),
            "test": tested.test_batches("test", "attackers"),
        }
        self.counts = {
            "train": trained.view_count(views),
            "validation": trained.clip_count("validation"),
            "test": tested.clip_count("test"),
        }
        self.bytes = {split: trained.clip_bytes() for split in SPLITS}
        self.bytes["test"] = tested.clip_bytes()
        self.cuts = functools.partial(trained.cuts, "train", "attackers")

    def raw(self):
        """Returns a dict of each split to its raw clips, see `_fresh`."""
        splits = {
            split: filtering.unfiltered(
                self.batches[split],
                keep=self._fits(split),
                watched=self._watched("decoding", split),
            )
            for split in SPLITS
        }
        return {**splits, **self._fresh(_unchanged)}

    def anonymized(self, candidate, cache, splits):
        """Returns a dict of each of `splits` to what f_A makes of it, see
        `_fresh`."""
        made = {
            split: self._filtered(
                self.batches[split], split, candidate, cache / split
            )
            for split in splits
        }
        # What covers the finds in a video does not treat each frame by itself.
        if "train" in splits and isinstance(candidate.anonymizer, PerFrame):
            made |= self._fresh(candidate.anonymizer)
        return made

    def redrawn(self, candidate, cache):
        """Returns a dict of `redrawn` to test clips with several draws of f_A's
        noise, see `scores.tested`; empty if f_A has none."""
        draws = JUDGES[flags.JUDGE.value].draws
        if draws == 1 or not _has_noise(candidate.anonymizer):
            return {}
        batches = filtering.redrawn(self.batches["test"], draws)
        return {
            "redrawn": self._filtered(
                batches, "test", candidate, cache / "redrawn", draws
            )
        }

    def _filtered(self, batches, split, candidate, cache, times=1):
        # A baseline may leave frames raw, and they must not reach the disk.
        on_disk = candidate.target is not None
        return filtering.filtered(
            batches,
            candidate.anonymizer,
            cache if on_disk else None,
            keep=self._fits(split, times),
            watched=self._watched("filtering", split, times),
        )

    def _fresh(self, filter):
        """Returns a dict of `fresh` to training clips without end, see
        `two_step.train`; empty if `--judge` has none."""
        if not JUDGES[flags.JUDGE.value].fresh:
            return {}

        def fresh(frames, batch_size):
            cuts = self.cuts(kept=frames)
            return filtering.fresh(cuts, filter, batch_size)

        return {"fresh": fresh}

    def _fits(self, split, times=1):
        return (
            times * self.counts[split] * self.bytes[split] <= attack.IN_MEMORY
        )

    def _watched(self, work, split, times=1):
        name = f"{work} {split} clips"
        return functools.partial(
            console.each, name=name, total=times * self.counts[split]
        )
