"""What a signal does to a program that has things to clear away."""

import signal

STOPS = ("SIGTERM", "SIGHUP")


def exit_when_stopped():
    """Turns signals that end a process at once into an exit that clears up.

    Ctrl-C, SIGINT, raises `KeyboardInterrupt` in any case. The exit status is
    128 and the number of the signal, as a shell says.
    """

    def leave(number, _):
        signal.signal(number, signal.SIG_IGN)  # clearing up is not cut short
        raise SystemExit(128 + number)

    for name in STOPS:
        if hasattr(signal, name):  # there is no SIGHUP everywhere
            signal.signal(getattr(signal, name), leave)
