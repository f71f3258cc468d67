"""Annotations and lists of the originals, where they lie beside the repo."""

import pathlib

import pytest

SHARED = pathlib.Path(__file__).parents[3] / "shared" / "data"


def needs(name):
    """Skips a test where the originals of a dataset are not here."""
    return pytest.mark.skipif(
        not (SHARED / name).is_dir(), reason=f"no {SHARED / name} here"
    )
