"""From a video file or a folder of pictures to frames."""

import pathlib
import re

import numpy as np

VIDEO_SUFFIXES = (".avi", ".mp4", ".mov", ".mkv", ".webm")


def frames(path, size):
    """Decodes a whole video at a small size.

    A frame of another aspect ratio is fitted inside and its border pixels are
    repeated up to the edge: nobody is cut off or squeezed.

    Args:
        path: A video file, or a folder of numbered pictures.
        size: `(width, height)` in pixels.

    Returns:
        uint8 array `(n, height, width, 3)`, RGB.

    Raises:
        ValueError: If nothing can be decoded; names `path` and the reason.
    """
    path = pathlib.Path(path)
    pictures = _pictures(path) if path.is_dir() else _video(path)
    resized = [_fit(picture, size) for picture in pictures]
    if not resized:
        raise ValueError(f"{path} has no frames.")
    return np.stack(resized)


def numbered(folder):
    """Pictures of a folder in the order of the number in their names."""
    paths = [p for p in folder.iterdir() if p.suffix in (".png", ".jpg")]
    return sorted(paths, key=lambda p: int(re.findall(r"\d+", p.stem)[-1]))


def _pictures(folder):
    import cv2

    for path in numbered(folder):
        picture = cv2.imread(str(path))
        if picture is None:
            raise ValueError(f"{path} is not a picture.")
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _video(path):
    import av

    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} cannot be decoded: {error}.") from error


def _fit(picture, size):
    import cv2

    width, height = size
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = (
        max(1, round(picture.shape[1] * scale)),
        max(1, round(picture.shape[0] * scale)),
    )
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(picture, inner, interpolation=way)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    return cv2.copyMakeBorder(
        picture,
        top,
        height - inner[1] - top,
        left,
        width - inner[0] - left,
        cv2.BORDER_REPLICATE,
    )
