import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf

from priv_keras.evaluation import filtering
from priv_keras.layers import Channel
from priv_keras.layers import PerFrame


@pytest.mark.parametrize("way", ["filtered", "fresh"])
def test_noise_is_new_in_each_frame_that_attackers_see(way, monkeypatch):
    """Were it constant in a pipeline, an attacker would learn it by heart and
    find nothing on test clips."""
    anonymizer = PerFrame(Channel(1, limit=0.5, noise=0.1, seed=0))
    clip = {"clips": np.full((2, 8, 8, 3), 0.5, "float32")}
    clips = tf.data.Dataset.from_tensors(clip).repeat(6)
    if way == "filtered":
        seen = filtering.filtered(clips.batch(2), anonymizer)
    else:
        monkeypatch.setattr(filtering, "ECHOES", 1)
        seen = filtering.fresh(clips, anonymizer, 3, seed=0).take(30)
    frames = np.concatenate([x["clips"] for x in seen.as_numpy_iterator()])
    assert len(frames) == (12 if way == "filtered" else 60)
    assert len({frame.tobytes() for frame in frames}) == len(frames)


def test_what_was_filtered_once_comes_several_times_but_not_in_a_row():
    anonymizer = PerFrame(Channel(1, limit=0.5, noise=0.1, seed=0))
    clip = {"clips": np.full((1, 8, 8, 3), 0.5, "float32")}
    cuts = tf.data.Dataset.from_tensors(clip)
    made = filtering.fresh(cuts, anonymizer, 8, seed=0).take(800)
    frames = [x["clips"].tobytes() for x in made.as_numpy_iterator()]
    times = collections.Counter(frames)
    assert max(times.values()) == filtering.ECHOES
    assert 200 <= len(times) < 220
    in_a_row = sum(a == b for a, b in itertools.pairwise(frames))
    assert in_a_row < 80
