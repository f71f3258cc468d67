"""Decodes a picture file to what people see: upright, in sRGB, 8 bits."""

import contextlib
import io
import itertools
import re
import warnings

import numpy as np

from tfrecords_tools import outline

# The formats that are read, whatever the name ends in, as Pillow calls them.
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "AVIF")
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".tif",
    ".tiff",
    ".webp",
    ".gif",
    ".avif",
)
MAX_PIXELS = 1 << 26  # of a frame: beyond 8K, it is damaged or a bomb
MAX_BYTES = 1 << 28  # of a file: more than that many pixels take
# Tags of TIFF.
BITS, PHOTOMETRIC, MAX_SAMPLE, SIGNED_MAX_SAMPLE = 258, 262, 281, 341
WHITE_IS_ZERO = 0
FULL = 65535
# 16-bit samples that all lie below are of a sensor or a program of 15 bits or
# fewer, or of a night: only the file can tell, and most do not.
DOUBTFUL = 1 << 15
# Colour space of an ICC profile to the mode of pictures that it describes.
SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def read(path, warn):
    """Decodes the first picture of a file.

    Transparent parts are laid over white, so that the colours that a file
    keeps behind them are not seen. Colours are converted from the file's ICC
    profile to sRGB; without one, they are taken for sRGB. 16-bit samples are
    scaled by the range that the file declares.

    Args:
        path: `pathlib.Path` of a file.
        warn: Callable that takes a string, for what is left out.

    Returns:
        uint8 array `(height, width, 3)`, RGB.

    Raises:
        ValueError: If it is not a whole picture, has more than `MAX_PIXELS`, or
            samples whose range nothing tells; names `path`.
    """
    from PIL import Image

    # Ours are told, and limits are lower. `catch_warnings` is not for threads.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    with named(path):
        content = _content(path)
        with _opened(path, content) as image:
            if image.format in ("JPEG", "MPO"):
                _check_jpeg(path, content)
            samples = {str(tile[3]) for tile in image.tile}
            if getattr(image, "is_animated", False):
                warn(f"{path}: only the first of several pictures is read.")
            image.load()
            orientation = _orientation(path, image, warn)
            image = _eight_bits(path, image, content, samples)
        pixels = Image.fromarray(_visible(path, image, warn))
        if orientation is not None:
            pixels = pixels.transpose(orientation)
        return np.asarray(pixels)


@contextlib.contextmanager
def named(path):
    """Rewords what a library raises about a file to a line that names it.

    Raises:
        ValueError: In place of any exception, unless it is one already, or an
            `OSError`, whose text names the file.
    """
    try:
        yield
    except Exception as error:
        text = " ".join(str(error).split())
        if isinstance(error, ValueError | OSError) and str(path) in str(error):
            raise
        raise ValueError(
            f"{path} cannot be decoded: {text or type(error).__name__}."
        ) from error


def check_pixels(path, count, size=None):
    """Raises if a frame has too many pixels to decode.

    Args:
        path: Path of the file.
        count: Int, the pixels that a header announces.
        size: `(width, height)`, if it is known.

    Raises:
        ValueError: If there are more than `MAX_PIXELS`.
    """
    if count > MAX_PIXELS:
        shape = f" ({size[0]}x{size[1]})" if size else ""
        raise ValueError(
            f"{path} has frames of {count} pixels{shape}, and the limit is "
            f"{MAX_PIXELS}. Scale it down first."
        )


def check_file(path):
    """Raises unless a path is a file: a pipe or a device would never end.

    Raises:
        ValueError: If it is not one, or a link to nothing.
    """
    if path.is_symlink() and not path.exists():
        raise ValueError(f"{path} is a link to a file that is missing.")
    if not path.is_file():
        raise ValueError(f"{path} is not a file.")


def each_of_gif(path, warn):
    """Yields the pictures of a GIF that moves, as `read` returns one."""
    size = outline.gif(path).size
    check_pixels(path, size[0] * size[1], size)
    with named(path), _opened(path, _content(path)) as image:
        for i in itertools.count():
            try:
                image.seek(i)
            except EOFError:
                return
            image.load()
            yield _visible(path, image, warn)


def _content(path):
    check_file(path)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(
            f"{path} has {size} bytes, and the limit of a picture is "
            f"{MAX_BYTES}. Save it anew."
        )
    return path.read_bytes()


def _opened(path, content):
    """Returns an image whose header was read, and has few enough pixels."""
    from PIL import Image

    Image.init()
    known = [kind for kind in FORMATS if kind in Image.OPEN]
    try:
        image = Image.open(io.BytesIO(content), formats=known)
    except Image.DecompressionBombError as error:
        check_pixels(path, int(re.search(r"\d+", str(error))[0]))
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a picture.") from error
    check_pixels(path, image.width * image.height, image.size)
    return image


def _check_jpeg(path, content):
    """Raises if data is missing, which Pillow's decoder fills with grey."""
    import av

    codec = av.CodecContext.create("mjpeg", "r")
    codec.options = {"err_detect": "explode"}
    codec.thread_count = 1
    try:
        codec.decode(av.Packet(content))
    except (av.InvalidDataError, av.EOFError) as error:
        raise ValueError(
            f"{path} is damaged or cut off: a part of the picture is missing."
        ) from error
    except av.FFmpegError:
        pass  # a kind of JPEG that FFmpeg does not know


def _orientation(path, image, warn):
    """Returns how to transpose an image, or `None`."""
    from PIL import ExifTags
    from PIL.Image import Transpose

    try:
        exif = image.getexif()
    except Exception:
        exif = {}
    if image.info.get("exif") and not exif:
        warn(f"{path}: its EXIF data is damaged, so it is not turned.")
    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(exif.get(ExifTags.Base.Orientation))


def _eight_bits(path, image, content, samples):
    """Returns an image of 8 bits a sample; Pillow would clip others."""
    from PIL import Image

    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise ValueError(
            f"{path} has samples of 32 bits or with a sign, and nothing tells "
            "which of them is white. Save it with 8 or 16 bits."
        )
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I"):
        array = np.asarray(image)
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
            array = _white(path, array, tags) - array
    elif any(";16" in sample for sample in samples):
        array = _sixteen_bits(path, content)
    else:
        return image
    white = _white(path, array, tags)
    scaled = np.rint(array * np.float32(255 / white)).astype("uint8")
    eight = Image.fromarray(scaled)
    eight.info = {k: v for k, v in image.info.items() if k == "icc_profile"}
    return eight


def _sixteen_bits(path, content):
    """Returns samples in colours, of which Pillow keeps the upper 8 bits."""
    import cv2

    array = cv2.imdecode(np.frombuffer(content, "uint8"), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != "uint16" or array.ndim != 3:
        raise ValueError(
            f"{path} has 16 bits a sample in a form that is not read. Save it "
            "with 8 bits."
        )
    return array[..., [2, 1, 0, 3][: array.shape[2]]]


def _white(path, array, tags):
    """Returns the value of a white sample."""
    declared = tags.get(MAX_SAMPLE) or tags.get(SIGNED_MAX_SAMPLE)
    if declared:
        declared = max(np.atleast_1d(declared).tolist())
    bits = max(np.atleast_1d(tags.get(BITS, 16)).tolist())
    white = declared or (1 << bits) - 1
    brightest = int(array.max())
    if brightest > white:
        raise ValueError(
            f"{path} declares samples of at most {white} and has one of "
            f"{brightest}. Save it anew."
        )
    if white == FULL and 0 < brightest < DOUBTFUL:
        raise ValueError(
            f"{path} has samples of 16 bits, of at most {brightest}, and "
            "nothing tells which of them is white. Scale them to 0-65535, or "
            "save it with 8 bits."
        )
    return white


def _visible(path, image, warn):
    """Returns an image in sRGB, over white: uint8 `(height, width, 3)`."""
    alpha = None
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    rgb = np.asarray(_srgb(path, image, warn))
    return rgb if alpha is None else over_white(rgb, alpha)


def over_white(rgb, alpha):
    """Composites a picture over white.

    Args:
        rgb: uint8 array `(height, width, 3)`.
        alpha: uint8 array `(height, width)`; 0 is transparent.

    Returns:
        uint8 array `(height, width, 3)`.
    """
    alpha = alpha[..., None].astype("uint16")
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype("uint8")


def resized(pixels, size):
    """Scales a picture to `(width, height)`; averages areas to shrink it."""
    import cv2

    shrinks = tuple(size) < pixels.shape[1::-1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(pixels, size, interpolation=interpolation)


def _srgb(path, image, warn):
    from PIL import ImageCms

    content = image.info.get("icc_profile")
    without_alpha = {"P": "RGB", "PA": "RGB", "RGBA": "RGB", "LA": "L"}
    image = image.convert(without_alpha.get(image.mode, image.mode))
    if content:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
            space = profile.profile.xcolor_space.strip()
        except (OSError, ImageCms.PyCMSError):
            space = None
        if (space, image.mode) == ("RGB", "L"):
            image = image.convert("RGB")
        if SPACES.get(space) != image.mode:
            warn(f"{path}: its colour profile does not fit, and is not used.")
        else:  # also if it calls itself sRGB: some lie
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(
                image, profile, srgb, outputMode="RGB"
            )
    return image.convert("RGB")
