"""Model restarting: during the game every f_B^i starts anew (Sec. 3.5.1)."""

import contextlib
import random
from typing import NamedTuple

import keras
import numpy as np

from priv_keras.algorithms.gates import Gate
from priv_keras.algorithms.optimization import forget
from priv_keras.algorithms.replicas import read


class Restarts(NamedTuple):
    """When every theta_B^i starts anew, Sec. 3.5.1."""

    every: int  # rstrt_iter in turns, 0 for never; the first is at turn 0
    gate: Gate  # what a fresh f_B^i trains to while f_A and f_T are frozen
    seed: int = 0  # of the fresh weights
    patience: int | None = None  # turns without a new low of L_B; not in paper


class Stall:
    """Counts the turns since L_B last had a new low.

    Args:
        lowest: float32 weight of the game, the lowest L_B so far.
        turns: int64 weight of the game, the turns since then. Both are
            weights, so that a resumed game goes on counting.
    """

    def __init__(self, lowest, turns):
        self.lowest = lowest
        self.turns = turns

    def forget(self):
        """Starts to count anew, as for fresh f_B^i."""
        self.lowest.assign(np.inf)
        self.turns.assign(0)

    def has_lasted(self, patience, loss):
        """Records L_B of one more turn.

        Args:
            patience: Int, turns.
            loss: Scalar tensor, L_B.

        Returns:
            Bool tensor, whether L_B has had no new low for `patience` turns.
        """
        if loss < read(self.lowest):
            self.lowest.assign(loss)
            self.turns.assign(0)
        else:
            self.turns.assign_add(1)
        return read(self.turns) >= patience


def start_anew(budgets, optimizers, seed):
    """Gives every f_B^i fresh weights and resets its optimizer.

    Args:
        budgets: List of models.
        optimizers: List of their optimizers.
        seed: String or int, the seed of the fresh weights.
    """
    with seeded(seed):
        for budget in budgets:
            budget.set_weights(keras.models.clone_model(budget).get_weights())
    for optimizer in optimizers:
        forget(optimizer)


@contextlib.contextmanager
def seeded(seed):
    """Lets initializers that are created within draw from `seed`, and leaves
    Python's random generator as it was."""
    # Keras takes the seeds of initializers from Python's generator.
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
