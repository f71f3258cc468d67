"""Adversarial, privacy-preserving action recognition (Wu et al., TPAMI)."""


def __getattr__(name):
    # Lazily, so that `--help` of a program does not wait for TensorFlow.
    if name == "Anonymizer":
        from priv_keras.deployment.anonymizer import Anonymizer

        return Anonymizer
    if name == "anonymized_video":
        from priv_keras.films.pipeline import anonymized_video

        return anonymized_video
    if name == "__version__":
        from importlib import metadata

        return metadata.version("priv-keras")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
