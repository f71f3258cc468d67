"""How every program of `priv_keras` starts."""

import os

from absl import app
from absl import flags as absl_flags
from absl import logging

from flags import parsing
from tfrecords_tools import program


def run(main, flags_parser):
    """Runs `main(argv)` once the command line is understood.

    Args:
        main: Callable of the list of arguments; returns the exit status.
        flags_parser: As of `absl.app.run`.
    """
    # TensorFlow greets on standard error, above what we have to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    absl_flags.mark_flag_as_required("run_dir")

    def quiet(argv):
        if not absl_flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        return program.leave(main(argv))

    app.run(quiet, flags_parser=parsing.in_a_line(flags_parser))
