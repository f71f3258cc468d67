"""Parses command lines.

The settings of a scale come first, then those of recipes, then those of the
command line; later ones override earlier ones. A command line that names no
recipe has the one that its scale names, if any.
"""

import argparse
import itertools
import pathlib
import re
import sys

from absl import flags as absl_flags

from flags.suggestions import nearest

SCALES = pathlib.Path(__file__).parent / "scales"
RECIPES = pathlib.Path(__file__).parent / "recipes"
CONFIG = "config.flags"  # file in a run's folder with the flags of the run
# Flags that stand for other flags, and are not part of a configuration.
EXPANDED = ("recipe",)
# Flags of earlier versions, which the folders of their runs still hold.
GONE = ("attacker_patience",)


def plainly(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line as it is.

    It is a `flags_parser` for `absl.app.run`, like the next two functions.

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
    """Parses a command line on top of its `--recipe` and `--scale`.

    Arguments, result and errors are those of `plainly`.
    """
    words = _words(argv, flag_values)
    named = _names_recipe(argv, words)
    words = _with_recipes(words, flag_values)
    scale = last_value(words, "scale") or flag_values["scale"].default
    settings = _settings(SCALES / f"{scale}.flags") if named else preset(scale)
    defaults = [f"--{name}={value}" for name, value in settings.items()]
    defaults += _of_judge(words, flag_values)
    return _parsed([argv[0], *defaults, *words], flag_values)


def _names_recipe(argv, words):
    """Returns whether a command line names a recipe, its file, or the flags of
    a run, which lack those that no recipe of it had set."""
    # `_values` would read the files.
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("-flagfile", "--flagfile", action="append", default=[])
    found = parser.parse_known_args(argv[1:])[0].flagfile
    files = [pathlib.Path(file).resolve() for file in found]
    return bool(_values(words, "recipe")) or any(
        file.parent == RECIPES.resolve() or file.name == CONFIG
        for file in files
    )


def with_run(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line on top of the flags of the run in `--run_dir`.

    If there is no run yet, it does what `with_scale` does.

    Arguments, result and errors are those of `plainly`.
    """
    words = _words(argv, flag_values)
    run_dir = last_value(words, "run_dir")
    config = pathlib.Path(run_dir or "") / CONFIG
    if not run_dir or not config.exists():
        return with_scale(argv, flag_values)
    words = _with_recipes(words, flag_values)
    defaults = [
        f"--undefok={','.join(GONE)}",
        *_of_earlier_runs(config),
        f"--flagfile={config}",
        *_of_judge(words, flag_values),
    ]
    return _parsed([argv[0], *defaults, *words], flag_values)


def _of_judge(words, flag_values):
    """Returns what a thorough judge has at every scale: the paper's ten
    attackers."""
    if last_value(words, "judge") != "thorough":
        return []
    return [f"--attackers={','.join(flag_values['attackers'].default)}"]


def _of_earlier_runs(config):
    """Returns what runs did before there were flags for it."""
    if last_value(config.read_text().splitlines(), "target"):
        return []
    return ["--target_normalization=none", "--target_head=dense", "--mirror"]


def _words(argv, flag_values):
    """Returns the words of a command line and its flagfiles, underscored."""
    try:
        words = flag_values.read_flags_from_files(argv[1:], force_gnu=False)
    except absl_flags.CantOpenFlagFileError as error:
        raise absl_flags.Error(_plain(str(error))) from error
    return underscored(words, flag_values)


def underscored(words, flag_values=absl_flags.FLAGS):
    """Replaces dashes in the names of flags by underscores.

    Args:
        words: List of strings, a command line without its program.
        flag_values: `absl.flags.FlagValues`, to tell flags from values.

    Returns:
        List of strings. Values, and what follows `--`, are unchanged.
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


# What absl and Python say about a value, and the same in plain words.
PLAIN = {
    r"invalid literal for int\(\) with base 10: .*": "not a whole number.",
    r"could not convert string to float: .*": "not a number.",
    r"\('Non-boolean argument to boolean flag', .*\)": "not true or false.",
    r"^ERROR:: Unable to open flagfile: ": "--flagfile cannot be read: ",
}


def _plain(message):
    for said, plain in PLAIN.items():
        message = re.sub(said, plain, message)
    # A list appears as it was typed.
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
    """Yields all spellings of all flags, except those of a single letter."""
    for name in (name for name in flag_values if len(name) > 1):
        yield f"--{name}"
        if flag_values[name].boolean:
            yield f"--no{name}"


def preset(scale):
    """Returns the settings of a scale, which replace the defaults of flags.

    Args:
        scale: String.

    Returns:
        Dict of the name of a flag to its value as a string, those of the
        scale's recipe among them; empty for `paper`, whose settings are the
        defaults, and for an unknown scale.
    """
    settings = _settings(SCALES / f"{scale}.flags")
    if "recipe" not in settings:
        return settings
    return settings | _settings(RECIPES / f"{settings['recipe']}.flags")


def _settings(path):
    """Returns the flags in a flagfile, and in one beside it that it names."""
    lines = path.read_text().splitlines() if path.exists() else []
    settings = {}
    for line in (line for line in lines if line.startswith("--")):
        name, _, value = line[2:].partition("=")
        if name == "flagfile":
            settings |= _settings(path.parent / value)
        else:
            settings[name] = value
    return settings


def recipes():
    """Returns a dict of the name of each recipe to the path of its flagfile."""
    return {path.stem: path for path in sorted(RECIPES.glob("*.flags"))}


def _with_recipes(words, flag_values):
    """Puts the flags of its recipes in front of a command line.

    Raises:
        absl.flags.IllegalFlagValueError: If there is no such recipe.
        SystemExit: With status 0, once `--recipe=list` has printed them.
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
    names = [name for name in names if name != "none"]
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
    """Returns what a recipe says about itself in its first line, a comment.

    Args:
        recipe: `pathlib.Path` of its flagfile.
    """
    with recipe.open() as file:
        return file.readline().lstrip("# ").rstrip()


def last_value(words, name):
    """Returns the last value of a flag in a command line, or `None`.

    Args:
        words: Iterable of strings, a command line without its program.
        name: String, the flag.
    """
    return (_values(words, name) or [None])[-1]


def _values(words, name):
    """Returns all values of flag `name` in a command line."""
    seen = absl_flags.FlagValues()
    absl_flags.DEFINE_multi_string(name, [], "", flag_values=seen)
    seen([""] + list(words), known_only=True)
    return seen[name].value


def serialize(flag_values, skip=(), package="flags."):
    """Returns the flags of this package as the text of a flagfile.

    Args:
        flag_values: Parsed `absl.flags.FlagValues`.
        skip: Names of flags to leave out.
        package: String, the prefix of the names of the modules whose flags are
            wanted.
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
