"""Covers the faces or bodies that a detector finds, as is common today."""

import functools
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
# The face detector's boxes end at brow and chin.
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

    It hides what is detected and nothing else. A frame stays as it is if
    nothing is found in it or in the frames around it.

    Args:
        detector: Callable from uint8 frames `(n, height, width, 3)` to a list
            of n float arrays `(boxes, 4)`: left, top, right, bottom in pixels.
        region: Callable from a frame and its boxes to the mask of the pixels
            to cover, such as `drawing.box`.
        look: Callable from the same to the picture that covers them, such as
            `drawing.black`.
        margin: Non-negative float, the share of its size by which a box is
            enlarged on every side.
        memory, least_overlap: See `tracking.follow`.
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
        """Covers the frames of one video while they arrive.

        The result equals that of a call with all frames at once, however they
        are batched. At most `memory` frames and two batches of the detector
        wait inside.

        Args:
            batches: Iterable of arrays that `__call__` takes.

        Yields:
            uint8 arrays `(1, height, width, 3)`, one for each frame.

        Raises:
            ValueError: If frames have another shape or dtype.
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
    """Yields the same frames in batches of `size`; the last may be smaller."""
    waiting = []
    for batch in batches:
        for frame in checked(batch):
            waiting.append(frame)
            if len(waiting) == size:
                yield np.stack(waiting)
                waiting = []
    if waiting:
        yield np.stack(waiting)


def build(
    name,
    cache=None,
    memory=5,
    threshold=None,
    mask_scale=None,
    mosaic=None,
    detector=None,
):
    """Returns the `Obfuscator` of a name.

    Args:
        name: Key of `NAMES`, such as `face_box_black`.
        cache: Folder for what the detector finds, or `None`. All baselines with
            the same detector share it.
        memory: See `tracking.follow`.
        threshold: Float in (0, 1), the smallest score of what is covered;
            `None` for that of the detector.
        mask_scale: Float, 1 or more, the factor by which both sides of a box
            are enlarged; `None` for that of the detector.
        mosaic: Int, pixels; squares of this side replace the look of the name.
            `None` for that look.
        detector: See `Obfuscator`; `None` for that of the name.

    Raises:
        FileNotFoundError: If the detector is not installed. The message names
            the command that installs it.
    """
    part, region, look = NAMES[name]
    options = {} if threshold is None else {"score": threshold}
    detector = detector or DETECTORS[part](**options)
    drawn, margin = LOOKS[look], MARGINS[part]
    if mosaic is not None:
        drawn = functools.partial(drawing.mosaic, side=mosaic)
    if mask_scale is not None:
        margin = (mask_scale - 1) / 2
    if cache is not None:
        detector = detectors.Cached(detector, cache)
    return Obfuscator(
        detector,
        REGIONS[part, region],
        drawn,
        margin=margin,
        memory=memory,
    )


def of_clips(obfuscator):
    """Makes a callable of clips, as the evaluation takes it.

    Args:
        obfuscator: `Obfuscator`.

    Returns:
        Callable from clips `(batch, frames, height, width, 3)` in [0, 1] to
        clips of the same shape. Each clip is a video of its own. It may be
        called inside a `tf.function`.
    """

    def cover(clips):
        return np.stack([obfuscator(clip) for clip in clips])

    def anonymize(clips):
        covered = tf.numpy_function(cover, [to_uint8(clips)], tf.uint8)
        return to_float(tf.ensure_shape(covered, clips.shape))

    return anonymize
