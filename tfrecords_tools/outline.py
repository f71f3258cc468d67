"""What the first bytes and the outline of a file tell before it is decoded."""

import itertools
import os
import struct
from typing import NamedTuple

SEQUENCES = (".mjpeg", ".mjpg")  # begin as JPEG does
# The first bytes of pictures, of which FFmpeg would ignore transparency, colour
# profile and depth.
PICTURES = (b"\xff\xd8\xff", b"II*\0", b"MM\0*")
PNG = b"\x89PNG\r\n\x1a\n"
AVIF = (b"avif", b"avis")  # its brands
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # of Matroska
FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
MEDIA = (b"mdat", b"free", b"skip", b"wide", b"movi", b"JUNK", SEGMENT)
ENDING = (b"mdat", b"moov", SEGMENT)  # must be whole
MAX_METADATA = 1 << 28  # bytes of another part; an index of days is smaller
MAX_PARTS = 200_000  # boxes or chunks that are looked at


def is_picture(path, default):
    """Returns whether a file holds a picture that stands still.

    Args:
        path: `pathlib.Path` of a file.
        default: Bool, what is returned if its first bytes do not tell.
    """
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    if start[4:8] == b"ftyp":
        return start[8:12] in AVIF or default
    if start.startswith(PNG):
        return b"acTL" not in start.partition(b"IDAT")[0]
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    is_one = start.startswith(PICTURES) and path.suffix.lower() not in SEQUENCES
    return is_one or default


def check(path, warn):
    """Looks at the boxes of MP4 and MOV, the chunks of AVI, and the segment of
    Matroska and WebM.

    Args:
        path: `pathlib.Path` of a file.
        warn: Callable that takes a string: a second film in the same file, of
            which no decoder would say a word.

    Raises:
        ValueError: If metadata would fill the memory, or the file is shorter
            than its outline says.
    """
    films = 0
    parts = itertools.chain(_boxes(path), _chunks(path), _segment(path))
    for kind, size, lacking in parts:
        films += kind == b"moov"
        if lacking > 0 and kind in ENDING:
            raise ValueError(f"{path} is cut off: it lacks {lacking} bytes.")
        if size > MAX_METADATA and kind not in MEDIA:  # those have any length
            raise ValueError(
                f"{path} has {size} bytes of metadata, and the limit is "
                f"{MAX_METADATA}. Write it anew without them."
            )
    if films > 1:
        warn(f"{path} holds {films} films, of which the first is read.")


def _boxes(path):
    """Yields the kind and the length of each box at the top level, and how many
    of its bytes are missing."""
    with open(path, "rb") as file:
        length, end = os.path.getsize(path), 0
        for count in range(MAX_PARTS):
            file.seek(end)
            head = file.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if len(head) < 8 or not (count or kind in FIRST):
                return
            if size == 1:  # the length follows, in 64 bits
                size = int.from_bytes(head[8:16], "big")
            size = size or length - end
            yield kind, min(size, length - end), end + size - length
            end += max(size, 8)


def _chunks(path):
    """Yields the kind and the length of each chunk of AVI before its frames."""
    with open(path, "rb") as file:
        head, end = file.read(12), 12
        if head[:4] + head[8:] != b"RIFFAVI ":
            return
        for _ in range(MAX_PARTS):
            file.seek(end)
            head = file.read(12)
            if len(head) < 8 or head[8:] == b"movi":
                return
            size = int.from_bytes(head[4:8], "little")
            yield head[8:] if head[:4] == b"LIST" else head[:4], size, 0
            end += 8 + size + size % 2


def _segment(path):
    """Yields the segment of a Matroska file, if its length is known."""
    with open(path, "rb") as file:
        if file.read(4) != EBML:
            return
        file.seek(_number(file) or 0, os.SEEK_CUR)
        if file.read(4) != SEGMENT:
            return
        size = _number(file)
        if size is not None:
            yield SEGMENT, size, file.tell() + size - os.path.getsize(path)


def _number(file):
    """Reads a length of EBML; returns `None` if it is marked as unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    bits = int.from_bytes(first + file.read(width - 1), "big")
    mask = (1 << 7 * width) - 1
    return None if bits & mask == mask else bits & mask


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
