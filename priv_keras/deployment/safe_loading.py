"""Rebuilds an exported anonymizer with our own code, from its card and weights.

A SavedModel is a program. A list of forbidden operations always has holes:
TensorFlow's loader builds functions that nothing calls, and its graph optimizer
may swap one function for another at run time. So neither the graph nor the
loader is used here. The card says which network it is, and only the weights are
read from the other files, as numbers.
"""

import contextlib
import re

import keras
import numpy as np

from priv_keras.baselines import downsample
from priv_keras.deployment import tensor_bundle
from priv_keras.networks import bounds
from priv_keras.networks.anonymizer import ANONYMIZERS
from priv_keras.networks.anonymizer import UPSAMPLINGS

DOWNSAMPLES = {f"downsample_{n}": n for n in downsample.FACTORS}
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
# The arguments of each network that a card may name.
KNOWN = {
    "full": {"width", "upsampling", "low_pass", "bits", "noise"},
    "lite": {"width", "low_pass", "bits", "noise"},
}
MAX_LOW_PASS = 16
# Pairs of the least and the greatest value of each other argument.
RANGES = {
    "width": (0.01, 8.0),  # at 8, 107 million parameters
    "bits": (0.1, 1e6),
    "noise": (0.01, 0.3),
}
WEIGHTS = "variables/{}/.ATTRIBUTES/VARIABLE_VALUE"  # as Keras names them


def rebuild(folder, card):
    """Returns the network that a SavedModel was exported from.

    Args:
        folder: `pathlib.Path` of the SavedModel.
        card: Dict, its card as `card.check` returns it, or `None`.

    Returns:
        Model from frames `(batch, height, width, 3)` in [0, 1] to frames of the
        same shape.

    Raises:
        ValueError: If there is no card, if it does not name a network of ours,
            or if the weights are not those of that network.
    """
    try:
        network = _build(card)
        _load(network, folder / "variables" / "variables")
        bounds.draw_secretly(network)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{folder} cannot be rebuilt without running its own code: "
            f"{error}. Export it again with `python -m priv_keras.export`; or, "
            "only if you trust whoever made it with all that you may do here, "
            "load it with --trust_model, in Python Anonymizer.load(path, "
            "trusted=True)."
        ) from error
    return network


def _build(card):
    """Returns the network that a card names, with random weights."""
    if card is None:
        raise ValueError("it has no card.json that says what it is")
    name = card["anonymizer"]
    arguments = _arguments(card)
    policy = arguments.pop("dtype_policy", None)
    if policy not in POLICIES:
        raise ValueError(
            f"its card names the dtype policy {policy!r:.40}, not one of "
            f"{', '.join(POLICIES)}"
        )
    with _dtype_policy(policy):
        if name in DOWNSAMPLES and not arguments:
            return downsample.build(DOWNSAMPLES[name])
        if name in ANONYMIZERS and {"width"} <= arguments.keys() <= KNOWN[name]:
            return ANONYMIZERS[name](**_checked(arguments))
    raise ValueError(
        f"its card names the network {name!r:.40} with "
        f"{', '.join(['dtype_policy', *arguments])!r:.80}, not one of "
        f"{', '.join([*ANONYMIZERS, *DOWNSAMPLES])} with its own arguments"
    )


def _arguments(card):
    """Returns the arguments of the network, which earlier cards tell by the
    flags of the run."""
    if "arguments" in card:
        return dict(card["arguments"])
    if card["anonymizer"] in DOWNSAMPLES:
        return {"dtype_policy": "float32"}
    flags = dict(re.findall(r"^--(\w+)=(\S+)$", card["flags"], re.MULTILINE))
    try:
        return {
            "width": float(flags["anonymizer_width"]),
            "dtype_policy": flags["precision"],
        }
    except (KeyError, ValueError) as error:
        raise ValueError(
            "its card does not say the width and precision of the network"
        ) from error


def _checked(arguments):
    """Returns the arguments of an anonymizer; raises unless they are sane."""
    for name in RANGES.keys() & arguments.keys():
        _check_number(name, arguments[name])
    if ("bits" in arguments) != ("noise" in arguments):
        raise ValueError("its card names only one of bits and noise")
    upsampling = arguments.get("upsampling", "transposed")
    if upsampling not in UPSAMPLINGS:
        raise ValueError(
            f"its card names the upsampling {upsampling!r:.40}, not one of "
            f"{', '.join(UPSAMPLINGS)}"
        )
    low_pass = arguments.get("low_pass", 1)
    if low_pass not in range(1, MAX_LOW_PASS + 1):
        raise ValueError(
            f"its card names the low-pass {low_pass!r:.40}, not a whole number "
            f"from 1 to {MAX_LOW_PASS}"
        )
    return {**arguments, "low_pass": int(low_pass)}


def _check_number(name, value):
    least, most = RANGES[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise ValueError(
            f"its card names the {name} {value!r:.40}, not a number from "
            f"{least} to {most:g}"
        )


@contextlib.contextmanager
def _dtype_policy(name):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def _load(network, prefix):
    """Reads the weights of a checkpoint into `network`; raises unless they are
    its own."""
    entries = tensor_bundle.entries(prefix)
    wanted = {
        WEIGHTS.format(i): weight for i, weight in enumerate(network.variables)
    }
    found = {name for name in entries if name.startswith("variables/")}
    if found != wanted.keys():
        raise ValueError(
            f"it holds {len(found)} variables, and not the {len(wanted)} of "
            "the network that its card names"
        )
    for name, weight in wanted.items():
        value = tensor_bundle.array(prefix, entries[name], weight.shape)
        if not np.isfinite(value).all():
            raise ValueError(f"{name.rsplit('/.')[0]} is not finite")
        weight.assign(value)
