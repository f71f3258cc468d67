"""The two-step protocol of Sec. 3.6, and attacks beyond it."""

__all__ = ["judge"]


def __getattr__(name):
    if name == "judge":
        # In here: the rest of the package does without it.
        from priv_keras.evaluation.any_filter import judge

        return judge
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return list(__all__)
