"""Tests of the judge that need no whole run; see also `test_train.py`."""

import contradicting_splits
import keras
import numpy as np
import pytest
import tensorflow as tf
from made_shards import build_sbu
from made_shards import reading_sbu
from toys import toy_classifier

from priv_keras import evaluate
from priv_keras.evaluation import floors
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.experiment import attack
from priv_keras.experiment import attacked_clips
from priv_keras.experiment import exports
from priv_keras.experiment import game
from priv_keras.experiment import judge
from priv_keras.experiment.data import open_data
from priv_keras.layers import PerFrame
from priv_keras.networks import anonymizer


class Reached(Exception):
    pass


def test_a_baseline_is_judged_in_the_precision_of_games(tmp_path, monkeypatch):
    """They share figures of raw clips, which are stored by precision."""
    build_sbu(tmp_path)

    def attacked(evaluation, candidate, cache):
        raise Reached(keras.mixed_precision.global_policy().name)

    monkeypatch.setattr(judge, "_attacked", attacked)
    with reading_sbu(tmp_path, precision="mixed_bfloat16"):
        candidate = judge.baseline("downsample_4", tmp_path / "run")
        try:
            with pytest.raises(Reached, match="^mixed_bfloat16$"):
                judge.judge(candidate, open_data(), tmp_path / "run", print)
        finally:
            keras.mixed_precision.set_global_policy("float32")


def test_what_a_baseline_leaves_is_never_on_disk(tmp_path, monkeypatch):
    """Its output may be raw, so this holds even if memory is short."""
    build_sbu(tmp_path)
    with reading_sbu(tmp_path):
        shards = open_data().target
        candidate = judge.baseline("downsample_1", tmp_path / "run")
        found = []
        for room in (attack.IN_MEMORY, 1):
            monkeypatch.setattr(attack, "IN_MEMORY", room)
            clips = attacked_clips._Clips(shards, shards)
            left = clips.anonymized(candidate, tmp_path / "cache", ["test"])
            test = left["test"]
            found.append([example["clips"].numpy() for example in test])
    np.testing.assert_array_equal(*found)
    assert not (tmp_path / "cache").exists()


def test_each_split_holds_its_own_videos_alone(tmp_path):
    build_sbu(tmp_path)
    with reading_sbu(tmp_path):
        data = open_data()
        candidate = judge.baseline("downsample_1", tmp_path / "run")
        both = attacked_clips.both_sides(data, candidate, tmp_path / "cache")
        known = data.target.manifest["splits"]
        for sides in both:
            for splits in sides.values():
                for name in attacked_clips.SPLITS:
                    videos = {x["video"].numpy().decode() for x in splits[name]}
                    assert videos == set(known[name]["videos"])


@pytest.mark.parametrize("bits", [12, np.inf])
def test_test_clips_are_drawn_anew_if_f_a_has_noise(tmp_path, bits):
    build_sbu(tmp_path)
    f_a = anonymizer.build(0.05, low_pass=4, bits=bits, seed=0)
    candidate = judge.Candidate("entropy", 1, PerFrame(f_a), None)
    with reading_sbu(tmp_path, judge="standard"):
        for sides in attacked_clips.both_sides(
            open_data(), candidate, tmp_path / "cache"
        ):
            assert "redrawn" not in sides["raw"]
            hidden = sides["anonymized"]
            once = len(list(hidden["test"]))
            tested = list(scores.tested(hidden).as_numpy_iterator())
            assert len(tested) == (4 * once if bits == 12 else once)
            read = floors.describe_all(hidden)["test"]
            assert len(np.unique(read.draws)) == (4 if bits == 12 else 1)


def test_clips_to_be_linked_have_two_draws_of_noise(tmp_path):
    build_sbu(tmp_path)

    def noisy(clips):
        drawn = tf.raw_ops.RandomStandardNormal(
            shape=tf.shape(clips), dtype=tf.float32
        )
        return clips + drawn / 10

    candidate = judge.Candidate("noise", 0, noisy, None)
    with reading_sbu(tmp_path):
        sides = attacked_clips.linked_sides(
            open_data(), candidate, tmp_path / "cache"
        )
    for side, low, high in (("raw", 0, 0), ("anonymized", 0.9, 1)):
        once, again = (
            [(x["video"], x["clips"]) for x in part.as_numpy_iterator()]
            for part in (sides[side]["test"], sides[side]["trial"])
        )
        assert [video for video, _ in once] == [video for video, _ in again]
        differing = [
            (one != other).mean()
            for (_, one), (_, other) in zip(once, again, strict=True)
        ]
        assert len(once) > 4
        assert low <= min(differing) <= max(differing) <= high


def test_a_thorough_judge_trains_the_f_b_of_a_game_and_of_no_rule(tmp_path):
    build_sbu(tmp_path)
    said = []
    with reading_sbu(tmp_path, judge="thorough", attacks=["retrained"]):
        assert judge._kinds() == ["fine_tuned"]
        data = open_data()
        rule = judge.baseline("downsample_1", tmp_path / "run")
        evaluation = judge.begin(data, tmp_path / "run", (), said.append)
        assert attack.ATTACKS["fine_tuned"](evaluation, None, rule) == []
    assert said == ["fine_tuned: left out, since a rule has no f_B."]
    with reading_sbu(tmp_path, judge="standard", attacks=["retrained"]):
        assert judge._kinds() == []


def test_f_b_is_trained_further_from_where_the_game_left_it(
    tmp_path, monkeypatch
):
    build_sbu(tmp_path)
    made = []

    def attacked(name, build, splits, task, protocol, **options):
        made.append((name, build(), splits, protocol))
        return {"name": name, "accuracy": 0.5, "epochs": 1}

    monkeypatch.setattr(two_step, "attack", attacked)
    monkeypatch.setattr(attack.Evaluation, "tell", lambda *told: told[-1])
    settings = {"frames": 3, "attacker_frames": 1}
    candidate = judge.Candidate("entropy", 1, None, None, ("f_B^0", "f_B^1"))
    with reading_sbu(tmp_path, **settings):
        evaluation = judge.begin(open_data(), tmp_path, (), print)
        found = attack.ATTACKS["fine_tuned"](
            evaluation, {"raw": "raw", "anonymized": "hidden"}, candidate
        )
    assert [x["attack"] for x in found] == ["fine_tuned"] * 2
    assert [x[:3] for x in made] == [
        ("budget_0", "f_B^0", "hidden"),
        ("budget_1", "f_B^1", "hidden"),
    ]
    for *_, protocol in made:
        form = protocol.frames, protocol.batch_size, protocol.starts
        assert form == (3, 2, 0)


def test_a_fresh_f_t_keeps_splits_apart(tmp_path, monkeypatch):
    build_sbu(tmp_path)
    monkeypatch.setattr(
        judge,
        "start_target",
        lambda *_, **__: toy_classifier(contradicting_splits.CLASSES),
    )
    settings = {
        "raw_target_steps": 80,
        "attacker_steps_per_epoch": 8,
        "warm_up_target_learning_rate": 0.05,
        "frames": 2,
        "attacker_frames": 1,
        "mirror": True,
    }
    with reading_sbu(tmp_path, **settings):
        evaluation = attack.Evaluation(
            open_data(), tmp_path, ("made", 0), lambda line: None
        )
        found, _ = judge._fresh_target(
            evaluation, "raw", contradicting_splits.splits()
        )
    contradicting_splits.check(found)


def test_a_fresh_f_t_starts_where_the_one_of_the_game_does(
    tmp_path, monkeypatch
):
    build_sbu(tmp_path)
    weights = str(tmp_path / "f_t.weights.h5")
    settings = {"target_width": 0.05, "target_weights": weights, "frames": 4}
    with reading_sbu(tmp_path, attacker_frames=1, **settings):
        data = open_data()
        saved = game.build_target(data, "actions")
        saved.save_weights(weights)
        started = []

        def train(model, *_, **__):
            started.extend(model.get_weights())
            raise Reached

        monkeypatch.setattr(two_step, "train", train)
        evaluation = attack.Evaluation(
            data, tmp_path, ("made", 0), lambda line: None
        )
        with pytest.raises(Reached):
            judge._fresh_target(evaluation, "raw", {})
    for got, wanted in zip(started, saved.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_one_folder_is_of_one_baseline(tmp_path):
    (tmp_path / "config.flags").write_text("--baseline=downsample_1\n")
    evaluate.check_run_dir(tmp_path, "downsample_1")
    with pytest.raises(ValueError, match="holds --baseline=downsample_1"):
        evaluate.check_run_dir(tmp_path, "downsample_16")
    (tmp_path / "config.flags").write_text("--method=grl\n")
    with pytest.raises(ValueError, match="holds the run of a game"):
        evaluate.check_run_dir(tmp_path, "downsample_16")


def test_figures_go_to_the_baseline_that_they_are_of():
    result = {"turns": 0, "method": "downsample_16"}
    assert exports._is_of(result, 0, "downsample_16")
    assert not exports._is_of(result, 0, "downsample_1")
    assert exports._is_of({"turns": 7, "method": "grl"}, 7, "full")
    assert not exports._is_of({"turns": 7, "method": "grl"}, 14, "full")
