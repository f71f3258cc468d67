"""A judged run, read back from its folder."""

import json
import pathlib
from typing import NamedTuple

import jsonschema

from priv_keras.runs import results
from priv_keras.runs.folder import RunFolder
from priv_keras.runs.turns import TURN


class Run(NamedTuple):
    """A run that `train` or `evaluate` judged."""

    folder: pathlib.Path
    config: str  # config.flags, with the flags it was judged with later
    turns: list  # dicts, the figures of each turn
    result: dict  # result.json

    @property
    def name(self):
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def flags(self):
        """Dict of flag to its value as text, `"true"` for a bare `--flag`."""
        pairs = (
            line.removeprefix("--").partition("=")
            for line in self.config.splitlines()
        )
        return {name: value if eq else "true" for name, eq, value in pairs}


def load_run(folder):
    """Reads the run in a folder.

    Args:
        folder: Path.

    Returns:
        `Run`.

    Raises:
        FileNotFoundError: If the folder holds no run that was judged.
        ValueError: If its result or its figures are damaged.
    """
    folder = pathlib.Path(folder).resolve()
    held = RunFolder(folder)
    path = held.result
    if not path.exists():
        raise FileNotFoundError(
            f"{folder} holds no result.json. Judge the run first: `python -m "
            f"priv_keras.evaluate --run_dir={folder}`."
        )
    result = _parsed(_text(path), results.RESULT, path)
    return Run(
        folder,
        _config(_text(held.config), result.get("judging", "")),
        [
            _parsed(line, TURN, held.turns)
            for line in _text(held.turns).splitlines()
        ],
        result,
    )


def _config(made, judged):
    """Returns the flagfile `made`, with the flags of `judged` put in."""
    judged = judged.splitlines()
    names = {line.partition("=")[0] for line in judged}
    kept = [x for x in made.splitlines() if x.partition("=")[0] not in names]
    return "".join(f"{line}\n" for line in kept + judged)


def _parsed(text, schema, path):
    try:
        content = json.loads(text)
        jsonschema.validate(content, schema)
    except (ValueError, RecursionError, jsonschema.ValidationError) as error:
        where = getattr(error, "json_path", "$")
        said = getattr(error, "message", error)
        raise ValueError(
            f"{path} is damaged, or not from priv_keras ({where}: {said}). Run "
            "`priv_keras.evaluate` again, or leave the run out."
        ) from error
    return content


def _text(path):
    return path.read_text() if path.exists() else ""
