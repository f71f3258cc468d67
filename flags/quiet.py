"""Keeps the greetings of TensorFlow's libraries off standard error."""

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile

# Greetings, and information logged before the log knows its level. All other
# lines, among them warnings and errors, are passed on.
GREETING = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|I\d{4} \d\d:\d\d:\d\d"
    rb"|[EW]\d{4} .*Unable to register cu\w+ factory"
    rb"|INFO: Created TensorFlow Lite XNNPACK delegate"
    rb"|fully_quantize: \d, inference_type: "
)

_silenced = False  # whether `silence` was called


@contextlib.contextmanager
def greetings(unless=()):
    """Removes greetings from what is written to standard error meanwhile.

    Everything, including what C++ writes, is held back until the end. Nothing
    is done unless `silence` was called.

    Args:
        unless: Exception class or classes after which greetings are kept.
    """
    if not _silenced or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = False
        try:
            yield
        except unless:
            failed = True
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            for line in held:
                if failed or not GREETING.match(line):
                    os.write(2, line)


class _Loader(importlib.abc.Loader):
    """Loads a module with another loader, and removes its greetings."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        with greetings(unless=Exception):
            self.loader.exec_module(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Has TensorFlow loaded by `_Loader`.

    It may be asked more than once: some libraries look whether TensorFlow is
    installed, and do not import it.
    """

    searches = False  # whether it asks the other finders now

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow" or self.searches:
            return None
        self.searches = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searches = False
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader)
        return spec


def silence():
    """Makes TensorFlow, which must not be imported yet, log only errors.

    Its log obeys `TF_CPP_MIN_LOG_LEVEL`, but not while TensorFlow is imported,
    which is when it greets; standard error is therefore held back during the
    import. LiteRT greets later, and must be used within `greetings`.
    """
    global _silenced
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _silenced = level != "0"
    if _silenced and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Finder())
