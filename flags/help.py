"""The texts that `--help` and `--helpfull` print."""

import shutil
import textwrap

from absl import flags as absl_flags

from flags import parsing

VALUES = {
    "int": "N",
    "float": "X",
    "string enum": "CHOICE",
    "comma separated list of strings": "LIST",
}
OTHER = "Logging and debugging"  # title of the group of absl's own flags
# What absl adds to the help of a flag that may be repeated.
REPEATED = ";\n    repeat this option"
INDENT = " " * 6
SPELLING = """\
Flags may be spelt with dashes (--run-dir) and read from a file that has one on
each line (--flagfile=FILE)."""


def text(about, modules, first, required, full, flag_values=absl_flags.FLAGS):
    """Returns the help of a program.

    Args:
        about: String, what the program does, and an example; or `None`.
        modules: Modules of `flags` with the program's flags in `GROUPS`, a
            dict of title to names. Groups with the same title are merged.
        first: Names of the flags that a beginner needs; empty for all flags.
        required: Names of the flags that must be given.
        full: Bool, whether to list all flags.
        flag_values: `absl.flags.FlagValues`.

    Returns:
        String, wrapped to the width of the terminal, at most 100 columns.
    """
    width = min(shutil.get_terminal_size().columns, 100)
    groups = grouped(modules)
    ours = {name for names in groups.values() for name in names}
    if full:
        groups[OTHER] = _others(flag_values)
    elif first:
        groups = {
            title: [name for name in names if name in first]
            for title, names in groups.items()
        }
    presets = _presets(modules)
    parts = [(about or "").strip()]
    for title, names in groups.items():
        if names:
            entries = [
                _entry(flag_values[n], n in required, presets, width)
                for n in names
            ]
            parts.append("\n".join([f"{title}:", *entries]))
    parts.append(SPELLING)
    if not full:
        more = f"shows all {len(ours)} flags and" if first else "also shows"
        parts.append(f"--helpfull {more} those for logging and debugging.")
    return "\n\n".join(parts) + "\n"


def grouped(modules):
    """Merges the groups of flags of several modules.

    Args:
        modules: See `text`.

    Returns:
        Dict of title to list of names.
    """
    groups = {}
    for module in modules:
        for title, names in module.GROUPS.items():
            groups.setdefault(title, []).extend(names)
    return groups


def _others(flag_values):
    """Returns the names of the flags that do not come from this package."""
    modules = flag_values.flags_by_module_dict()
    return sorted(
        {
            flag.name
            for module, flags in modules.items()
            if not module.startswith("flags.")
            for flag in flags
        }
    )


def _presets(modules):
    """Returns a dict of scale to its settings; empty if there are no scales."""
    scales = [getattr(module, "SCALES", ()) for module in modules]
    return {name: parsing.preset(name) for names in scales for name in names}


def _entry(flag, required, presets, width):
    """Returns the lines about one flag."""
    about = " ".join(
        [
            flag.help.partition(REPEATED)[0],
            *_range(flag),
            _default(flag, required, presets),
        ]
    )
    wrapped = textwrap.wrap(
        about,
        width - len(INDENT),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join([f"  {_spelling(flag)}", *(INDENT + x for x in wrapped)])


def _spelling(flag):
    short = f"-{flag.short_name}, " if flag.short_name else ""
    if flag.boolean:
        return f"{short}--[no]{flag.name}"
    return f"{short}--{flag.name}={VALUES.get(flag.flag_type(), 'TEXT')}"


def _range(flag):
    """Says which values a flag takes, in a list of at most one sentence."""
    words = getattr(flag.parser, "enum_values", None)
    low = getattr(flag.parser, "lower_bound", None)
    high = getattr(flag.parser, "upper_bound", None)
    if words:
        return [f"Choices: {', '.join(words)}."]
    if low is not None and high is not None:
        return [f"From {low:g} to {high:g}."]
    return [f"At least {low:g}."] if low is not None else []


def _default(flag, required, presets):
    if required:
        return "Required."
    value = _text(flag)
    scales = {}  # value to the scales that have it
    for scale, settings in presets.items():
        scales.setdefault(settings.get(flag.name, value), []).append(scale)
    scaled = [
        f"{other} at --scale={' or '.join(names)}"
        for other, names in scales.items()
        if other != value
    ]
    # Long lists wrap only at spaces.
    return f"Default: {'; '.join([value, *scaled])}.".replace(",", ", ")


def _text(flag):
    """Returns the default of a flag as one would type it."""
    if flag.default is None or flag.default == []:
        return "none"
    if flag.boolean:
        return "on" if flag.default else "off"
    if isinstance(flag.default, float):
        return f"{flag.default:g}"
    return str(flag._serialize(flag.default)).partition("=")[2]
