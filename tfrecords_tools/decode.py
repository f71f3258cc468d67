"""Decodes a video file or a folder of pictures to frames."""

import contextlib
import glob
import pathlib
import re
import warnings

import numpy as np

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")
# The formats that are read, whatever the name ends in, as Pillow calls them.
PICTURE_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
MAX_PIXELS = 1 << 26  # of a frame: beyond 8K, it is damaged or a bomb
# The demuxers of FFmpeg that may open a file. Each reads that file alone. The
# others are left out because they follow a file to other files and addresses
# (concat, hls, dash, imf, sdp, mlv, image2), run a script (lavfi, avisynth), or
# because nobody has asked for them.
FORMATS = (
    "mov",
    "matroska",
    "avi",
    "mpegts",
    "mpeg",
    "asf",
    "flv",
    "mxf",
    "ogg",
    "rm",
    "dv",
    "gif",
    "apng",
    "wtv",
    "gxf",
    "nut",
    "dhav",
    "hxvs",
    "h264",
    "hevc",
    "vvc",
    "av1",
    "obu",
    "ivf",
    "vc1",
    "m4v",
    "mpegvideo",
    "mjpeg",
    "mjpeg_2000",
    "mpjpeg",
    "yuv4mpegpipe",
    "jpeg_pipe",
    "png_pipe",
    "bmp_pipe",
    "tiff_pipe",
    "webp_pipe",
)


def frames(path, size, squash=False):
    """Decodes a whole video at a small size.

    Args:
        path: A video file, a folder of numbered pictures, a glob of pictures,
            or one picture: a video of one frame.
        size: `(width, height)` in pixels.
        squash: Bool, whether frames are stretched to `size`, whatever their
            aspect ratio.

    Returns:
        uint8 array `(n, height, width, 3)`, RGB.

    Raises:
        ValueError: If nothing can be decoded, or frames have more than
            `MAX_PIXELS`; names `path` and the reason.
    """
    return np.stack(list(stream(path, size, squash)))


def stream(path, size, squash=False):
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

    Yields:
        uint8 arrays `(height, width, 3)`, RGB; at least one.

    Raises:
        ValueError: As `frames` does, when the fault is met.
    """
    path = pathlib.Path(path)
    found = files(path)
    if not found:
        wrong = "has no frames" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {wrong}.")
    if found == [path] and not _is_picture(path):
        pictures = _video(path, size, squash)
    else:
        pictures = _pictures(found, size, squash)
    count = 0
    for picture in pictures:
        yield _fill(picture, size)
        count += 1
    if not count:
        raise ValueError(f"{path} has no frames.")


def files(path):
    """Returns the files that a video is made of, in the order of its frames.

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
    """Returns a folder's pictures, by the last number in their names.

    One without a number is not a frame, but a thumbnail or a cover.
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


def _pictures(paths, size, squash):
    import cv2

    for path in paths:
        _check_header(path)
        picture = cv2.imread(str(path))
        if picture is None:
            raise ValueError(f"{path} is not a picture.")
        shape = (picture.shape[1], picture.shape[0])
        inner = _inside(shape, size, squash)
        interpolation = cv2.INTER_AREA if inner < shape else cv2.INTER_LINEAR
        picture = cv2.resize(picture, inner, interpolation=interpolation)
        yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _check_header(path):
    """Raises unless a file is a picture with few enough pixels to decode."""
    from PIL import Image

    try:
        with warnings.catch_warnings():  # our own limit is lower
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=PICTURE_FORMATS) as picture:
                size = picture.size
    except Image.DecompressionBombError as error:
        _check_pixels(path, int(re.search(r"\d+", str(error))[0]))
        raise
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a picture.") from error
    _check_pixels(path, size[0] * size[1], size)


def _check_pixels(path, count, size=None):
    if count > MAX_PIXELS:
        shape = f" ({size[0]}x{size[1]})" if size else ""
        raise ValueError(
            f"{path} has frames of {count} pixels{shape}, and the limit is "
            f"{MAX_PIXELS}. Scale it down first."
        )


def _video(path, size, squash):
    import av

    try:
        period = _period(path)
        with _open(path) as (container, video):
            decoded = _whole(container.decode(video), video, path)
            yield from _scaled(_evenly(decoded, period), size, squash)
    except av.ArgumentError as error:  # also of a demuxer that is not allowed
        raise ValueError(
            f"{path} cannot be decoded: it is damaged, or in a format that is "
            "not read, such as a playlist, or has frames of more than "
            f"{MAX_PIXELS} pixels."
        ) from error
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded: {error}.") from error


@contextlib.contextmanager
def _open(path):
    """Yields the container of a video, then closed, and its first stream."""
    import av

    allowed = {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
    }
    # A title need not be in UTF-8. PyAV 19 takes any and has no such option.
    old = int(av.__version__.partition(".")[0]) < 19
    options = {"metadata_errors": "replace"} if old else {}
    with av.open(f"file:{path}", options=allowed, **options) as container:
        if not container.streams.video:
            raise ValueError(f"{path} has no video stream.")
        video = container.streams.video[0]
        if video.codec_context is None:
            raise ValueError(f"{path} has a video stream of an unknown codec.")
        size = video.codec_context.width, video.codec_context.height
        _check_pixels(path, size[0] * size[1], size)
        video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        # Workers share the cores already.
        video.codec_context.thread_count = 1
        yield container, video


def _whole(frames, video, path):
    """Passes frames on, and raises at the end if there were far too few."""
    count, end = 0, 0
    for frame in frames:
        yield frame
        count += 1
        end = max(end, frame.time or 0)
    # An interrupted download decodes without complaint. Whole files were seen
    # to hold 2 frames fewer than they announce, and AVI counts dropped ones.
    too_few = count < 0.9 * video.frames - 2
    length = (video.duration or 0) * (video.time_base or 0)
    if too_few and end < 0.9 * length:
        raise ValueError(
            f"{path} is cut off: it holds {count} of the {video.frames} frames "
            "that it announces."
        )


def _period(path):
    """Returns the mean seconds between frames, or `None` if nothing tells.

    It is computed from the packets, since headers announce guessed rates.
    """
    with _open(path) as (container, video):
        if container.format.name == "avi":  # has one rate, and no timestamps
            return None
        times = [p.pts for p in container.demux(video) if p.pts is not None]
        if len(times) < 2 or not video.time_base:
            return None
        ticks = (max(times) - min(times)) / (len(times) - 1)
        return float(ticks * video.time_base) or None


def _evenly(frames, period):
    """Yields the frame that is seen at each instant, `period` seconds apart.

    Instants are half a period late, so that at a constant rate each frame is
    taken once, however its timestamp was rounded.
    """
    start, taken, seen = None, 0, None
    for frame in frames:
        if period is None or frame.time is None:
            yield frame
            continue
        start = frame.time if start is None else start
        while seen and start + (taken + 0.5) * period < frame.time:
            yield seen
            taken += 1
        seen = frame
    while seen and start + (taken + 0.5) * period < seen.time + period:
        yield seen
        taken += 1


def _scaled(frames, size, squash):
    """Yields frames of a video as arrays, fitted into `size` and upright."""
    from av.video.reformatter import Interpolation
    from av.video.reformatter import VideoReformatter

    # This scales and converts to RGB in one step. By default, PyAV starts
    # threads for every frame, which takes three times as long as the work.
    scaler = VideoReformatter()
    matrix = None
    for frame in frames:
        if matrix is None:
            matrix = _display_matrix(frame)
        shape = (frame.width, frame.height)
        turned = matrix[0, 0] == 0
        inner = _inside(shape, size[::-1] if turned else size, squash)
        shrinks = inner < shape
        interpolation = (
            Interpolation.AREA if shrinks else Interpolation.BILINEAR
        )
        small = scaler.reformat(
            frame,
            *inner,
            format="rgb24",
            interpolation=interpolation,
            threads=1,
        )
        yield _upright(small.to_ndarray(), matrix)


def _display_matrix(frame):
    """Returns how to turn a frame: `(x, y) @ matrix`, int array `(2, 2)`."""
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return np.eye(2, dtype=int)
    matrix = np.frombuffer(bytes(data), "int32").reshape(3, 3)[:2, :2]
    # Phones turn by quarters; any other angle is rounded to one.
    turned = abs(matrix[0, 0]) < abs(matrix[0, 1])
    matrix = np.sign(matrix) * np.eye(2, dtype=int)[:: -1 if turned else 1]
    return matrix if matrix.any(axis=0).all() else np.eye(2, dtype=int)


def _upright(picture, matrix):
    if matrix[0, 0] == 0:
        picture = picture.transpose(1, 0, 2)
    x_sign, y_sign = matrix.sum(axis=0)
    return np.ascontiguousarray(picture[::y_sign, ::x_sign])


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
