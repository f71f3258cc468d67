"""Lets a program clean up when a signal stops it."""

import signal

STOPS = ("SIGTERM", "SIGHUP")


def exit_when_stopped():
    """Turns signals that end a process at once into an exit that cleans up.

    SIGINT (Ctrl-C) raises `KeyboardInterrupt` in any case. The exit status is
    128 plus the number of the signal, as in a shell.
    """

    def leave(number, _):
        signal.signal(number, signal.SIG_IGN)  # so that cleaning up can finish
        raise SystemExit(128 + number)

    for name in STOPS:
        if hasattr(signal, name):  # SIGHUP does not exist everywhere
            signal.signal(getattr(signal, name), leave)
