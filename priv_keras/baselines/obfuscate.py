"""Faces or bodies found by a detector, and covered: what is done today."""

from collections import deque

import numpy as np
import tensorflow as tf

from priv_keras.baselines import detectors
from priv_keras.baselines import drawing
from priv_keras.baselines import tracking
from priv_keras.pixels import checked
from priv_keras.pixels import to_float
from priv_keras.pixels import to_uint8

DETECTORS = {
    "face": detectors.FaceDetector,
    "body": detectors.PersonDetector,
}
# A detector's face ends at brow and chin.
MARGINS = {"face": 0.25, "body": 0.1}
REGIONS = {
    ("face", "box"): drawing.box,
    ("face", "segmentation"): drawing.ellipse,
    ("body", "box"): drawing.box,
    ("body", "segmentation"): drawing.silhouette,
}
LOOKS = {"black": drawing.black, "blur": drawing.blur}
NAMES = {
    f"{part}_{region}_{look}": (part, region, look)
    for part, region in REGIONS
    for look in LOOKS
}


class Obfuscator:
    """Covers what a detector finds in the frames of a video.

    It hides what is detected and nothing else: a frame in which nothing is
    found, nor near it in time, stays as it is.

    Args:
        detector: Callable from uint8 frames `(n, height, width, 3)` to a list
            of n float arrays `(boxes, 4)`: left, top, right, bottom.
        region: Callable of a frame and its boxes that returns the mask of
            what is covered, as `drawing.box`.
        look: Callable of the same that returns what covers it, as
            `drawing.black`.
        margin: Non-negative float, by how much of its size a box is enlarged
            on every side.
        memory, least_overlap: As of `tracking.follow`.
    """

    def __init__(
        self,
        detector,
        region,
        look,
        *,
        margin,
        memory=5,
        least_overlap=0.3,
    ):
        self.detector = detector
        self.region = region
        self.look = look
        self.margin = margin
        self.memory = memory
        self.least_overlap = least_overlap

    def __call__(self, frames):
        """Covers the consecutive frames of one video.

        Args:
            frames: uint8 `(n, height, width, 3)`, RGB.

        Returns:
            uint8 array of the same shape.

        Raises:
            ValueError: If `frames` has another shape or dtype.
        """
        frames = checked(frames)
        return np.concatenate([frames[:0], *self.stream([frames])])

    def stream(self, batches):
        """Covers the frames of one video while they come.

        What comes out is that of a call with all frames at once, however they
        are batched. At most `memory` frames and two runs of the detector wait
        inside.

        Args:
            batches: Iterable of arrays as `__call__` takes them.

        Yields:
            uint8 arrays `(1, height, width, 3)`, as many as frames came.

        Raises:
            ValueError: As `__call__` does.
        """
        waiting = deque()

        def detections():
            for frames in _regrouped(batches, detectors.BATCH):
                waiting.extend(frames)
                yield from self.detector(frames)

        followed = tracking.follow(
            detections(), self.memory, self.least_overlap
        )
        for boxes in followed:
            yield self._cover(waiting.popleft(), boxes)[None]

    def _cover(self, frame, boxes):
        boxes = drawing.enlarged(boxes, self.margin)
        mask = self.region(frame, boxes)
        return np.where(mask[..., None], self.look(frame, boxes), frame)


def _regrouped(batches, size):
    """The same frames in batches of `size`; the last may have fewer."""
    waiting = []
    for batch in batches:
        for frame in checked(batch):
            waiting.append(frame)
            if len(waiting) == size:
                yield np.stack(waiting)
                waiting = []
    if waiting:
        yield np.stack(waiting)


def build(name, cache=None, memory=5):
    """Returns the `Obfuscator` of a name.

    Args:
        name: Key of `NAMES`, as in `face_box_black`.
        cache: Folder for what the detector finds, or `None`. All looks at
            faces, or at bodies, share it.
        memory: As of `tracking.follow`.

    Raises:
        FileNotFoundError: If the detector is not installed; says the command.
    """
    part, region, look = NAMES[name]
    detector = DETECTORS[part]()
    if cache is not None:
        detector = detectors.Cached(detector, cache)
    return Obfuscator(
        detector,
        REGIONS[part, region],
        LOOKS[look],
        margin=MARGINS[part],
        memory=memory,
    )


def of_clips(obfuscator):
    """What the judge takes: a callable of clips.

    Args:
        obfuscator: `Obfuscator`.

    Returns:
        Callable from clips `(batch, frames, height, width, 3)` in [0, 1] to
        the same, each a video of its own; also inside a `tf.function`.
    """

    def cover(clips):
        return np.stack([obfuscator(clip) for clip in clips])

    def anonymize(clips):
        covered = tf.numpy_function(cover, [to_uint8(clips)], tf.uint8)
        return to_float(tf.ensure_shape(covered, clips.shape))

    return anonymize
