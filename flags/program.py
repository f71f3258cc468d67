"""Starts a program, and ends it with one line if something is wrong."""

import functools
import os
import sys

from absl import app
from absl import flags as absl_flags
from absl import logging

from flags import help as flags_help
from flags import parsing
from flags import quiet
from flags import signals


def run(main, modules=(), first=(), required=(), parse=parsing.plainly):
    """Runs `main(argv)`, and exits with the status that it returns.

    If the command line is wrong, or `main` raises an expected error, one line
    on standard error, `error: ...`, says so, and the exit status is 1. With
    `--verbosity=1` the traceback comes before it.

    Args:
        main: Callable that takes the list of arguments and returns the exit
            status. The docstring of its module opens `--help`.
        modules: Modules of `flags` that define the program's flags.
        first: Names of the flags that `--help` shows; all if empty.
        required: Names of the flags that must be given.
        parse: A `flags_parser` for `absl.app.run`.
    """
    about = sys.modules[main.__module__].__doc__
    _define_help(
        functools.partial(flags_help.text, about, modules, first, required)
    )
    try:
        app.run(
            functools.partial(_start, main),
            flags_parser=functools.partial(_parse, parse, required),
        )
    except BrokenPipeError:  # nobody reads standard output any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(leave(1))
    except (absl_flags.Error, ValueError, OSError, app.UsageError) as error:
        logging.debug("Raised:", exc_info=True)
        print(f"error: {_in_a_line(error)}", file=sys.stderr)
        sys.exit(leave(1))
    except signals.Stopped as stopped:
        sys.exit(leave(stopped.code))
    except KeyboardInterrupt:  # before `main`
        sys.exit(leave(130))


def _parse(parse, required, argv):
    arguments = parse(argv)
    for name in required:
        if absl_flags.FLAGS[name].value is None:
            raise app.UsageError(f"Give --{name}; --help says what it is.")
    return arguments


def _start(main, argv):
    verbosity = absl_flags.FLAGS["verbosity"]
    if not verbosity.present:
        logging.set_verbosity(logging.WARNING)
    if not verbosity.present or verbosity.value < logging.INFO:
        quiet.silence()
    try:
        with signals.exit_when_stopped():
            return leave(main(argv))
    except app.UsageError as error:  # absl would print its whole help
        raise ValueError(str(error)) from error


def _in_a_line(error):
    lines = [line.strip() for line in str(error).splitlines()]
    return "; ".join(filter(None, lines)) or type(error).__name__


def leave(status):
    """Returns an exit status, or exits with it at once if it has to.

    Args:
        status: Int, or `None` for 0.
    """
    sys.stdout.flush()
    if "tensorflow_io" in sys.modules:
        # Its S3 client aborts the process when Python shuts it down.
        sys.stderr.flush()
        os._exit(status or 0)
    return status


class _Help(absl_flags.BooleanFlag):
    """Prints a help text and exits with 0, while absl exits with 1."""

    def __init__(self, name, show, help, short_name=None):
        super().__init__(
            name, False, help, short_name=short_name, allow_override=True
        )
        self.show = show

    def parse(self, argument):
        if self._parse(argument):
            print(self.show(), end="", flush=True)
            sys.exit(0)


def _define_help(show):
    """Replaces absl's help flags.

    Args:
        show: Callable that takes whether to show all flags, and returns a text.
    """
    app.define_help_flags()
    some, every = (functools.partial(show, full) for full in (False, True))
    for flag in (
        _Help("help", some, "Show the flags to begin with.", "h"),
        _Help("helpshort", some, "The same as --help.", "?"),
        _Help("helpfull", every, "Show all flags."),
    ):
        absl_flags.DEFINE_flag(flag, module_name="absl.app")


def one_folder(argv):
    """Returns the only argument of a command line.

    Args:
        argv: List of strings, the program's name first.

    Raises:
        absl.app.UsageError: If there is none, or more than one.
    """
    if len(argv) != 2:
        raise app.UsageError("Give one folder that holds a manifest.json.")
    return argv[1]
