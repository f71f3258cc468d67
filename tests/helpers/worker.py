"""One of the processes of test_two_processes: `worker.py ALGORITHM OUT`.

TF_CONFIG says which one it is; without it, this is the only one.
"""

import os
import sys

import numpy as np
import tensorflow as tf
from toys import sharded
from toys import toy_batch
from toys import toy_pair_game

from priv_keras.algorithms import ALGORITHMS
from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.restarts import Restarts


def play(algorithm, out):
    strategy = tf.distribute.get_strategy()
    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        restarts = Restarts(2, Gate(0.4, 5))
        game = toy_pair_game(ALGORITHMS[algorithm], restarts)
        history = game.fit(
            sharded(toy_batch()), steps_per_epoch=4, verbose=0, shuffle=False
        ).history
    steps = [history[f"budget_{i}_steps"][0] for i in range(2)]
    np.savez(out, *[w.numpy() for w in game.weights], steps=steps)


if __name__ == "__main__":
    play(*sys.argv[1:])
