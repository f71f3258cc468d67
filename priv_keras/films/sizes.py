"""The size at which frames are anonymized.

A model's privacy figures were measured on frames of one height. In training,
whole frames are resized to that height and to a fixed width, and a square is
cut from them. A film is therefore resized to that height, and keeps its
aspect ratio: what is as high as the picture is as many pixels high as it was
in training, and the whole width is anonymized, not only a square.
"""

from fractions import Fraction

from priv_keras.films.frame import check_pixels

TRAINED, NATIVE = "trained", "native"


def measured(card):
    """Returns the frame size at which a model's figures were measured.

    Args:
        card: Dict, the model card, or `None`.

    Returns:
        `[width, height]` in pixels of whole frames, before a square is cut from
        them. Cards of earlier versions name only the square, whose sides are
        returned. `None` without a card.
    """
    return card and card.get("frame_size", card["trained_size"])


def processed(wanted, format, card, name="The input"):
    """Returns the size at which the frames of a film are anonymized.

    Args:
        wanted: `TRAINED`, `NATIVE`, or `(width, height)` in pixels.
        format: `frame.Format` of the film.
        card: Dict, the model card. With `None`, `TRAINED` is `NATIVE`, since
            nothing was measured.
        name: String, the name of the film.

    Returns:
        `(width, height)` in pixels.

    Raises:
        ValueError: If the size has too many pixels.
    """
    if wanted == NATIVE or (wanted == TRAINED and card is None):
        return format.size
    size = wanted
    if wanted == TRAINED:
        size = _as_high(format, measured(card)[1])
    check_pixels(name, size[0] * size[1], size)
    return size


def _as_high(format, height):
    """Returns the size at which a film has this height and square pixels. Its
    width is even, so that colours can be halved."""
    if format.size[1] == height and format.pixel_aspect == 1:
        return format.size
    width = height * format.pixel_aspect * Fraction(*format.size)
    return max(2, 2 * round(width / 2)), height


def resized_format(format, size):
    """Returns the format of a film after its frames were resized.

    Args:
        format: `frame.Format`.
        size: `(width, height)` in pixels.

    Returns:
        `frame.Format` of that size, in which the picture is as wide as before.
    """
    aspect = format.pixel_aspect * Fraction(*format.size) / Fraction(*size)
    aspect = aspect.limit_denominator(100) or Fraction(1)
    return format._replace(size=tuple(size), pixel_aspect=aspect)
