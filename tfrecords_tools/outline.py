"""What the first bytes and the outline of a file tell before it is decoded."""

import itertools
import os

SEQUENCES = (".mjpeg", ".mjpg")  # begin as JPEG does
# The first bytes of pictures, of which FFmpeg would ignore transparency, colour
# profile and depth.
PICTURES = (b"\xff\xd8\xff", b"II*\0", b"MM\0*")
PNG = b"\x89PNG\r\n\x1a\n"
BRANDS = {b"avif": True, b"avis": False}  # of AVIF: whether it stands still
FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
MEDIA = (b"mdat", b"free", b"skip", b"wide", b"movi", b"JUNK")  # of any length
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
        return BRANDS.get(start[8:12], default)
    if start.startswith(PNG):
        return b"acTL" not in start.partition(b"IDAT")[0]
    if start[:4] == b"RIFF":
        return start[8:12] == b"WEBP"
    is_one = start.startswith(PICTURES) and path.suffix.lower() not in SEQUENCES
    return is_one or default


def check(path, warn):
    """Looks at the boxes of MP4 and MOV, and at the chunks of AVI.

    Args:
        path: `pathlib.Path` of a file.
        warn: Callable that takes a string: a second film in the same file, of
            which no decoder would say a word.

    Raises:
        ValueError: If metadata would fill the memory.
    """
    films = 0
    for kind, size in itertools.chain(_boxes(path), _chunks(path)):
        films += kind == b"moov"
        if size > MAX_METADATA and kind not in MEDIA:
            raise ValueError(
                f"{path} has {size} bytes of metadata, and the limit is "
                f"{MAX_METADATA}. Write it anew without them."
            )
    if films > 1:
        warn(f"{path} holds {films} films, of which the first is read.")


def _boxes(path):
    """Yields the kind and the length of each box at the top level."""
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
            size = min(size or length, length - end)
            yield kind, size
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
            yield head[8:] if head[:4] == b"LIST" else head[:4], size
            end += 8 + size + size % 2
