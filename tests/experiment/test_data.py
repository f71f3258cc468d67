"""Tests of what the game draws from shards."""

import collections
import json
import types

import numpy as np
import pytest
from made_shards import build_sbu
from made_shards import reading_sbu

from priv_keras import losses
from priv_keras.experiment import game
from priv_keras.experiment.data import Data
from priv_keras.experiment.data import open_data
from priv_keras.runs import folder
from priv_keras.runs.folder import RunFolder


@pytest.fixture
def data(tmp_path):
    build_sbu(tmp_path, takes=3)
    with reading_sbu(tmp_path, gate_batches=0):
        yield open_data()


def clips(batches):
    return np.concatenate([batch["clips"] for batch in batches])


def test_validation_has_clips_of_the_kind_that_train(tmp_path):
    """If these have consecutive frames, it takes the middle clip of a video."""
    build_sbu(tmp_path)
    path = tmp_path / "sbu" / "manifest.json"
    content = json.loads(path.read_text()) | {"clips_per_video": None}
    path.write_text(json.dumps(content))
    with reading_sbu(tmp_path, frames=2, attacker_frames=1):
        shards = open_data().target
        every = collections.defaultdict(list)
        for clip in shards.clips("validation", "game", whole=True):
            every[clip["video"].numpy()].append(clip["clips"])
        validated = clips(shards.validation_batches("game"))
    for clip, cuts in zip(validated, every.values(), strict=True):
        assert len(cuts) > 1
        np.testing.assert_array_equal(clip, cuts[len(cuts) // 2])


def test_videos_that_train_do_not_test(tmp_path):
    build_sbu(tmp_path)
    with reading_sbu(tmp_path):
        shards = open_data().target
        same = types.SimpleNamespace(
            labels=shards.labels,
            folder="pa_hmdb51",
            manifest={
                "splits": {"test": shards.manifest["splits"]["validation"]}
            },
        )
        with pytest.raises(ValueError, match="for hmdb51, use --exclude_pa"):
            Data(shards, shards, (same, same))


def test_attackers_do_not_share_the_defenders_weights(tmp_path):
    names = {"actions": ("walk",), "budget_labels": ("face", "skin")}
    shards = types.SimpleNamespace(
        labels=names, is_multi_label=True, folder=tmp_path
    )
    labels, logits = np.array([[1, 0]]), np.array([[0.5, 2.0]], "float32")
    with reading_sbu(tmp_path, attribute_weights=["1", "3"]):
        data = Data(shards, shards)
    plain, found, weighted = (
        float(task.loss(labels, logits))
        for task in (losses.MULTI_LABEL, data.attacker_task, data.budget_task)
    )
    assert found == plain != weighted


def test_a_gate_of_all_batches_reads_the_whole_validation_set(data):
    """Each pass has every clip once, also after a run is resumed."""
    whole = clips(data.target.test_batches("validation", "gate"))
    assert len(whole) % 2 == 1  # so that the last batch is a smaller one
    gate = game._gate(data, 0.5, max_steps=9)
    assert (gate.batches, gate.running) == (-(-len(whole) // 2), False)
    drawn = iter(data.datasets(epoch=1).validation)
    for _ in range(2):
        found = clips(next(drawn) for _ in range(gate.batches))
        np.testing.assert_array_equal(found, whole)
    resumed = data.datasets(1, drawn=(0, gate.batches, 0)).validation
    found = clips(resumed.take(gate.batches))
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", "null", '{"actions": 3}', "[" * 100_000]
)
def test_damaged_labels_of_a_run_are_refused(text, tmp_path):
    RunFolder(tmp_path).labels.write_text(text)
    data = types.SimpleNamespace(labels={"actions": ("a", "b")})
    with pytest.raises(ValueError, match="labels.json is damaged"):
        folder.check_labels(data, tmp_path)
