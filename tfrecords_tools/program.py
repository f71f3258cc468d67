"""How a program starts, and how it ends when something is wrong."""

import functools
import os
import sys

from absl import app


def run(main, **options):
    """Runs `main(argv)`; what is wrong is one line and exit status 1.

    Args:
        main: Callable of the list of arguments; returns the exit status.
        **options: For `absl.app.run`.
    """
    # TensorFlow greets on standard error, above what we have to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app.run(functools.partial(_in_a_line, main), **options)


def _in_a_line(main, argv):
    try:
        status = main(argv)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    return leave(status)


def leave(status):
    """Passes on an exit status, once there is nothing left to do."""
    if "tensorflow_io" in sys.modules:
        # Its S3 client aborts when Python takes it down, all being done.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status or 0)
    return status


def one_folder(argv):
    """The one argument of a command line.

    Raises:
        absl.app.UsageError: If there is none, or another.
    """
    if len(argv) != 2:
        raise app.UsageError("Give one folder that holds a manifest.json.")
    return argv[1]
