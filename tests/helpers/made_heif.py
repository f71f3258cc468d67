"""Pictures in HEIF, as phones write them."""

import io
import struct

import av
import numpy as np


def box(kind, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind, *parts, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def item(number, kind, hidden=False):
    content = struct.pack(">HH4sB", number, 0, kind, 0)
    return full(b"infe", content, version=2, flags=hidden)


def encoded(pixels):
    """Returns the `hvcC` and the data of a key frame in HEVC."""
    film = io.BytesIO()
    with av.open(film, "w", "mp4") as container:
        options = {"x265-params": "log-level=none", "crf": "1"}
        video = container.add_stream("libx265", rate=1, options=options)
        video.height, video.width = pixels.shape[:2]
        video.pix_fmt = "yuv444p"
        frame = av.VideoFrame.from_ndarray(pixels)
        for packet in [*video.encode(frame), *video.encode()]:
            packet.dts = packet.pts  # libx265 leaves it undefined
            container.mux(packet)
    film.seek(0)
    with av.open(film) as container:
        packet = next(container.demux(video=0))
        return packet.stream.codec_context.extradata, bytes(packet)


def write_heif(path, pixels, columns=1):
    """Writes a picture, cut into a row of tiles if there are several."""
    width = pixels.shape[1] // columns
    tiles = [
        encoded(np.ascontiguousarray(pixels[:, i * width : (i + 1) * width]))
        for i in range(columns)
    ]
    size = pixels.shape[1::-1]
    start = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    offset = len(start) + len(_meta(tiles, size, 0)) + 8
    data = b"".join(data for _, data in tiles)
    meta = _meta(tiles, size, offset)
    path.write_bytes(start + meta + box(b"mdat", data))
    return path


def _meta(tiles, size, offset):
    """Describes tiles, items 1 to n, and their grid, item n + 1."""
    count = len(tiles)
    items = [item(i + 1, b"hvc1", hidden=count > 1) for i in range(count)]
    grid = references = b""
    if count > 1:
        items.append(item(count + 1, b"grid"))
        numbers = struct.pack(
            f">HH{count}H", count + 1, count, *range(1, count + 1)
        )
        references = full(b"iref", box(b"dimg", numbers))
        grid = struct.pack(">BBBBHH", 0, 0, 0, count - 1, *size)
    primary = len(items)
    return full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", struct.pack(">H", primary)),
        _places(tiles, grid, offset),
        full(b"iinf", struct.pack(">H", len(items)), *items),
        references,
        _properties(tiles, size),
        box(b"idat", grid),
    )


def _places(tiles, grid, offset):
    places = b""
    for i, (_, data) in enumerate(tiles):
        places += struct.pack(">HHHHII", i + 1, 0, 0, 1, offset, len(data))
        offset += len(data)
    if grid:
        number = len(tiles) + 1
        places += struct.pack(">HHHHII", number, 1, 0, 1, 0, len(grid))
    count = len(tiles) + bool(grid)
    head = bytes([0x44, 0]) + struct.pack(">H", count)
    return full(b"iloc", head, places, version=1)


def _properties(tiles, size):
    width = size[0] // len(tiles)
    properties = [
        box(b"hvcC", tiles[0][0]),
        full(b"ispe", struct.pack(">II", width, size[1])),
        full(b"ispe", struct.pack(">II", *size)),
    ]
    uses = [(i + 1, [0x81, 2]) for i in range(len(tiles))]
    if len(tiles) > 1:
        uses.append((len(tiles) + 1, [3]))
    association = struct.pack(">I", len(uses)) + b"".join(
        struct.pack(">HB", number, len(used)) + bytes(used)
        for number, used in uses
    )
    return box(b"iprp", box(b"ipco", *properties), full(b"ipma", association))
