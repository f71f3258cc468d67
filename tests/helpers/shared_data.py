"""Annotations and lists of the original datasets, if they are at hand."""

import pathlib

import pytest

SHARED = pathlib.Path(__file__).parents[3] / "shared" / "data"


def needs(name):
    """Skips a test if the files of a dataset are not at hand."""
    return pytest.mark.skipif(
        not (SHARED / name).is_dir(), reason=f"no {SHARED / name} here"
    )
