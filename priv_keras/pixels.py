"""Converts frames between 8 bits and floats, and draws pictures of them."""

import numpy as np
import tensorflow as tf

GAP = 4  # pixels between frames


def to_uint8(frames):
    """Returns frames in [0, 1] as 8-bit frames, rounded and clipped."""
    return tf.cast(
        tf.round(tf.clip_by_value(frames, 0.0, 1.0) * 255.0), tf.uint8
    )


def to_float(frames):
    """Returns 8-bit frames as float32 frames in [0, 1]."""
    return tf.cast(frames, tf.float32) / 255.0


def checked(frames):
    """Returns frames as an array; raises unless an anonymizer can take them.

    Args:
        frames: Array, or what `np.asarray` makes one of.

    Returns:
        uint8 array `(n, height, width, 3)`.

    Raises:
        ValueError: If the frames have another shape or dtype.
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
        rows: Dict of names to float frames `(n, height, width, 3)` in [0, 1],
            for example raw frames and then f_A's output.

    Returns:
        uint8 picture `(rows (2 height + gap + caption), n (2 width + gap), 3)`,
        white between the frames. The height of a caption grows with the width
        of the picture, so that it stays legible when the picture is scaled
        down.
    """
    parts = []
    for name, frames in rows.items():
        row = np.concatenate(list(_framed(frames)), axis=1)
        parts += [caption(name, row.shape[1]), row]
    return np.concatenate(parts, axis=0)


def caption(text, width):
    """Returns a strip with black text on white, as a uint8 picture `(height,
    width, 3)`."""
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
        anchor="lm",  # at the left, in the middle of its height
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
    """Writes uint8 pictures `(height, width, 3)` as a lossless WebP that
    loops."""
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
