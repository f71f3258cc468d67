"""One module per dataset: which videos there are, their labels and splits."""

import importlib

# Dataset to the module below this package that lists its videos.
SOURCES = {
    "folder": "folder",
    "hmdb51": "hmdb51",
    "pa_hmdb51": "pa_hmdb51",
    "puppets": "sbu",  # drawn in SBU's layout
    "sbu": "sbu",
    "ucf101": "ucf101",
    "ut_interaction": "ut_interaction",
    "vispr": "vispr",
}


def source(dataset):
    """Returns the module that lists the videos of `dataset`.

    Raises:
        ValueError: If there is no such dataset.
    """
    if dataset not in SOURCES:
        raise ValueError(
            f"There is no dataset {dataset!r}. Choose one of "
            f"{', '.join(SOURCES)}."
        )
    return importlib.import_module(f"{__name__}.{SOURCES[dataset]}")
