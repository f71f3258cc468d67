"""Looks into a GIF without decoding it."""

import os
import struct
from typing import NamedTuple


class Gif(NamedTuple):
    """What the blocks of a GIF tell."""

    pictures: int
    size: tuple  # (width, height) in pixels that hold all of them
    timed: bool  # whether each picture has a time, or else FFmpeg loses some


def gif(path):
    """Walks the blocks of a GIF, and decodes nothing.

    Args:
        path: Path of a file.

    Returns:
        `Gif`, of what is there if it is cut off; `None` if it is no GIF.
    """
    count, timed, has_time = 0, True, False
    with open(path, "rb") as file:
        head = file.read(13)
        if len(head) < 13 or not head.startswith(b"GIF8"):
            return None
        width, height, flags = struct.unpack("<HHB", head[6:11])
        _skip_palette(file, flags)
        while (kind := file.read(1)) in (b"!", b","):
            if kind == b"!":  # an extension; this one gives the next a time
                has_time |= file.read(1) == b"\xf9"
            else:
                box = file.read(9).ljust(9, b"\0")
                x, y, wide, high, flags = struct.unpack("<HHHHB", box)
                width, height = max(width, x + wide), max(height, y + high)
                _skip_palette(file, flags)
                file.read(1)  # the size of a code
                count, timed, has_time = count + 1, timed and has_time, False
            while length := file.read(1).strip(b"\0"):
                file.seek(length[0], os.SEEK_CUR)
    return Gif(count, (width, height), timed)


def _skip_palette(file, flags):
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, os.SEEK_CUR)
