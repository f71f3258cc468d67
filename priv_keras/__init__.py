"""Adversarial, privacy-preserving action recognition (Wu et al., TPAMI).

Names are imported when they are first used, so that `import priv_keras` is
quick and loads no TensorFlow.
"""

import importlib

_PACKAGES = (
    "algorithms",
    "baselines",
    "evaluation",
    "layers",
    "losses",
    "metrics",
    "networks",
)
_OBJECTS = {
    "Anonymizer": "priv_keras.deployment.anonymizer",
    "anonymized_video": "priv_keras.films.pipeline",
}
__all__ = ["__version__", *_OBJECTS, *_PACKAGES]


def __getattr__(name):
    if name in _PACKAGES:
        return importlib.import_module(f"priv_keras.{name}")
    if name in _OBJECTS:
        return getattr(importlib.import_module(_OBJECTS[name]), name)
    if name == "__version__":
        from importlib import metadata

        return metadata.version("priv-keras")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
