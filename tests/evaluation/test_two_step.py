import collections
import functools
import itertools
import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from judged_clips import PROTOCOL
from judged_clips import batches
from judged_clips import constant
from judged_clips import splits
from toys import toy_anonymizer
from toys import toy_classifier

from priv_keras.evaluation import filtering
from priv_keras.evaluation import scores
from priv_keras.evaluation import two_step
from priv_keras.layers import PerFrame
from priv_keras.losses import SINGLE_LABEL
from priv_keras.runs import results


def identity(clips):
    return clips


def attacked(dataset, tmp_path, name="a"):
    return two_step.attack(
        name,
        lambda: toy_classifier(5),
        splits(dataset),
        SINGLE_LABEL,
        PROTOCOL,
        seed=0,
        record=str(tmp_path / f"{name}.json"),
    )


def test_the_judge_tells_a_bad_anonymizer_from_a_perfect_one(tmp_path):
    raw = attacked(filtering.unfiltered(batches()), tmp_path, "raw")
    bad = attacked(
        filtering.filtered(batches(), identity, tmp_path / "i"), tmp_path, "i"
    )
    perfect = attacked(
        filtering.filtered(batches(), constant, tmp_path / "c"), tmp_path, "c"
    )
    assert raw["accuracy"] > 0.9
    assert bad["accuracy"] == raw["accuracy"]
    assert perfect["accuracy"] <= 0.25  # one class of 5 that all are given


def test_a_planted_watermark_is_found(tmp_path):
    def mark(batch):
        clips = np.full(batch["clips"].shape, 0.5, "float32")
        who = np.asarray(batch["budget_labels"])
        clips[np.arange(len(who)), :, who % 4, 0, 0] = 1.0 * (who < 4)[:, None]
        return {**batch, "clips": clips}

    marked = tf.data.Dataset.from_tensor_slices(
        {
            k: np.concatenate([np.asarray(b[k]) for b in map(mark, batches())])
            for k in ("clips", "actions", "budget_labels", "video")
        }
    ).batch(8)
    clean = filtering.filtered(batches(), constant, tmp_path / "cache")
    found = attacked(filtering.unfiltered(marked), tmp_path, "marked")
    assert found["accuracy"] > 0.9
    assert attacked(clean, tmp_path, "clean")["accuracy"] <= 0.25


def test_the_anonymizer_runs_once_and_only_its_output_is_kept(tmp_path):
    calls = tf.Variable(0)

    def counted(clips):
        calls.assign_add(1)
        return 1 - clips

    cache = filtering.filtered(batches(), counted, tmp_path / "cache")
    after_first = int(calls)
    kept = [example["clips"].numpy() for example in cache]
    assert after_first == calls == 6
    raw = np.concatenate([b["clips"] for b in batches()])
    expected = np.clip(1 - raw, 0, 1) * 255
    assert np.abs(np.stack(kept) - expected).max() <= 0.51
    assert kept[0].dtype == np.uint8


def test_without_a_folder_nothing_is_on_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_memory, on_disk = (
        [
            example["clips"].numpy()
            for example in filtering.filtered(batches(), identity, folder)
        ]
        for folder in (None, tmp_path / "cache")
    )
    np.testing.assert_array_equal(in_memory, on_disk)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize("keep, reads", [(True, 1), (False, 3)])
def test_raw_clips_are_kept_or_made_anew(keep, reads):
    made = tf.Variable(0)

    def counted(batch):
        made.assign_add(1)
        return batch

    raw = filtering.unfiltered(batches().map(counted), keep=keep)
    passes = [[x["clips"].numpy() for x in raw] for _ in range(2)]
    np.testing.assert_array_equal(*passes)
    assert int(raw.cardinality()) == len(passes[0])
    assert int(made) == reads * int(batches().cardinality())


def test_an_attack_is_read_where_it_was_recorded(tmp_path):
    dataset = filtering.unfiltered(batches())
    first = attacked(dataset, tmp_path)
    again = two_step.attack(
        "a", None, None, None, None, seed=0, record=str(tmp_path / "a.json")
    )
    assert again["accuracy"] == first["accuracy"]
    assert not list(tmp_path.glob("*.tmp"))


def test_score_counts_clips_and_videos():
    labels = np.array([0, 0, 1, 1])
    logits = np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 2.0], [0.0, 2.0]])

    clips = keras.Input((1,))
    read = keras.layers.Lambda(
        lambda x: tf.gather(
            tf.constant(logits), tf.cast(tf.round(x[:, 0] * 255), tf.int32)
        )
    )
    model = keras.Model(clips, read(clips))
    dataset = tf.data.Dataset.from_tensor_slices(
        {
            "clips": np.arange(4, dtype="uint8")[:, None],
            "budget_labels": labels,
            "video": ["a", "a", "b", "b"],
        }
    )
    scored = scores.score(model, dataset, "budget_labels", 3)
    assert scored["accuracy"] == 0.75  # the second clip is wrong,
    assert scored["video_accuracy"] == 1.0  # its video right: 1.5 to 0.5
    assert (scored["clips"], scored["videos"]) == (4, 2)


def test_a_last_batch_of_fewer_clips_is_not_traced_anew():
    traced = []

    def read(x):
        traced.append(x.shape[0])
        return tf.concat([x, 1 - x], axis=1)

    clips = keras.Input((1,))
    model = keras.Model(clips, keras.layers.Lambda(read)(clips))
    dataset = tf.data.Dataset.from_tensor_slices(
        {
            "clips": np.arange(7, dtype="uint8")[:, None],
            "budget_labels": np.zeros(7, int),
            "video": [str(i) for i in range(7)],
        }
    )
    traced.clear()
    _, logits, _, _ = scores.outputs(model, dataset, "budget_labels", 3)
    np.testing.assert_allclose(logits[:, 0], np.arange(7) / 255)
    assert traced == [3]


def test_strongest():
    attacks = [{"accuracy": 0.2}, {"accuracy": 0.5}, {"accuracy": 0.4}]
    assert results.strongest(attacks)["accuracy"] == 0.5


def test_families_seen_in_training_are_refused():
    two_step.check_unseen(["resnet_v1_50"], ["mobilenet_v2_0.5"])
    with pytest.raises(ValueError, match=r"In both: \['mobilenet_v2_1'\]"):
        two_step.check_unseen(
            ["resnet_v1_50", "mobilenet_v2_1"], ["mobilenet_v2_0.5"]
        )


@pytest.mark.parametrize(
    "names", [[], ["resnet_v1_52"], ["resnet_v1_50", "resnet_v1_50"]]
)
def test_attackers_are_known_ones_each_once(names):
    with pytest.raises(ValueError, match="^--attackers=.* name one or several"):
        two_step.check_unseen(names, ["mobilenet_v2_0.5"])


def test_what_an_anonymizer_makes_of_clips_are_clips(tmp_path):
    anonymizer = PerFrame(toy_anonymizer())
    dataset = filtering.filtered(batches(), anonymizer, tmp_path / "c")
    assert next(iter(dataset))["clips"].shape == (2, 4, 4, 3)


def test_statistics_are_stale_where_inference_knows_less():
    assert two_step.stale(trained=0.9, inferred=0.1)
    assert not two_step.stale(trained=0.9, inferred=0.8)
    assert not two_step.stale(trained=0.1, inferred=0.1)  # has learned nothing


def test_fresh_cuts_pass_the_anonymizer_again_and_again():
    def numbered(clips):
        return clips / 2

    cuts = batches().unbatch()
    made = filtering.fresh(cuts, numbered, batch_size=8)
    raw = np.concatenate([b["clips"] for b in batches()])
    seen = set()
    for example in made.take(100).as_numpy_iterator():
        far = np.abs(raw * 127.5 - example["clips"].astype(float)).max(
            (1, 2, 3, 4)
        )
        seen.add(int(far.argmin()))
        assert far.min() <= 0.51
    assert len(seen) == 48


def test_an_attacker_trains_on_fresh_cuts_if_there_are_any(tmp_path):
    dataset = filtering.unfiltered(batches())
    blank = dataset.map(
        lambda example: {**example, "clips": tf.zeros_like(example["clips"])}
    )

    def cuts(frames, batch_size):
        clips = batches().unbatch()
        return filtering.fresh(clips, lambda clips: clips, batch_size)

    found = two_step.attack(
        "a",
        lambda: toy_classifier(5),
        {**splits(dataset), "train": blank, "fresh": cuts},
        SINGLE_LABEL,
        PROTOCOL,
        seed=0,
        record=str(tmp_path / "a.json"),
    )
    assert found["accuracy"] > 0.9


def test_what_was_filtered_once_is_read_several_times_but_not_in_a_row():
    def cuts(frames, batch_size):
        numbered = tf.data.Dataset.range(10_000)
        return numbered.map(lambda i: {"clips": tf.zeros((1,)), "i": i})

    protocol = PROTOCOL._replace(echoes=4, batch_size=8)
    clips = two_step._endless({"fresh": cuts}, protocol, seed=0)
    read = [int(clip["i"]) for clip in clips.take(800).as_numpy_iterator()]
    times = collections.Counter(read)
    assert max(times.values()) == 4
    assert 200 <= len(times) < 220
    assert sum(a == b for a, b in itertools.pairwise(read)) < 80


def test_an_attacker_goes_on_from_the_better_start(tmp_path):
    dataset = filtering.unfiltered(batches())
    first = {"seed": 0, "weights": str(tmp_path / "raw.weights.h5")}
    attack = functools.partial(
        two_step.attack,
        "a",
        lambda: toy_classifier(5),
        splits(dataset),
        SINGLE_LABEL,
    )
    attack(PROTOCOL, **first, record=str(tmp_path / "raw.json"))
    slow = PROTOCOL._replace(starts=2, least=8, learning_rate=1e-9, steps=8)
    found = attack(
        slow, seed=0, start=first["weights"], record=str(tmp_path / "a.json")
    )
    assert found["start"] == "raw clips" and found["accuracy"] > 0.9


def test_a_reusable_model_starts_from_its_first_weights():
    built = []
    build = two_step.reusable(lambda: built.append(1) or toy_classifier(5))
    model = build()
    first = model.get_weights()
    model.set_weights([weights + 1 for weights in first])
    assert build() is model and len(built) == 1
    for one, other in zip(model.get_weights(), first, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_strongest_of_several_is_known_to_be_one_of_several():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 200)
    videos = np.arange(200)
    found = []
    for name, validation in (("a", 0.3), ("b", 0.5), ("c", 0.1)):
        logits = rng.random((200, 5))
        scored = scores.figures(labels, logits, videos)
        found.append({"name": name, "validation": validation, **scored})
    strongest = scores.strongest(found)
    assert strongest["chosen"] == "b"
    low, high = strongest["interval"]
    best = results.strongest(found)
    assert low < best["interval"][0] < best["interval"][1] < high


def test_the_strongest_reader_of_attributes_has_an_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (60, 3))
    found = []
    for name, noise in (("a", 0.1), ("b", 9.0)):
        logits = labels + noise * rng.standard_normal(labels.shape)
        scored = scores.figures(labels, logits, np.arange(60))
        found.append({"name": name, "validation": -noise, **scored})
    strongest = scores.strongest(found)
    assert strongest["chosen"] == "a"
    low, high = strongest["interval"]
    assert 0.9 < low <= found[0]["cmap"] <= high <= 1


def test_nobody_averages_a_clip_over_draws_of_noise():
    """One draw of three hides the first clip, and two the second."""
    right, wrong = [0.0, 1.0], [1.5, 0.0]
    drawn = [[right, wrong], [wrong, right], [right, wrong]]
    found = scores.figures(
        np.ones(6, int),
        np.concatenate(drawn),
        np.array(["a", "b"] * 3),
        np.repeat(range(3), 2),
    )
    assert found["accuracy"] == found["video_accuracy"] == 0.5
    counts = (found["clips"], found["videos"], found["draws"])
    assert counts == (2, 2, 3)


def test_an_ensemble_reads_the_same_draws():
    videos, draws = np.array(["a", "a"]), np.arange(2)
    logits = np.array([[0.0, 1.0], [3.0, 0.0]])
    one = scores.figures(np.ones(2, int), logits, videos, draws)
    both = scores.ensemble([one, one])
    assert both["video_accuracy"] == 0.5 and both["draws"] == 2


def read_by(name, logits, labels):
    videos = np.array([f"v{i}" for i in range(len(labels))])
    found = scores.figures(np.array(labels), np.array(logits), videos)
    return {"name": name, **found}


def test_an_ensemble_averages_logits():
    """Neither the lowest nor the highest logits would name both clips."""
    one = read_by("one", [[0.0, 3.0], [4.0, 3.0]], [1, 1])
    other = read_by("other", [[1.0, 0.0], [0.0, 3.0]], [1, 1])
    assert one["accuracy"] == other["accuracy"] == 0.5
    both = scores.ensemble([one, other])
    assert both["accuracy"] == 1.0 and both["name"] == "2 networks"


def test_an_ensemble_reads_attributes_too():
    labels = [[1, 0], [0, 1], [1, 1]]
    right = read_by("right", 2.0 * np.array(labels) - 1, labels)
    wrong = read_by("wrong", 0.5 - np.array(labels), labels)
    assert scores.ensemble([right, wrong])["cmap"] == 1.0


def test_a_result_is_found_again_if_the_weights_it_belongs_to_are_gone(
    tmp_path,
):
    record, weights = str(tmp_path / "a.json"), str(tmp_path / "a.weights.h5")
    model = toy_classifier(2)
    runs = []

    def run():
        two_step.keep(model, weights)
        runs.append(1)
        return len(runs)

    assert two_step.once(record, run, weights) == 1
    assert two_step.once(record, run, weights) == 1
    os.remove(weights)
    assert two_step.once(record, run, weights) == 2
    assert os.path.exists(weights)
