"""One file per algorithm of the paper; `ALGORITHMS` is what flags name."""

from priv_keras.algorithms.entropy import Entropy

ALGORITHMS = {
    "entropy": Entropy,  # Algorithms 3 and 4
}
