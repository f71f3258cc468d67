"""The nearest right word to one that is wrong."""

import difflib


def nearest(word, known):
    """Returns " Did you mean x?" for the known word most like `word`.

    Args:
        word: String, as it was typed.
        known: Iterable of strings.

    Returns:
        String to end an error message with; empty if nothing is like it.
    """
    found = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {found[0]}?" if found else ""
