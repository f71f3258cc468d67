"""A judge trains on training clips, stops on validation and scores on test.

See `contradicting_splits.py` for how a mix-up shows.
"""

import contradicting_splits
import numpy as np
import tensorflow as tf
from judged_clips import PROTOCOL
from toys import toy_classifier
from toys import untuned

from priv_keras.evaluation import any_filter
from priv_keras.evaluation import two_step
from priv_keras.losses import SINGLE_LABEL
from priv_keras.pixels import to_float

SHORT = PROTOCOL._replace(steps=80, learning_rate=0.05)


def build(*_):
    return toy_classifier(contradicting_splits.CLASSES)


def test_an_attacker_learns_stops_and_is_scored_on_a_split_each(tmp_path):
    found = two_step.attack(
        "a",
        build,
        contradicting_splits.splits(),
        SINGLE_LABEL,
        SHORT,
        seed=0,
        record=str(tmp_path / "a.json"),
    )
    contradicting_splits.check(found)


def test_the_judge_of_any_filter_keeps_splits_apart(monkeypatch):
    def as_floats(example):
        return {**example, "clips": to_float(example["clips"])}

    monkeypatch.setattr(any_filter.networks, "build", build)
    splits = contradicting_splits.splits()
    found = any_filter.judge(
        lambda clips: clips,
        {k: each.map(as_floats).batch(8) for k, each in splits.items()},
        attackers=["mobilenet_v1_1"],
        protocol=SHORT,
        build_target=build,
    )
    for side in ("raw", "anonymized"):
        contradicting_splits.check(found[side]["target"])
        network, *floors = found[side]["attackers"]
        contradicting_splits.check(network)
        assert [floor["accuracy"] for floor in floors] == [0.0] * 3


def test_updates_see_each_frame_and_its_mirror_image():
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (3, 4, 4, 3), "uint8")
    train = untuned(
        tf.data.Dataset.from_tensors({"clips": clip, "budget_labels": 0})
    )
    protocol = SHORT._replace(frames=1, batch_size=1)
    batches = two_step._augmented(
        {"train": train}, "budget_labels", protocol, seed=0
    )
    seen = np.stack([x[0, 0] for x, _ in batches.take(60).as_numpy_iterator()])
    for frame in clip / np.float32(255):
        for view in (frame, frame[:, ::-1]):
            assert np.isclose(seen, view, atol=1e-6).all((1, 2, 3)).any()


def test_clips_are_changed_mildly_if_the_protocol_says_so():
    clip = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), "uint8")
    train = untuned(
        tf.data.Dataset.from_tensors({"clips": clip, "budget_labels": 0})
    )
    kinds = {}
    for augments in (False, True):
        protocol = SHORT._replace(batch_size=1, augments=augments)
        batches = two_step._augmented(
            {"train": train}, "budget_labels", protocol, seed=0
        )
        seen = [x.tobytes() for x, _ in batches.take(30).as_numpy_iterator()]
        kinds[augments] = len(set(seen))
    assert kinds[False] == 2 < 10 < kinds[True]
