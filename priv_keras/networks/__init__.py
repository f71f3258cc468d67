"""The networks of the parties (Sec. 3.2) and of the attackers (Sec. 3.6)."""

import importlib

__all__ = ["anonymizer", "attackers", "budgets", "c3d", "lite"]


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"priv_keras.networks.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return list(__all__)
