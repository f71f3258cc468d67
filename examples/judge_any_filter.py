"""Judges a blur from OpenCV under the two-step protocol.

    python examples/judge_any_filter.py SHARDS/ut_interaction

Any callable of clips can take the blur's place. The figures hold for the
attackers that are named, and for no others.
"""

import sys

import cv2
import numpy as np
import tensorflow as tf

from priv_keras.evaluation.any_filter import PROTOCOL
from priv_keras.evaluation.any_filter import judge
from priv_keras.runs import results
from tfrecords_tools import manifest
from tfrecords_tools import read

SIZE, FRAMES = 48, 6


def blur(clips):
    """Blurs float clips `(batch, frames, height, width, 3)` in [0, 1]."""

    def blurred(clips):
        frames = np.reshape(clips, (-1, *clips.shape[2:]))
        small = [cv2.GaussianBlur(frame, (0, 0), 4) for frame in frames]
        return np.reshape(small, clips.shape).astype("float32")

    made = tf.numpy_function(blurred, [clips], tf.float32)
    return tf.ensure_shape(made, clips.shape)


def split(folder, name):
    """Reads one split of a data set's shards as batches."""
    known = manifest.load(folder)
    action, person = known["target"], known["budget"]

    def named(example):
        labels = {"actions": example[action], "budget_labels": example[person]}
        return {**labels, **{k: example[k] for k in ("clips", "video")}}

    cut = {"frames": FRAMES, "frame_size": (54, 50), "size": SIZE}
    pattern = f"{folder}/{name}-*"
    examples = read.clips(pattern, labels=(action, person), **cut)
    return examples.map(named).batch(16)


def main(folder, protocol=PROTOCOL, attackers=("resnet_v1_26",)):
    splits = {
        name: split(folder, name) for name in ("train", "validation", "test")
    }
    found = judge(blur, splits, attackers=attackers, protocol=protocol)
    for side in ("raw", "anonymized"):
        strongest = results.strongest(found[side]["attackers"])
        print(
            f"{side:12} A_T {results.value(found[side]['target']):.3f}  "
            f"A_B {results.value(strongest):.3f} ({strongest['name']})"
        )
    return found


if __name__ == "__main__":
    main(sys.argv[1])
