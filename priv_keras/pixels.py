"""Pixels: 8-bit and float frames, and pictures of what f_A does to them."""

import numpy as np
import tensorflow as tf

GAP = 4  # pixels between frames


def to_uint8(frames):
    """Frames in [0, 1] as 8-bit frames, rounded."""
    return tf.cast(
        tf.round(tf.clip_by_value(frames, 0.0, 1.0) * 255.0), tf.uint8
    )


def to_float(frames):
    """8-bit frames as float32 frames in [0, 1]."""
    return tf.cast(frames, tf.float32) / 255.0


def checked(frames):
    """Frames as an array, if they are what an anonymizer takes.

    Raises:
        ValueError: Unless they are uint8 `(n, height, width, 3)`.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        raise ValueError(
            "Frames must be uint8 of shape (n, height, width, 3). Received: "
            f"{frames.dtype} of shape {frames.shape}."
        )
    return frames


def sheet(rows):
    """Returns rows of frames as one picture, each below its name.

    Args:
        rows: Dict of name to float frames `(n, height, width, 3)` in [0, 1],
            as raw ones and then what f_A made of them.

    Returns:
        uint8 picture `(rows (2 height + gap + caption), n (2 width + gap), 3)`,
        white between the frames. The height of a caption grows with the width
        of the picture, so that it can be read in one that is scaled down.
    """
    parts = []
    for name, frames in rows.items():
        row = np.concatenate(list(_framed(frames)), axis=1)
        parts += [caption(name, row.shape[1]), row]
    return np.concatenate(parts, axis=0)


def caption(text, width):
    """A strip with text, black on white, as a uint8 picture `(height, width,
    3)`."""
    from PIL import Image
    from PIL import ImageDraw
    from PIL import ImageFont

    size = max(12, width // 28)  # pixels
    strip = Image.new("RGB", (width, round(1.4 * size)), "white")
    ImageDraw.Draw(strip).text(
        (GAP // 2, strip.height // 2),
        text,
        fill="black",
        font=ImageFont.load_default(size),
        anchor="lm",  # left, in the middle of its height
    )
    return np.asarray(strip)


def _framed(frames):
    pixels = np.round(np.clip(frames, 0, 1) * 255).astype("uint8")
    pixels = pixels.repeat(2, axis=1).repeat(2, axis=2)
    margin = ((0, 0), (GAP // 2, GAP // 2), (GAP // 2, GAP // 2), (0, 0))
    return np.pad(pixels, margin, constant_values=255)


def write_png(picture, path):
    """Writes a uint8 picture `(height, width, 3)` to `path`."""
    tf.io.write_file(str(path), tf.io.encode_png(picture))


def write_loop(pictures, path, frames_per_second=8):
    """Writes uint8 pictures `(height, width, 3)` as a WebP that loops, without
    loss."""
    from PIL import Image

    first, *rest = map(Image.fromarray, pictures)
    first.save(
        path,
        "WEBP",
        save_all=True,
        append_images=rest,
        duration=1000 // frames_per_second,
        loop=0,
        lossless=True,
    )
