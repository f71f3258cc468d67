"""Scales pictures of more than 8 bits to 8."""

import numpy as np

ORIENTATION = 0x0112  # tag of EXIF
BITS, MAX_VALUE, SAMPLE_FORMAT = 258, 281, 339  # tags of TIFF
UNSIGNED = 1
FULL, TWELVE = (1 << 16) - 1, (1 << 12) - 1  # the values of white


def eight_bits(name, image, warnings):
    """Returns a picture with 8 bits a sample.

    Args:
        name: String, path of the file.
        image: `PIL.Image` of the file.
        warnings: List of strings, to which a warning may be added.

    Returns:
        `PIL.Image`, turned no further than `image`.

    Raises:
        ValueError: If nothing tells the range of the values.
    """
    from PIL import Image

    bits = _bits(name, image)
    if bits > 16 or image.mode == "F":
        raise ValueError(
            f"{name} has signed, floating or 32-bit values, and nothing tells "
            "which one is white. Convert it to 8 or 16 bits first."
        )
    # Pillow reads the upper 8 bits of colours.
    grey = image.mode.startswith("I")
    if bits <= 8 or not grey and np.asarray(image).max() > TWELVE >> 8:
        return image
    values = np.asarray(image) if grey else _colours(name)
    peak = _peak(image, bits, int(values.max()))
    if peak != (1 << bits) - 1:
        warnings.append(f"its values end at {peak}; they were scaled")
    scaled = Image.fromarray(_scaled(values, peak).astype("uint8"))
    scaled.info = dict(image.info)
    exif = Image.Exif()
    exif[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
    scaled.info["exif"] = exif.tobytes()
    return scaled


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
    """Returns all bits of a picture in colour, without its transparency."""
    import cv2

    values = cv2.imread(name, cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise ValueError(
            f"{name} has dark values of 16 bits in a form that is not read. "
            "Convert it to 8 bits first."
        )
    return values[..., 2::-1]


def _peak(image, bits, largest):
    """Returns the value of white.

    Cameras of 12 bits leave the upper 4 of 16 bits at 0, so that the picture
    would be nearly black.
    """
    if image.format == "TIFF":
        told = np.max(image.tag_v2.get(MAX_VALUE, 0))
        if told >= max(largest, 256):
            return int(told)
    if bits == 16 and 0 < largest <= TWELVE:
        return TWELVE
    return (1 << bits) - 1


def _scaled(values, peak):
    if peak == FULL:
        return values // 257
    return np.round(values * (255 / peak))
