"""Sphinx: `make docs` writes docs/_build/html."""

import importlib.metadata

project = "priv_keras"
author = "the priv_keras authors"
release = importlib.metadata.version("priv-keras")
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "priv_keras"
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_mock_imports = ["apache_beam", "tensorflow_io"]
napoleon_numpy_docstring = False
nitpicky = False
