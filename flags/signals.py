"""Lets a program clean up when a signal stops it."""

import contextlib
import signal
import sys

STOPS = ("SIGINT", "SIGTERM", "SIGHUP")
AGAIN = 1.0  # seconds until an exit that was lost is raised again
_came = []  # the numbers of signals


class Stopped(SystemExit):
    """A signal ends the program, with the status that shells report it by.

    Args:
        number: Int, the number of the signal.
    """

    def __init__(self, number):
        super().__init__(128 + number)
        self.number = number


@contextlib.contextmanager
def exit_when_stopped():
    """Turns signals that end a process at once into an exit that cleans up.

    A signal that the process was started to ignore, as by `nohup`, stays so.
    After the first, others are ignored, so that cleaning up can finish.

    Raises:
        Stopped: If a signal came.
    """
    before = {
        # `None` is a handler of C code, which cannot be given back.
        number: signal.getsignal(number) or signal.SIG_DFL
        for number in _numbers()
    }
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    except BaseException:
        # TensorFlow makes an error of its own of some exits.
        if _came:
            raise Stopped(_came[0]) from None
        raise
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        if not _came:
            for number, handler in before.items():
                signal.signal(number, handler)


def stop(number, _=None):
    """Ends the program; a handler of signals.

    An exit is lost where it meets Python while it collects garbage, or code in
    C that drops errors, such as TensorFlow's while it traces. So it is raised
    again until the program handles an error, as while it cleans up.

    Args:
        number: Int, the number of the signal.

    Raises:
        Stopped: In any case.
    """

    def again(*_):
        if sys.exc_info()[1] is None:
            raise Stopped(number)

    _came.append(number)
    for other in _numbers():
        signal.signal(other, signal.SIG_IGN)
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped(number)


def _numbers():
    # SIGHUP does not exist everywhere.
    return [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
