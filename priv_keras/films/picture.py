"""Reads and writes pictures: a film of one frame."""

import io
import re
import warnings

import numpy as np

from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import check_pixels
from priv_keras.films.frame import resized

# Ending of a file: its format as Pillow has it.
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
# What is read whatever the name ends in. Pillow knows more, of which some start
# programs (EPS).
READABLE = (*dict.fromkeys(FORMATS.values()), "GIF")
MAKER_NOTE = 0x927C  # of EXIF: whatever the camera likes, previews among it
EXIF_FOLDER = 0x8769


class Picture:
    """A picture file, upright; has what `footage.Video` has.

    Args:
        name: String, path of the file.
        exif: Bool, whether `metadata` holds its EXIF data, without thumbnails
            and maker notes: those may show the raw picture.

    Raises:
        ValueError: If it is no whole picture, or has too many pixels.
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
                # Not `n_frames`: that reads as many headers as there are.
                if getattr(image, "is_animated", False):
                    self.warnings.append("only the first of several pictures")
                self.dropped = [f"{key} of the file" for key in image.info]
                image.load()
                upright = ImageOps.exif_transpose(image)
        except (Image.DecompressionBombError, UnidentifiedImageError) as error:
            raise ValueError(f"{name} is no picture: {error}.") from None
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


def _open(name):
    """Reads the header of a picture."""
    from PIL import Image

    try:
        with warnings.catch_warnings():  # our own limit is lower
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(name, formats=READABLE)
    except Image.DecompressionBombError as error:
        check_pixels(name, int(re.search(r"\d+", str(error))[0]))
        raise


def _eight_bits(image):
    """Pillow cuts 16 bits off at 255 where it should scale them."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) // 257).astype("uint8"))


def _exif(image):
    exif = image.getexif()
    exif.get_ifd(EXIF_FOLDER).pop(MAKER_NOTE, None)
    return exif.tobytes()


class PictureFile:
    """Writes one frame to a picture file; has what `encode.Encoder` has.

    Args:
        path: Where to write, whatever it ends in.
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
