"""The algorithms of the paper; `ALGORITHMS` maps their names in flags."""

from priv_keras.algorithms.entropy import Entropy
from priv_keras.algorithms.grl import GRL
from priv_keras.algorithms.k_beam import KBeam

ALGORITHMS = {
    "grl": GRL,  # Algorithm 1
    "kbeam": KBeam,  # Algorithm 2
    "entropy": Entropy,  # Algorithms 3 and 4
}
