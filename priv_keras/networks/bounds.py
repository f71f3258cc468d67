"""What bounds f_A's output, the last layer of each of its networks."""

import math

import keras

from priv_keras.layers import Channel
from priv_keras.layers import LowPass


def bounded(frames, low_pass=1, bits=math.inf, noise=0.15, seed=None):
    """Returns frames in which f_A can write no more than it is allowed to.

    Args:
        frames: Tensor `(batch, height, width, 3)` in [0, 1].
        low_pass: Int, side in pixels of the squares below which there is no
            detail; 1 for none, as in the paper.
        bits: Positive float, the information on each frame that gets through at
            most; infinite for no bound and no noise, as in the paper.
        noise: Float, the standard deviation of the noise that bounds it, as a
            share of the range of a pixel.
        seed: Int, see `Channel`.
    """
    # float32 whatever the policy: bfloat16 is too coarse for 256 grey levels.
    if bits < math.inf:
        limit = Channel.limit_of(bits, noise)
        return Channel(low_pass, limit, noise, seed, dtype="float32")(frames)
    if low_pass > 1:
        return LowPass(low_pass, dtype="float32")(frames)
    return frames


def unpredictable(model):
    """Returns f_A with noise that nothing can repeat, as exports must have it.

    Args:
        model: f_A, which stays as it is.
    """
    return _changed(model, lambda _: {"seed": None})


def draw_secretly(model):
    """Makes the noise of f_A as hard to guess as the operating system can.

    Args:
        model: f_A, which is changed and must not be exported after it.
    """
    if channel := channel_of(model):
        channel.draw_secretly()


def channel_of(model):
    """Returns the layer of f_A that adds noise; `None` if it has none."""
    found = [layer for layer in model.layers if isinstance(layer, Channel)]
    return found[0] if found else None


def loosened(model, factor):
    """Returns f_A with a weaker bound, from which it learns more easily.

    Args:
        model: f_A, which stays as it is.
        factor: Positive float, how many times the bits get through.
    """
    return _changed(
        model, lambda channel: {"limit": channel.limit * math.sqrt(factor)}
    )


def without_noise(model):
    """Returns f_A without noise, to compare it with what it was converted to.

    Args:
        model: f_A, which stays as it is.
    """
    return _changed(model, lambda _: {"noise": 0.0})


def _changed(model, changes):
    """Returns a copy of `model` whose channel, if any, has other arguments.

    Args:
        model: f_A. One without a channel is returned as it is.
        changes: Callable that takes the channel and returns a dict of them.
    """
    if not channel_of(model):
        return model

    def changed(layer):
        config = layer.get_config()
        if isinstance(layer, Channel):
            config |= changes(layer)
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(model, clone_function=changed)
    copy.set_weights(model.get_weights())
    return copy
