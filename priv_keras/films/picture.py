"""Reads and writes pictures as films of one frame."""

import io
import re
import warnings

import numpy as np

from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import check_pixels
from priv_keras.films.frame import resized

# Suffix of a file: Pillow's name of its format.
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
# Formats that are read, whatever the suffix. Pillow reads others as well, but
# some of these start programs (EPS).
READABLE = (*dict.fromkeys(FORMATS.values()), "GIF")
# Pillow's names for what the formats hold beside pixels.
INFO = {
    *("adobe", "adobe_transform", "aspect", "background", "blend", "bbox"),
    *("chromaticity", "comment", "compression", "default_image", "disposal"),
    *("dpi", "duration", "exif", "extension", "flashpix", "gamma"),
    *("icc_profile", "jfif", "jfif_density", "jfif_unit", "jfif_version"),
    *("interlace", "loop", "mp", "mpoffset", "photoshop", "progression"),
    *("progressive", "resolution", "srgb", "timestamp", "transparency"),
    *("version", "xmp"),
}
MAKER_NOTE = 0x927C  # EXIF tag; cameras put previews and more into it
EXIF_FOLDER = 0x8769


class Picture:
    """A picture file, upright, with the interface of `video.Video`.

    Args:
        name: String, path of the file.
        exif: Bool, whether `metadata` holds its EXIF data. Thumbnails and maker
            notes are always left out, since they may show the raw picture.

    Raises:
        ValueError: If it is not a complete picture, or has too many pixels.
        OSError: If it cannot be read.
    """

    live, count, audio, packets = False, 1, (), ()

    def __init__(self, name, exif=False):
        from PIL import Image
        from PIL import ImageOps
        from PIL import UnidentifiedImageError

        self.name, self.warnings = name, []
        try:
            with _open(name) as image:
                width, height = image.size
                check_pixels(name, width * height, image.size)
                # `n_frames` would read the headers of all pictures.
                if getattr(image, "is_animated", False):
                    self.warnings.append("only the first of several pictures")
                self.dropped = _dropped(image.info)
                image.load()
                upright = ImageOps.exif_transpose(image)
        except (Image.DecompressionBombError, UnidentifiedImageError) as error:
            raise ValueError(f"{name} is not a picture: {error}.") from None
        except (OSError, SyntaxError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise ValueError(f"{name} cannot be decoded: {error}.") from None
        self._pixels = np.asarray(_eight_bits(upright).convert("RGB"))
        self.format = Format(self._pixels.shape[1::-1])
        self.metadata = {"exif": _exif(upright)} if exif else {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def frames(self, size):
        """Yields the one `Frame`, scaled to `(width, height)`."""
        yield Frame(resized(self._pixels, size), 0, 0)


def _dropped(info):
    """Returns what Pillow found beside the pixels, as a list of strings. Any
    text may be the key of a PNG's text, so only names of formats are told."""
    named = [f"{key} of the file" for key in info if key in INFO]
    texts = len(info) - len(named)
    return [*named, f"text ({texts} entries)"] if texts else named


def _open(name):
    """Opens a picture and reads only its header."""
    from PIL import Image

    try:
        with warnings.catch_warnings():  # our limit is lower than Pillow's
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(name, formats=READABLE)
    except Image.DecompressionBombError as error:
        check_pixels(name, int(re.search(r"\d+", str(error))[0]))
        raise


def _eight_bits(image):
    """Scales 16-bit pixels to 8 bits; Pillow would clip them at 255."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) // 257).astype("uint8"))


def _exif(image):
    exif = image.getexif()
    exif.get_ifd(EXIF_FOLDER).pop(MAKER_NOTE, None)
    return exif.tobytes()


class PictureFile:
    """Writes one frame to a picture file; has the interface of
    `encode.Encoder`.

    Args:
        path: `pathlib.Path` to write to; its suffix does not matter.
        suffix: Key of `FORMATS`.
        format: `Format` of the input.
        exif: Bytes, EXIF data to write; `None` for none.
    """

    def __init__(self, path, suffix, format, exif=None):
        self.path, self.format, self.written = path, format, 0
        self._kind, self._exif = FORMATS[suffix], exif

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def write(self, frame):
        from PIL import Image

        image = Image.fromarray(resized(frame.pixels, self.format.size))
        options = {"exif": self._exif} if self._exif else {}
        content = io.BytesIO()
        image.save(content, self._kind, quality=95, **options)
        self.path.write_bytes(content.getvalue())
        self.written += 1

    def finish(self):
        pass
