"""One of the processes of test_two_processes: `worker.py ALGORITHM OUT`.

TF_CONFIG says which one it is; without it, this is the only one.
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf
from toys import ACTIONS
from toys import IDENTITIES
from toys import SHUT
from toys import sharded
from toys import toy_anonymizer
from toys import toy_batch
from toys import toy_classifier

from priv_keras import losses
from priv_keras.algorithms import ALGORITHMS
from priv_keras.algorithms.base import Optimizers
from priv_keras.algorithms.base import Restarts
from priv_keras.algorithms.gates import Gate


def play(algorithm, out):
    strategy = tf.distribute.get_strategy()
    if "TF_CONFIG" in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    with strategy.scope():
        keras.utils.set_random_seed(5)
        game = ALGORITHMS[algorithm](
            toy_anonymizer(),
            toy_classifier(ACTIONS),
            [toy_classifier(IDENTITIES) for _ in range(2)],
            budget_task=losses.SINGLE_LABEL,
            gamma=2.0,
            target_gate=SHUT,
            budget_gate=Gate(0.4, 20),
            restarts=Restarts(2, Gate(0.4, 5)),
        )
        game.compile(
            optimizers=Optimizers(
                keras.optimizers.SGD(0.1),
                keras.optimizers.SGD(0.1),
                [keras.optimizers.SGD(0.5) for _ in range(2)],
            ),
            validation=sharded(toy_batch()),
        )
        history = game.fit(
            sharded(toy_batch()), steps_per_epoch=4, verbose=0, shuffle=False
        ).history
    steps = [history[f"budget_{i}_steps"][0] for i in range(2)]
    np.savez(out, *[w.numpy() for w in game.weights], steps=steps)


if __name__ == "__main__":
    play(*sys.argv[1:])
