"""Reads and writes pictures as films of one frame."""

import contextlib
import io
import pathlib
import re
import warnings

import numpy as np

from priv_keras.films import colour
from priv_keras.films import depth
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import check_pixels
from priv_keras.films.frame import resized

# Suffix of a file that can be written: Pillow's name of its format.
FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".avif": "AVIF",
}
# Formats that are read, whatever the suffix. Pillow reads others as well, but
# some of these start programs (EPS).
READABLE = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "AVIF")
# HEIF is read by the package pillow-heif if it is installed, or else by FFmpeg,
# which puts no tiles together: its suffixes, and the brands of a picture.
HEIF_SUFFIXES = (".heic", ".heif", ".hif")
BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
SUFFIXES = (*FORMATS, *HEIF_SUFFIXES)
FILMS = (".gif", ".avif", ".png", ".webp")  # may hold films, too
NO_EXIF = (".bmp", ".gif")
MAKER_NOTE = 0x927C  # EXIF tag; cameras put previews and more into it
ORIENTATION, EXIF_FOLDER, GPS_FOLDER = 0x0112, 0x8769, 0x8825
# What of the first directory of a TIFF describes the picture, not the file.
DESCRIPTIVE = (
    0x010E,
    0x010F,
    0x0110,
    0x0131,
    0x0132,
    0x013B,
    0x013C,
    0x8298,
    0x9C9B,
    0x9C9C,
    0x9C9D,
    0x9C9E,
    0x9C9F,
    EXIF_FOLDER,
    GPS_FOLDER,
)
# Pillow's names for what the formats hold beside pixels.
INFO = {
    "adobe",
    "adobe_transform",
    "aspect",
    "background",
    "blend",
    "bbox",
    "chromaticity",
    "comment",
    "compression",
    "default_image",
    "disposal",
    "dpi",
    "duration",
    "exif",
    "extension",
    "flashpix",
    "gamma",
    "icc_profile",
    "jfif",
    "jfif_density",
    "jfif_unit",
    "jfif_version",
    "interlace",
    "loop",
    "mp",
    "mpoffset",
    "photoshop",
    "progression",
    "progressive",
    "resolution",
    "srgb",
    "timestamp",
    "transparency",
    "version",
    "xmp",
    # Of pillow-heif.
    "aux",
    "bit_depth",
    "camera_extrinsic_matrix",
    "chroma",
    "depth_images",
    "heif",
    "icc_profile_type",
    "metadata",
    "nclx_profile",
    "primary",
    "original_orientation",
    "stride",
    "thumbnails",
}
# Those that are metadata as people understand it, and that are never written.
TEXTS = {"comment", "flashpix", "metadata", "photoshop", "xmp"}


def is_picture(path):
    """Returns whether a file is read as a picture, by its suffix and, if that
    may be one of a film as well, by its content."""
    suffix = pathlib.Path(path).suffix.lower()
    if suffix in HEIF_SUFFIXES:
        return _brand(path) in (None, *BRANDS)
    return suffix in FORMATS and not (suffix in FILMS and moves(path))


def moves(path):
    """Returns whether a file holds several pictures that make a film."""
    try:
        with opened(path) as image:
            return getattr(image, "is_animated", False)
    except Exception:  # whoever reads it will say what is wrong
        return _brand(path) not in (None, *BRANDS)


def _brand(path):
    """Returns the brand of a file of boxes, such as HEIF or MP4, or `None`."""
    try:
        with open(path, "rb") as file:
            start = file.read(12)
    except OSError:
        return None
    return start[8:] if start[4:8] == b"ftyp" else None


class Picture:
    """A picture file, upright and in sRGB, with the interface of `video.Video`.

    Transparent pixels are laid on white.

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
        self.name, self.warnings, self.dropped = name, [], []
        self.metadata = {}
        self._pixels = self._read(exif)
        self.format = Format(self._pixels.shape[1::-1])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def frames(self, size):
        """Yields the one `Frame`, scaled to `(width, height)`."""
        yield Frame(resized(self._pixels, size), 0, 0)

    def _read(self, exif):
        from PIL import UnidentifiedImageError

        try:
            with self._errors_reworded():
                return self._decode(exif)
        except UnidentifiedImageError:
            if _brand(self.name) in BRANDS:
                return self._read_heif(exif)
            raise ValueError(f"{self.name} is not a picture.") from None

    @contextlib.contextmanager
    def _errors_reworded(self):
        from PIL import UnidentifiedImageError

        try:
            with warnings.catch_warnings():  # of Pillow, about damaged EXIF
                warnings.simplefilter("ignore", UserWarning)
                yield
        except (UnidentifiedImageError, MemoryError):
            raise
        except Exception as error:  # Pillow raises any kind for damaged files
            of_system = isinstance(error, OSError) and error.errno
            if of_system or self.name in str(error):
                raise
            reason = str(error).splitlines()[:1] or [type(error).__name__]
            raise ValueError(
                f"{self.name} cannot be decoded: {reason[0]}."
            ) from None

    def _decode(self, exif):
        from PIL import ImageOps

        with opened(self.name) as image:
            check_pixels(self.name, image.width * image.height, image.size)
            # `n_frames` would read the headers of all pictures.
            if getattr(image, "is_animated", False):
                self.warnings.append("only the first of several pictures")
            image.load()
            if image.format in ("JPEG", "MPO"):
                _check_jpeg(self.name)
            self._describe(image, exif)
            shallow = depth.eight_bits(self.name, image)
            upright = ImageOps.exif_transpose(shallow)
        return np.asarray(self._in_srgb(upright))

    def _describe(self, image, exif):
        """Lists what is dropped, and keeps EXIF data if asked to."""
        self.dropped = dropped(image.info)
        if not exif:
            return
        self._tell_lost(TEXTS)
        found = _exif(image, self.name)
        if found:
            self.metadata = {"exif": found}
            self.dropped = [d for d in self.dropped if d != "exif of the file"]
        elif "exif" in image.info:
            self.warnings.append("its EXIF data are damaged and were not kept")

    def _tell_lost(self, names):
        """Warns of metadata that cannot be kept.

        Args:
            names: Set of strings, of `INFO`.
        """
        told = {f"{name} of the file" for name in names}
        lost = [d for d in self.dropped if d in told or d.startswith("text (")]
        if lost:
            self.warnings.append(
                f"--keep_metadata does not keep {', '.join(lost)}"
            )

    def _in_srgb(self, image):
        """Returns a picture without transparency, converted to sRGB."""
        if image.has_transparency_data:
            whole = np.asarray(image.convert("RGBA"))
            pixels, transparent = colour.composited(whole)
            if transparent:
                self.dropped.append("transparency")
            profile = image.info.get("icc_profile")
            image = _image(pixels)
            image.info["icc_profile"] = profile
        try:
            return _converted(image)
        except ValueError:
            self.warnings.append("its colour profile is damaged; it is ignored")
        return image.convert("RGB")

    def _read_heif(self, exif):
        from priv_keras.films.video import Video

        with Video(self.name) as film:
            frame = next(film.frames(film.format.size))
            self.dropped, self.warnings = film.dropped, film.warnings
        if exif:
            self.warnings.append(
                "--keep_metadata keeps nothing of HEIF without the package "
                "pillow-heif"
            )
        return frame.pixels


def dropped(info):
    """Returns what Pillow found beside the pixels, as a list of strings. Any
    text may be the key of a PNG's text, so only names of formats are told."""
    found = [key for key, value in info.items() if value or value == 0]
    named = [f"{key} of the file" for key in found if key in INFO]
    texts = len(found) - len(named)
    return [*named, f"text ({texts} entries)"] if texts else named


def _image(pixels):
    from PIL import Image

    return Image.fromarray(pixels)


def opened(name):
    """Opens a picture with Pillow, and reads only its header."""
    from PIL import Image

    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    known = [kind for kind in (*READABLE, "HEIF") if kind in Image.OPEN]
    try:
        with warnings.catch_warnings():  # our limit is lower than Pillow's
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(name, formats=known)
    except Image.DecompressionBombError as error:
        check_pixels(name, int(re.search(r"\d+", str(error))[0]))
        raise


def _check_jpeg(name):
    """Raises if a JPEG is damaged, where Pillow would fill in grey.

    FFmpeg knows fewer kinds of JPEG, and those that it does not know pass.
    """
    import av

    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode"}
    content = pathlib.Path(name).read_bytes()
    try:
        frames = decoder.decode(av.Packet(content))
        damaged = any(frame.is_corrupt for frame in frames)
    except av.InvalidDataError:
        damaged = True
    except av.FFmpegError:
        damaged = False
    if damaged:
        raise ValueError(f"{name} cannot be decoded: its data are damaged.")


def _converted(image):
    """Returns an opaque picture in sRGB, by its colour profile if it has one.

    Raises:
        ValueError: If the profile is damaged or does not fit.
    """
    from PIL import ImageCms

    content = image.info.get("icc_profile")
    if not content:
        return image.convert("RGB")
    try:
        profile = ImageCms.getOpenProfile(io.BytesIO(content))
        space = profile.profile.xcolor_space.strip()
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[space]
        return ImageCms.profileToProfile(
            image.convert(mode),
            profile,
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, KeyError) as error:
        raise ValueError(str(error)) from None


def _exif(image, name):
    """Returns the EXIF data of a picture that is turned upright; `None` if it
    has none."""
    try:
        exif = image.getexif()
        if image.format == "TIFF":
            for tag in [tag for tag in exif if tag not in DESCRIPTIVE]:
                del exif[tag]
        exif.pop(ORIENTATION, None)
        exif.get_ifd(EXIF_FOLDER).pop(MAKER_NOTE, None)
        return exif.tobytes() if len(exif) else None
    except Exception as error:  # Pillow raises any kind for damaged data
        raise ValueError(
            f"{name} has damaged EXIF data ({error}). Leave --keep_metadata "
            "out."
        ) from None


class PictureFile:
    """Writes one frame to a picture file; has the interface of
    `encode.Encoder`.

    Args:
        path: `pathlib.Path` to write to; its suffix does not matter.
        suffix: Key of `FORMATS`.
        format: `Format` of the input.
        exif: Bytes, EXIF data to write; `None` for none.

    Raises:
        ValueError: If the format cannot be written, or holds no EXIF data.
    """

    def __init__(self, path, suffix, format, exif=None):
        from PIL import Image

        self.path, self.format, self.written = path, format, 0
        self._kind, self._exif = FORMATS[suffix], exif
        Image.init()
        if self._kind not in Image.SAVE:
            raise ValueError(f"This Pillow writes no {suffix}. Write to .png.")
        if exif and suffix in NO_EXIF:
            raise ValueError(
                f"A {suffix} holds no EXIF data. Write to .png, or leave "
                "--keep_metadata out."
            )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def write(self, frame):
        image = _image(resized(frame.pixels, self.format.size))
        options = {"exif": self._exif} if self._exif else {}
        content = io.BytesIO()
        image.save(content, self._kind, quality=95, **options)
        self.path.write_bytes(content.getvalue())
        self.written += 1

    def finish(self):
        pass
