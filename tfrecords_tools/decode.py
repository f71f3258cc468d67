"""Decodes a video file or a folder of pictures to frames."""

import contextlib
import glob
import os
import pathlib
import re

import numpy as np
from absl import logging

from tfrecords_tools import names
from tfrecords_tools import outline
from tfrecords_tools import picture
from tfrecords_tools import video

# Words in the names of pictures, and in those of what is recorded or derived
# beside them.
PICTURE_WORDS = {"rgb", "color", "colour", "image", "img", "frame"}
OTHER_WORDS = {
    "depth",
    "disparity",
    "flow",
    "infrared",
    "ir",
    "mask",
    "masks",
    "seg",
    "segmentation",
}
ONE_SORT = (
    "Leave one sort in it, or name one as in rgb_*.png in a --csv of a folder."
)


def frames(path, size, squash=False, warn=logging.warning):
    """Decodes a whole video at a small size.

    Args:
        path: A video file, a folder of numbered pictures, a glob of pictures,
            or one picture: a video of one frame.
        size: `(width, height)` in pixels.
        squash: Bool, whether frames are stretched to `size`, whatever their
            aspect ratio.
        warn: As `stream` takes it.

    Returns:
        uint8 array `(n, height, width, 3)`, RGB.

    Raises:
        ValueError: If nothing can be decoded, or frames have more than
            `picture.MAX_PIXELS`; names `path` and the reason.
    """
    return np.stack(list(stream(path, size, squash, warn)))


def stream(path, size, squash=False, warn=logging.warning):
    """Decodes a video frame by frame, at a small size.

    Unless it is squashed, a frame of another aspect ratio is fitted inside and
    its border pixels are repeated up to the edge. UT-Interaction's clips are
    boxes cut tightly around people, from 0.6 to 2.3 times as wide as high: to
    fill the frame would cut off a pointing arm or one of the two people, and
    to stretch them would change their build, which is half of what tells them
    apart.

    Frames are turned and mirrored as the file asks for display. If its frame
    rate varies, a video of n frames yields the frames that are seen at n evenly
    spaced instants: a pause is not skipped.

    Args:
        path: As `frames` takes it.
        size: `(width, height)` in pixels.
        squash: Bool, as `frames` takes it.
        warn: Callable that takes a string: what is left out of a video that is
            taken.

    Yields:
        uint8 arrays `(height, width, 3)`, RGB; at least one.

    Raises:
        ValueError: As `frames` does, when the fault is met.
    """
    path = names.existing(pathlib.Path(path))
    with picture.named(path):
        found = files(path, warn)
        if not found:
            kinds = ", ".join(picture.SUFFIXES)
            wrong = f"holds no numbered pictures ({kinds})"
            wrong = wrong if path.is_dir() else "does not exist"
            raise ValueError(f"{path} {wrong}.")

        def fitted(shape):
            return _inside(shape, size, squash)

        if found == [path] and _is_untimed_gif(path):
            pictures = _fitted(picture.each_of_gif(path, warn), fitted)
        elif found == [path] and not _holds_picture(path):
            outline.check(path, warn)
            pictures = video.arrays(path, fitted, warn)
        else:
            pictures = _pictures(found, fitted, warn)
        count = 0
        with contextlib.closing(pictures):
            for pixels in pictures:
                yield _fill(pixels, size)
                count += 1
        if not count:
            raise ValueError(f"{path} has no frames.")


def files(path, warn=logging.warning):
    """Returns the files that a video is made of, in the order of its frames.

    Args:
        path: `pathlib.Path`, as `frames` takes it.
        warn: As `stream` takes it.

    Returns:
        List of `pathlib.Path`; empty if there are none. The pictures of a
        glob are in the order of their names, where `2` comes before `10`.

    Raises:
        ValueError: If pictures of two sorts are mixed, see `numbered`.
    """
    if path.is_dir():
        return numbered(path, warn)
    if os.path.lexists(path):  # first: some of HMDB51's names look like globs
        return [path]
    # A folder that exists may look like a glob as well.
    base = next(parent for parent in path.parents if parent.is_dir())
    matching = glob.glob(str(path.relative_to(base)), root_dir=base)
    found = sorted(filter(_is_picture, map(base.joinpath, matching)))
    return sorted(_of_one_sort(path, found, warn), key=_natural)


def _is_picture(path):
    is_picture = path.suffix.lower() in picture.SUFFIXES
    return is_picture and not names.is_system(path.name)


def _is_untimed_gif(path):
    picture.check_file(path)
    gif = outline.gif(path)
    return gif is not None and gif.pictures > 1 and not gif.timed


def _holds_picture(path):
    picture.check_file(path)
    if gif := outline.gif(path):
        return gif.pictures < 2
    return outline.is_picture(path, default=_is_picture(path))


def _natural(path):
    pieces = re.split(r"(\d+)", str(path))  # every other one is a number
    return [int(p) if i % 2 else p for i, p in enumerate(pieces)]


def numbered(folder, warn=logging.warning):
    """Returns a folder's pictures, in the order of the numbers in their names.

    One without a number is not a frame, but a thumbnail or a cover. If there
    are several sorts, as `rgb_1.png` beside `depth_1.png`, the one is taken
    that is named as the picture, see `PICTURE_WORDS`.

    Args:
        folder: `pathlib.Path`.
        warn: As `stream` takes it.

    Returns:
        List of `pathlib.Path`.

    Raises:
        ValueError: If there are several sorts and names do not tell which is
            the picture, or if two pictures have the same number.
    """
    found = [path for path in folder.iterdir() if _is_picture(path)]
    found = [path for path in found if re.search(r"\d", path.stem)]
    found = _of_one_sort(folder, sorted(found), warn)
    found.sort(key=_numbers)
    columns = list(zip(*map(_numbers, found), strict=True))
    varying = [column for column in columns if len(set(column)) > 1]
    seen = {}
    for path, number in zip(
        found, (varying or columns or [()])[-1], strict=True
    ):
        if number in seen:
            raise ValueError(
                f"{folder} has two pictures of number {number}, "
                f"{seen[number]} and {path.name}. {ONE_SORT}"
            )
        seen[number] = path.name
    return found


def _numbers(path):
    return [int(number) for number in re.findall(r"\d+", path.stem)]


def _of_one_sort(where, paths, warn):
    """Returns the pictures whose names have the same text around numbers."""
    sorts = {}
    for path in paths:
        sort = re.sub(r"\d+", "#", path.stem.casefold())
        if "#" in sort:
            sorts.setdefault(sort, []).append(path)
    if len(sorts) < 2:
        return paths
    told = [f"{len(sorts[sort])} {sort}" for sort in sorted(sorts)]
    told = ", ".join(told[:4] + ["and others"] * (len(told) > 4))
    chosen = _picture_sort(sorts)
    if chosen is None:
        raise ValueError(
            f"{where} has numbered pictures of several sorts ({told}). "
            f"{ONE_SORT}"
        )
    warn(f"{where}: {chosen} is taken of its numbered pictures ({told}).")
    return sorts[chosen]


def _picture_sort(sorts):
    """Returns the sort that is the picture: the only one of `rgb`, or the only
    one that is named so if all others are named otherwise; or `None`."""
    words = {sort: {*re.split("[^a-z]+", sort)} for sort in sorts}
    pictures = [s for s in sorts if not words[s] & OTHER_WORDS]
    rgb = [s for s in pictures if "rgb" in words[s]]
    named = rgb or [s for s in pictures if words[s] & PICTURE_WORDS]
    sure = len(named) == 1 and (rgb or named == pictures)
    return named[0] if sure else None


def _pictures(paths, fitted, warn):
    return _fitted((picture.read(path, warn) for path in paths), fitted)


def _fitted(pictures, fitted):
    for pixels in pictures:
        yield picture.resized(pixels, fitted(pixels.shape[1::-1]))


def _inside(shape, size, squash):
    """Returns the size of `shape` fitted into `size`; width first."""
    if squash:
        return tuple(size)
    scale = min(size[0] / shape[0], size[1] / shape[1])
    return tuple(max(1, round(side * scale)) for side in shape)


def _fill(picture, size):
    """Repeats the border of a picture up to `size`."""
    import cv2

    width, height = size
    inner = picture.shape[1], picture.shape[0]
    if inner == tuple(size):
        return picture
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    return cv2.copyMakeBorder(
        picture,
        top,
        height - inner[1] - top,
        left,
        width - inner[0] - left,
        cv2.BORDER_REPLICATE,
    )
