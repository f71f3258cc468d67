"""How a command line becomes flags: a scale first, then what was said."""

import functools
import pathlib
import sys

from absl import flags as absl_flags

SCALES = pathlib.Path(__file__).parent / "scales"


def in_a_line(parser):
    """Makes a `flags_parser` of `absl.app.run` say what is wrong with a command
    line in one line, and leave with status 1."""

    @functools.wraps(parser)
    def parse(argv):
        try:
            return parser(argv)
        except (absl_flags.Error, OSError, ValueError) as error:
            said = "; ".join(str(error).splitlines())
            print(f"error: {said}", file=sys.stderr)
            sys.exit(1)

    return parse


def with_scale(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line; `--scale` sets defaults that all else overrides.

    A `flags_parser` of `absl.app.run`.

    Args:
        argv: List of strings, the program's name first.
        flag_values: `absl.flags.FlagValues`.

    Returns:
        List of the arguments that are no flags, the program's name first.
    """
    said = flag_values.read_flags_from_files(argv[1:], force_gnu=False)
    scale = last_value(said, "scale") or flag_values["scale"].default
    preset = SCALES / f"{scale}.flags"
    first = [f"--flagfile={preset}"] if preset.exists() else []
    return flag_values([argv[0], *first, *said])


def with_run(argv, flag_values=absl_flags.FLAGS):
    """Parses a command line on top of the flags that `--run_dir` was made
    with; where it is new, as `with_scale`."""
    said = flag_values.read_flags_from_files(argv[1:], force_gnu=False)
    run_dir = last_value(said, "run_dir")
    config = pathlib.Path(run_dir or "") / "config.flags"
    if not run_dir or not config.exists():
        return with_scale(argv, flag_values)
    return flag_values([argv[0], f"--flagfile={config}", *said])


def last_value(argv, name):
    """The value of flag `name` in a command line, or `None`."""
    seen = absl_flags.FlagValues()
    absl_flags.DEFINE_string(name, None, "", flag_values=seen)
    seen([""] + list(argv), known_only=True)
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
        if flag.name not in skip and flag.value is not None
    )
    return "".join(f"{line}\n" for line in lines)
