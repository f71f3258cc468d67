"""What attackers of known accuracy would read."""

import numpy as np
from scipy import stats


def simulated(rates, videos, clips, alike, simulations, seed=0):
    """Yields what attackers of known accuracy read, and the videos.

    Args:
        rates: Floats, the accuracy of each attacker.
        videos: Int.
        clips: Int, clips of a video, times draws of noise; half of what makes
            one hard, its video shares.
        alike: Float in [0, 1], how far attackers are wrong about the same
            clips.
        simulations: Int, how often.
        seed: Int.
    """
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(videos), clips)
    shape = (simulations, videos, 1, len(rates))
    shared = rng.standard_normal((simulations, videos * clips, 1))
    video = np.repeat(rng.standard_normal(shape), clips, axis=1)[:, :, 0]
    own = rng.standard_normal(video.shape)
    if clips > 1:
        own = np.sqrt(0.5) * (own + video)
    hard = np.sqrt(alike) * shared + np.sqrt(1 - alike) * own
    for each in hard < stats.norm.ppf(rates):
        yield each, groups
