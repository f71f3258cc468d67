"""Checks whether a video file ends where its own headers say that it does, and
whether another film follows in it.

A file decodes without complaint even if its download was interrupted or the
camera's battery ran out. MP4 and MOV consist of boxes, AVI of RIFF chunks, and
Matroska and WebM of a segment; each begins with its length. MPEG-TS consists of
packets of equal length, so a cut is detected unless it falls between two of
them. Other formats do not announce their length. What was appended to a film,
such as a tag, need not be whole.
"""

import mmap
import os
import re
import struct

FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")  # of a film
MP4_BOXES = (*FIRST_BOXES, b"free", b"skip")
# Those that may come later: of fragments, indexes and metadata.
LATER_BOXES = (
    b"moof",
    b"mfra",
    b"sidx",
    b"ssix",
    b"styp",
    b"prft",
    b"emsg",
    b"meta",
    b"uuid",
    b"udta",
    b"pdin",
    b"meco",
    b"junk",
    b"PICT",
)
# FFmpeg reads the first of several films in these, as in MP4: how one begins.
FIRST_ALONE = {
    b"FLV\1": rb"FLV\x01.\0\0\0\x09\0{4}",
    bytes.fromhex("3026b275"): re.escape(
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    ),
    b"\x89PNG": rb"\x89PNG\r\n\x1a\n",  # that moves
    b"nut/": rb"nut/multimedia container\0",
}
TS_PACKET, TS_SYNC = 188, 0x47
EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


class CutOffError(ValueError):
    """A file has fewer bytes than it announces."""


def check(path):
    """Raises if a video file is shorter than its headers say.

    Args:
        path: Path of a file.

    Returns:
        List of strings, warnings of what no decoder would reach.

    Raises:
        CutOffError: If its headers announce more bytes than there are.
        ValueError: If it holds films that no decoder keeps apart.
    """
    length = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(TS_PACKET + 1)
        file.seek(0)
        find_end = _end_finder(start)
        announced = find_end(file, length)
        file.seek(announced)
        another = find_end is _end_of_boxes and file.read(8)[4:] in FIRST_BOXES
        another = another or _begins_again(start, file)
    if announced > length:
        raise CutOffError(
            f"{path} is cut off: it announces {announced} bytes and has "
            f"{length}. Get the whole file, or say --accept_damaged to keep "
            "what can be read."
        )
    if another:
        return ["another film follows in the same file, and is not read"]
    return []


def _begins_again(start, file):
    pattern = FIRST_ALONE.get(start[:4])
    if pattern is None:
        return False
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return bool(re.compile(pattern, re.DOTALL).search(content, 1))


def _end_finder(start):
    if start[4:8] in MP4_BOXES:
        return _end_of_boxes
    if start[:4] == b"RIFF":
        return _end_of_chunks
    if start[:4] == EBML:
        return _end_of_segment
    if start[:1] == start[TS_PACKET:] == bytes([TS_SYNC]):
        return _end_of_packets
    return lambda file, length: length


def _end_of_packets(file, length):
    whole = length - length % TS_PACKET
    file.seek(whole)
    begins = file.read(1) == bytes([TS_SYNC])
    return whole + TS_PACKET if begins else whole


def _end_of_boxes(file, length):
    """Returns where the film ends: before another film, or before what is no
    whole box, once the film is complete."""
    end, seen = 0, set()
    while end < length:
        file.seek(end)
        head = file.read(16)
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:  # the length follows, in 64 bits
            size = int.from_bytes(head[8:16], "big")
        whole = end + size <= length
        if {b"moov", b"mdat"} <= seen and _ends_film(kind, whole, seen):
            if kind == b"ftyp" and b"moof" in seen:
                raise ValueError(
                    f"{file.name} holds several films in fragments, which "
                    "would be mixed up. Cut them apart first."
                )
            return end
        if size == 0:  # the box extends to the end of the file
            return length
        seen.add(kind)
        end += max(size, 8)
    return end


def _ends_film(kind, whole, seen):
    """Returns whether a box belongs to a complete film no more."""
    if len(kind) < 4:
        return b"moof" not in seen  # or else a fragment is cut off
    begins = kind == b"ftyp" or kind == b"moov" and b"moof" not in seen
    appended = not whole and kind != b"mdat" and b"moof" not in seen
    return begins or appended or kind not in MP4_BOXES + LATER_BOXES


def _end_of_chunks(file, length):
    end = 0
    while end < length:
        file.seek(end)
        head = file.read(8)
        if head[:4] != b"RIFF":  # trailing garbage does no harm
            return end
        size = struct.unpack("<I", head[4:].ljust(4, b"\0"))[0]
        if size == 0:  # the recorder never filled it in
            return length
        end += 8 + size
    return end


def _end_of_segment(file, length):
    file.seek(len(EBML))
    file.seek(_number(file) or 0, os.SEEK_CUR)
    if file.read(len(SEGMENT)) != SEGMENT:
        return length
    size = _number(file)
    return length if size is None else file.tell() + size


def _number(file):
    """Reads a length of EBML; returns `None` if it is marked as unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    bits = int.from_bytes(first + file.read(width - 1), "big")
    mask = (1 << 7 * width) - 1
    return None if bits & mask == mask else bits & mask
