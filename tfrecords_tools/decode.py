"""From a video file or a folder of pictures to frames."""

import glob
import pathlib
import re

import numpy as np

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")


def frames(path, size, squash=False):
    """Decodes a whole video at a small size.

    Unless it is squashed, a frame of another aspect ratio is fitted inside and
    its border pixels are repeated up to the edge. UT-Interaction's clips are
    boxes cut tightly around people, from 0.6 to 2.3 times as wide as high: to
    fill the frame would cut off an arm that points or one of the two, and to
    stretch them would change their build, which is half of what tells them
    apart.

    Args:
        path: A video file, a folder of numbered pictures, a glob of pictures,
            or one picture: a video of one frame.
        size: `(width, height)` in pixels.
        squash: Bool, whether frames are stretched to `size`, whatever their
            aspect ratio was.

    Returns:
        uint8 array `(n, height, width, 3)`, RGB.

    Raises:
        ValueError: If nothing can be decoded; names `path` and the reason.
    """
    path = pathlib.Path(path)
    found = files(path)
    if not found:
        wrong = "has no frames" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {wrong}.")
    if found == [path] and not _is_picture(path):
        pictures = _video(path)
    else:
        pictures = _pictures(found)
    resized = [_fit(picture, size, squash) for picture in pictures]
    if not resized:
        raise ValueError(f"{path} has no frames.")
    return np.stack(resized)


def files(path):
    """The files that a video is made of, in the order of its frames.

    Args:
        path: `pathlib.Path`, as `frames` takes it.

    Returns:
        List of `pathlib.Path`; empty if there are none. The pictures of a
        glob are in the order of their names, where `2` comes before `10`.
    """
    if path.is_dir():
        return numbered(path)
    if path.exists():  # first: some of HMDB51's names look like globs
        return [path]
    # A folder that exists may look like a glob as well.
    base = next(parent for parent in path.parents if parent.is_dir())
    names = glob.glob(str(path.relative_to(base)), root_dir=base)
    found = [base / name for name in names]
    return sorted(filter(_is_picture, found), key=_natural)


def _is_picture(path):
    return path.suffix.lower() in PICTURE_SUFFIXES


def _natural(path):
    pieces = re.split(r"(\d+)", str(path))  # every other one is a number
    return [int(p) if i % 2 else p for i, p in enumerate(pieces)]


def numbered(folder):
    """Pictures of a folder in the order of the last number in their names.

    One without a number is no frame: a thumbnail, or a cover.
    """
    number_of = {
        path: re.findall(r"\d+", path.stem)
        for path in folder.iterdir()
        if _is_picture(path)
    }
    return sorted(
        (path for path in number_of if number_of[path]),
        key=lambda path: (int(number_of[path][-1]), path.name),
    )


def _pictures(paths):
    import cv2

    for path in paths:
        picture = cv2.imread(str(path))
        if picture is None:
            raise ValueError(f"{path} is not a picture.")
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _video(path):
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError(f"{path} has no video stream.")
            stream = container.streams.video[0]
            # Workers share the cores already.
            stream.codec_context.thread_count = 1
            count = 0
            for frame in container.decode(stream):
                yield frame.to_ndarray(format="rgb24")
                count += 1
            # An interrupted download decodes without complaint. Whole files
            # were seen to hold 2 frames less than they announce.
            if count < 0.9 * stream.frames - 2:
                raise ValueError(
                    f"{path} is cut off: it holds {count} of the "
                    f"{stream.frames} frames that it announces."
                )
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded: {error}.") from error


def _fit(picture, size, squash):
    import cv2

    width, height = size
    scales = width / picture.shape[1], height / picture.shape[0]
    if not squash:
        scales = (min(scales),) * 2
    inner = (
        max(1, round(picture.shape[1] * scales[0])),
        max(1, round(picture.shape[0] * scales[1])),
    )
    way = cv2.INTER_AREA if max(scales) < 1 else cv2.INTER_LINEAR
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
