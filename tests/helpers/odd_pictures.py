"""Pictures with EXIF data, colour profiles and 16 bits a channel."""

import cv2
import numpy as np
from made_films import scene
from PIL import Image
from PIL import ImageCms

CAMERA, GPS, ORIENTATION, MAKER = 0x0110, 0x8825, 0x0112, 0x927C


def exif_bytes(orientation=1):
    exif = Image.Exif()
    exif[CAMERA] = "Annas camera"
    exif[ORIENTATION] = orientation
    exif.get_ifd(0x8769)[MAKER] = b"raw preview"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    return exif.tobytes()


def write_picture(path, pixels=None, **options):
    pixels = scene(3) if pixels is None else pixels
    Image.fromarray(pixels).save(path, **options)
    return path


def swapped():
    """Returns a colour profile of sRGB whose red and green are swapped."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for old, new in (
        (b"rXYZ", b"????"),
        (b"gXYZ", b"rXYZ"),
        (b"????", b"gXYZ"),
    ):
        content = content.replace(old, new, 1)
    return content


def twelve_bits():
    return (np.arange(64 * 48).reshape(48, 64) + 1000).astype("uint16")


def write_16_bits(path, values, channels):
    cv2.imwrite(str(path), np.stack([values] * channels, -1).squeeze())
    return path
