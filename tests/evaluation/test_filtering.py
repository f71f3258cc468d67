import numpy as np
import pytest
import tensorflow as tf

from priv_keras.evaluation import filtering
from priv_keras.layers import Channel
from priv_keras.layers import PerFrame


@pytest.mark.parametrize("way", ["filtered", "fresh"])
def test_noise_is_new_in_each_frame_that_attackers_see(way):
    """Were it constant in a pipeline, an attacker would learn it by heart and
    find nothing on test clips."""
    anonymizer = PerFrame(Channel(1, limit=0.5, noise=0.1, seed=0))
    clip = {"clips": np.full((2, 8, 8, 3), 0.5, "float32")}
    clips = tf.data.Dataset.from_tensors(clip).repeat(6)
    if way == "filtered":
        seen = filtering.filtered(clips.batch(2), anonymizer)
    else:
        seen = filtering.fresh(clips, anonymizer, 3).take(30)
    frames = np.concatenate([x["clips"] for x in seen.as_numpy_iterator()])
    assert len(frames) == (12 if way == "filtered" else 60)
    assert len({frame.tobytes() for frame in frames}) == len(frames)


def test_each_draw_repeats_every_clip_with_new_noise():
    batches = tf.data.Dataset.from_tensor_slices(
        {
            "clips": np.full((3, 2, 8, 8, 3), 0.5, "float32"),
            "video": ["a", "b", "c"],
        }
    ).batch(2)
    anonymizer = PerFrame(Channel(1, limit=0.5, noise=0.1, seed=0))
    seen = filtering.filtered(filtering.redrawn(batches, 4), anonymizer)
    seen = list(seen.as_numpy_iterator())
    named = [(int(x["draw"]), x["video"].decode()) for x in seen]
    assert named == [(draw, name) for draw in range(4) for name in "abc"]
    assert len({x["clips"].tobytes() for x in seen}) == len(seen)
