"""How a command line becomes flags.

The settings of a scale come first, then those of recipes, then what was said;
the later wins.
"""

import itertools
import pathlib
import re
import sys

from absl import flags as absl_flags

from flags.suggestions import nearest

SCALES = pathlib.Path(__file__).parent / "scales"
RECIPES = pathlib.Path(__file__).parent / "recipes"
CONFIG = "config.flags"  # in the folder of a run, the flags it was made with
# They end in other flags and are not themselves a part of a configuration.
EXPANDED = ("recipe",)


def plainly(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line.

    A `flags_parser` of `absl.app.run`, as are the other two.

    Args:
        argv: List of strings, the program's name first.
        flag_values: `absl.flags.FlagValues`.

    Returns:
        List of the arguments that are not flags, the program's name first.

    Raises:
        absl.flags.Error: If a flag or its value is wrong.
        OSError: If a flagfile cannot be read.
    """
    return _parsed([argv[0], *_words(argv, flag_values)], flag_values)


def with_scale(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line on top of its `--recipe` and `--scale`."""
    said = _with_recipes(_words(argv, flag_values), flag_values)
    scale = last_value(said, "scale") or flag_values["scale"].default
    defaults = [f"--{name}={value}" for name, value in preset(scale).items()]
    return _parsed([argv[0], *defaults, *said], flag_values)


def with_run(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line on top of the flags that `--run_dir` was made
    with; where the folder is new, does what `with_scale` does."""
    words = _words(argv, flag_values)
    run_dir = last_value(words, "run_dir")
    config = pathlib.Path(run_dir or "") / CONFIG
    if not run_dir or not config.exists():
        return with_scale(argv, flag_values)
    said = _with_recipes(words, flag_values)
    return _parsed([argv[0], f"--flagfile={config}", *said], flag_values)


def _words(argv, flag_values):
    """The words of a command line and of its flagfiles, with underscores."""
    try:
        words = flag_values.read_flags_from_files(argv[1:], force_gnu=False)
    except absl_flags.CantOpenFlagFileError as error:
        raise absl_flags.Error(_plain(str(error))) from error
    return underscored(words, flag_values)


def underscored(words, flag_values=absl_flags.FLAGS):
    """Spells flags with underscores that were spelt with dashes.

    Args:
        words: List of strings, a command line without its program.
        flag_values: `absl.flags.FlagValues`, which tells flags from values.

    Returns:
        List of strings. Values, and what follows `--`, are as they were.
    """
    spelt = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*spelt, word, *rest]
        if not word.startswith("-"):
            spelt.append(word)
            continue
        name, equals, value = word.partition("=")
        bare = name.lstrip("-")
        dashes = name.removesuffix(bare)
        bare = bare.replace("-", "_")
        spelt.append(f"{dashes}{bare}{equals}{value}")
        if not equals and bare in flag_values and not flag_values[bare].boolean:
            spelt += itertools.islice(rest, 1)
    return spelt


# What absl and Python say of a value, and the same in plain words.
PLAIN = {
    r"invalid literal for int\(\) with base 10: .*": "not a whole number.",
    r"could not convert string to float: .*": "not a number.",
    r"\('Non-boolean argument to boolean flag', .*\)": "not true or false.",
    r"^ERROR:: Unable to open flagfile: ": "--flagfile cannot be read: ",
}


def _plain(message):
    for said, plain in PLAIN.items():
        message = re.sub(said, plain, message)
    # A list, as it was typed.
    return re.sub(
        r"=\['(.*?)'\]", lambda x: "=" + x[1].replace("', '", ","), message
    )


def _parsed(argv, flag_values):
    try:
        return flag_values(argv)
    except absl_flags.IllegalFlagValueError as error:
        raise absl_flags.IllegalFlagValueError(_plain(str(error))) from error
    except absl_flags.UnrecognizedFlagError as error:
        name = f"--{error.flagname}"
        raise absl_flags.Error(
            f"There is no flag {name}.{nearest(name, _names(flag_values))}"
        ) from error


def _names(flag_values):
    """All spellings of all flags but those of a letter, dashes first."""
    for name in (name for name in flag_values if len(name) > 1):
        yield f"--{name}"
        if flag_values[name].boolean:
            yield f"--no{name}"


def preset(scale):
    """What a scale sets in place of flags' own defaults, which are `paper`.

    Args:
        scale: String.

    Returns:
        Dict of flag to its value, a string; empty for an unknown scale.
    """
    path = SCALES / f"{scale}.flags"
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (x[2:].partition("=") for x in lines if x.startswith("--"))
    return {name: value for name, _, value in pairs}


def recipes():
    """Dict of the name of each recipe to its flagfile."""
    return {path.stem: path for path in sorted(RECIPES.glob("*.flags"))}


def _with_recipes(words, flag_values):
    """A command line, with the flags of its `--recipe` in front.

    Raises:
        absl.flags.IllegalFlagValueError: If there is no such recipe.
        SystemExit: With status 0, where they are to be listed.
    """
    known = recipes()
    names = [
        name.strip()
        for value in _values(words, "recipe")
        for name in value.split(",")
    ]
    if "list" in names:
        lines = (f"{name:20}{about(path)}" for name, path in known.items())
        print("\n".join(lines), flush=True)
        sys.exit(0)
    for name in names:
        if name not in known:
            raise absl_flags.IllegalFlagValueError(
                f"flag --recipe={','.join(names)}: there is no recipe "
                f"{name or 'without a name'}; --recipe=list prints all."
                + nearest(name, known)
            )
    files = [f"--flagfile={known[name]}" for name in names]
    return [*flag_values.read_flags_from_files(files), *words]


def about(recipe):
    """What a recipe says that it is: its first line, a comment."""
    with recipe.open() as file:
        return file.readline().lstrip("# ").rstrip()


def last_value(words, name):
    """The value of flag `name` in a command line, or `None`."""
    return (_values(words, name) or [None])[-1]


def _values(words, name):
    """All values of flag `name` in a command line."""
    seen = absl_flags.FlagValues()
    absl_flags.DEFINE_multi_string(name, [], "", flag_values=seen)
    seen([""] + list(words), known_only=True)
    return seen[name].value


def serialize(flag_values, skip=(), package="flags."):
    """The flags of this package as the text of a flagfile.

    Args:
        flag_values: Parsed `absl.flags.FlagValues`.
        skip: Names of flags to leave out.
        package: String that the names of their modules start with.
    """
    modules = flag_values.flags_by_module_dict()
    lines = sorted(
        flag.serialize()
        for module, flags in modules.items()
        if module.startswith(package)
        for flag in flags
        if flag.name not in (*EXPANDED, *skip) and flag.value is not None
    )
    return "".join(f"{line}\n" for line in lines)
