"""Flags whose values are words from a list.

The error about a wrong word suggests the nearest right one.
"""

from absl import flags as absl_flags

from flags.suggestions import nearest

# The flags belong to the modules that call the functions below.
absl_flags.disclaim_key_flags()


class OneOf(absl_flags.EnumParser):
    """Parses a word that must be one of some words."""

    def parse(self, argument):
        check(argument, self.enum_values)
        return argument


class SomeOf(absl_flags.ListParser):
    """Parses a comma-separated list of some words, at least one.

    Args:
        enum_values: Iterable of strings.
    """

    def __init__(self, enum_values):
        super().__init__()
        self.enum_values = list(enum_values)

    def parse(self, argument):
        values = super().parse(argument)
        if not values:
            raise ValueError(
                f"give at least one of {', '.join(self.enum_values)}."
            )
        for value in values:
            check(value, self.enum_values)
        return values


def check(word, known):
    """Raises unless a word is known.

    Args:
        word: String.
        known: Iterable of strings.

    Raises:
        ValueError: If it is not.
    """
    if word not in known:
        raise ValueError(
            f"{word or 'an empty word'} is not one of {', '.join(known)}."
            + nearest(word, known)
        )


def one_of(name, default, words, help):
    """Defines a flag that takes one of some words.

    Args:
        name: String, the flag.
        default: One of the words, or `None`.
        words: Iterable of strings.
        help: String.

    Returns:
        `absl.flags.FlagHolder` of a string.
    """
    serializer = absl_flags.ArgumentSerializer()
    return absl_flags.DEFINE(
        OneOf(words), name, default, help, serializer=serializer
    )


def some_of(name, default, words, help):
    """Defines a flag that takes a comma-separated list of some words.

    Args:
        name: String, the flag.
        default: List of some of the words, or `None`.
        words: Iterable of strings.
        help: String.

    Returns:
        `absl.flags.FlagHolder` of a list of strings.
    """
    serializer = absl_flags.CsvListSerializer(",")
    return absl_flags.DEFINE(
        SomeOf(words), name, default, help, serializer=serializer
    )
