"""What a detector found in a film, as JSON: to look at, to edit, to use again.

    {"film": SHA-256, "start": seconds, "size": [width, height],
     "frames": [[[left, top, right, bottom], ...], ...]}

There is a list of boxes for each frame from `start` on, in pixels of frames of
`size`. If `film` is null, the boxes are used for any film.
"""

import json
import pathlib

import jsonschema
import numpy as np

from priv_keras import files

BOX = {"type": "array", "items": {"type": "number"}}
BOX |= {"minItems": 4, "maxItems": 4}
SIZE = {"type": "array", "items": {"type": "integer"}}
SIZE |= {"minItems": 2, "maxItems": 2}
SCHEMA = {
    "type": "object",
    "properties": {
        "film": {"type": ["string", "null"]},
        "start": {"type": "number"},
        "size": SIZE,
        "frames": {
            "type": "array",
            "items": {"type": "array", "items": BOX},
        },
    },
    "required": ["film", "start", "size", "frames"],
}


class Recorded:
    """A detector that remembers what it found in one film.

    Args:
        detector: See `obfuscate.Obfuscator`.
        path: Path of the file to write.
    """

    def __init__(self, detector, path):
        self._detector, self._path, self._frames = detector, path, []

    def begin(self, film, start, size):
        """Begins a film; see `Given.begin`."""
        self._about = {"film": film, "start": start, "size": list(size)}

    def __call__(self, frames):
        found = self._detector(frames)
        self._frames += [np.asarray(boxes).tolist() for boxes in found]
        return found

    def finish(self):
        """Writes the file."""
        files.write(
            self._path,
            json.dumps({**self._about, "frames": self._frames}) + "\n",
        )


class Given:
    """What is in a file, in place of a detector, for one film.

    Args:
        path: Path of the file.

    Raises:
        ValueError: If the file is damaged.
    """

    def __init__(self, path):
        self._path, self._used = path, 0
        try:
            self._known = json.loads(pathlib.Path(path).read_text())
            jsonschema.validate(self._known, SCHEMA)
        except (ValueError, RecursionError, jsonschema.ValidationError):
            raise ValueError(
                f"{path} does not hold detections. Make it by a run with "
                "--detections of a name that does not exist."
            ) from None

    def begin(self, film, start, size):
        """Begins a film.

        Args:
            film: String, its SHA-256; `None` if it has none.
            start: Float, seconds of the film at which the first frame is.
            size: `(width, height)` in pixels of the frames that come.

        Raises:
            ValueError: If the file is of another film, part or size.
        """
        if self._known["film"] not in (None, film):
            raise ValueError(f"{self._path} holds detections of another film.")
        if self._known["start"] != start:
            raise ValueError(
                f"{self._path} holds detections from {self._known['start']} s "
                f"on, and the output begins at {start} s."
            )
        if self._known["size"] != list(size):
            raise ValueError(
                f"{self._path} holds detections in frames of "
                f"{self._known['size']}, and these are of {list(size)}."
            )

    def __call__(self, frames):
        start, self._used = self._used, self._used + len(frames)
        self._check(self._used <= len(self._known["frames"]))
        found = self._known["frames"][start : self._used]
        return [np.reshape(boxes, (-1, 4)).astype(float) for boxes in found]

    def finish(self):
        """Raises `ValueError` unless every frame of the file was used."""
        self._check(self._used == len(self._known["frames"]))

    def _check(self, fits):
        if not fits:
            raise ValueError(
                f"{self._path} holds detections in "
                f"{len(self._known['frames'])} frames, and the film has "
                "another number."
            )
