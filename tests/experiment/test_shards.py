"""Tests of shards that are opened without flags, as in a notebook."""

import numpy as np
from made_shards import build_sbu

from priv_keras.experiment.shards import Cut
from priv_keras.experiment.shards import Shards

BOTH = {"actions": "target", "budget_labels": "budget"}


def test_clips_and_batches_follow_the_arguments(tmp_path):
    build_sbu(tmp_path)
    cut = Cut(frames=2, size=24)
    shards = Shards(tmp_path / "sbu", BOTH, cut, batch_size=3)
    batch = next(iter(shards.training_batches("train", "game")))
    assert batch["clips"].shape == (3, 2, 24, 24, 3)
    assert batch["actions"].shape == batch["budget_labels"].shape == (3,)
    views = [len(batch["video"]) for batch in shards.views("attackers", 2)]
    assert sum(views) == shards.view_count(2) == 2 * shards.clip_count("train")
    whole = shards.gate_batches(0, whole=True)
    tested = shards.test_batches("validation", "gate")
    for gate, clips in zip(whole, tested, strict=False):
        np.testing.assert_array_equal(gate["clips"], clips["clips"])


def test_clips_are_mirrored_if_the_cut_says_so(tmp_path):
    build_sbu(tmp_path)

    def clips(mirror):
        cut = Cut(frames=2, size=32, frame_size=(32, 32), mirror=mirror)
        shards = Shards(tmp_path / "sbu", BOTH, cut, batch_size=3)
        return [clip["clips"] for clip in shards.cuts("train", "game")]

    mirrored = []
    for plain, other in zip(clips(False), clips(True), strict=True):
        mirrored.append(not np.array_equal(plain, other))
        expected = plain[:, :, ::-1] if mirrored[-1] else plain
        np.testing.assert_array_equal(other, expected)
    assert 0 < sum(mirrored) < len(mirrored)


def test_training_batches_are_augmented_if_the_cut_says_so(tmp_path):
    build_sbu(tmp_path)

    def clips(augment, split="train", epoch=0, skipped=0):
        cut = Cut(frames=2, size=32, frame_size=(32, 32), augment=augment)
        shards = Shards(tmp_path / "sbu", BOTH, cut, batch_size=3)
        batches = shards.training_batches(split, "game", epoch=epoch)
        taken = batches.skip(skipped).take(4 - skipped)
        return np.concatenate([batch["clips"] for batch in taken])

    plain, other = clips(False), clips(True)
    same = (plain == other).all((1, 2, 3, 4))
    assert 0 < same.sum() < len(same) / 2
    assert np.abs(plain - other).mean() < 0.1
    # A run that is resumed within an epoch draws what it would have drawn.
    np.testing.assert_array_equal(other[6:], clips(True, skipped=2))
    assert not np.array_equal(other, clips(True, epoch=1))
    for_gate = [clips(augment, "validation") for augment in (False, True)]
    np.testing.assert_array_equal(*for_gate)


def test_another_seed_cuts_other_clips(tmp_path):
    build_sbu(tmp_path)

    def videos(seed):
        shards = Shards(
            tmp_path / "sbu", BOTH, Cut(2, 24), batch_size=3, seed=seed
        )
        return [clip["video"].numpy() for clip in shards.cuts("train", "game")]

    assert videos(1) == videos(1) != videos(2)
