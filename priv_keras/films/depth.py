"""Scales pictures of more than 8 bits to 8."""

import numpy as np

ORIENTATION = 0x0112  # tag of EXIF
# Tags of TIFF.
BITS, PHOTOMETRIC, MAX_VALUE, SAMPLE_FORMAT, SIGNED_MAX = (
    258,
    262,
    281,
    339,
    341,
)
WHITE_IS_ZERO, UNSIGNED = 0, 1
FULL = (1 << 16) - 1
# 16-bit values that are all lower come from a camera or a program of up to 15
# bits or from a night, and most files do not tell which.
DOUBTFUL = 1 << 15


def eight_bits(name, image):
    """Returns a picture with 8 bits a sample.

    Args:
        name: String, path of the file.
        image: `PIL.Image` of the file.

    Returns:
        `PIL.Image`, turned no further than `image`.

    Raises:
        ValueError: If nothing tells which value is white.
    """
    from PIL import Image

    bits = _bits(name, image)
    if bits > 16 or image.mode == "F":
        raise ValueError(
            f"{name} has signed, floating or 32-bit values, and nothing tells "
            "which one is white. Convert it to 8 or 16 bits first."
        )
    if bits <= 8:
        return image
    tags = getattr(image, "tag_v2", {})
    # Pillow reads the upper 8 bits of colours.
    grey = image.mode.startswith("I")
    values = np.asarray(image) if grey else _colours(name)
    white = _white(name, tags, bits, int(values.max()))
    if grey and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = white - values
    scaled = np.rint(values * np.float32(255 / white)).astype("uint8")
    result = Image.fromarray(scaled)
    result.info = dict(image.info)
    exif = Image.Exif()
    exif[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
    result.info["exif"] = exif.tobytes()
    return result


def _bits(name, image):
    if image.format == "TIFF":
        if max(image.tag_v2.get(SAMPLE_FORMAT, (UNSIGNED,))) > UNSIGNED:
            return 32
        return max(image.tag_v2.get(BITS, (1,)))
    if image.format == "PNG":
        with open(name, "rb") as file:
            return file.read(25)[24]
    return 8


def _colours(name):
    """Returns all bits of a picture in colour, perhaps with its alpha."""
    import cv2

    values = cv2.imread(name, cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        raise ValueError(
            f"{name} has values of 16 bits in a form that is not read. Convert "
            "it to 8 bits first."
        )
    return values[..., [2, 1, 0, 3][: values.shape[2]]]


def _white(name, tags, bits, brightest):
    """Returns the value of white; raises `ValueError` if nothing tells it."""
    told = tags.get(MAX_VALUE) or tags.get(SIGNED_MAX)
    white = int(np.max(told)) if told else (1 << bits) - 1
    if white < brightest or white == FULL and 0 < brightest < DOUBTFUL:
        raise ValueError(
            f"{name} has values of {bits} bits that end at {brightest}, and "
            "nothing tells which one is white. Scale them to end at "
            f"{(1 << bits) - 1}, or convert it to 8 bits first."
        )
    return white
