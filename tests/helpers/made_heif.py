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
    height, width = pixels.shape[0], pixels.shape[1] // columns
    tiles = [
        encoded(np.ascontiguousarray(pixels[:, i * width : (i + 1) * width]))
        for i in range(columns)
    ]
    ids = list(range(1, columns + 1))
    items = [item(i, b"hvc1", hidden=columns > 1) for i in ids]
    references, grid = b"", b""
    properties = [
        box(b"hvcC", tiles[0][0]),
        full(b"ispe", struct.pack(">II", width, height)),
    ]
    uses = [(i, [0x81, 2]) for i in ids]
    primary = 1
    if columns > 1:
        primary = columns + 1
        items.append(item(primary, b"grid"))
        references = full(
            b"iref",
            box(b"dimg", struct.pack(f">HH{columns}H", primary, columns, *ids)),
        )
        size = pixels.shape[1::-1]
        grid = struct.pack(">BBBBHH", 0, 0, 0, columns - 1, *size)
        properties.append(full(b"ispe", struct.pack(">II", *size)))
        uses.append((primary, [3]))
    association = struct.pack(">I", len(uses)) + b"".join(
        struct.pack(">HB", item, len(used)) + bytes(used) for item, used in uses
    )
    start = box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(offset):
        places = b""
        for i, (_, data) in zip(ids, tiles, strict=True):
            places += struct.pack(">HHHHII", i, 0, 0, 1, offset, len(data))
            offset += len(data)
        if grid:
            places += struct.pack(">HHHHII", primary, 1, 0, 1, 0, len(grid))
        count = len(ids) + bool(grid)
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", primary)),
            full(
                b"iloc",
                bytes([0x44, 0]),
                struct.pack(">H", count),
                places,
                version=1,
            ),
            full(b"iinf", struct.pack(">H", len(items)), *items),
            references,
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", association)),
            box(b"idat", grid),
        )

    offset = len(start) + len(meta(0)) + 8
    data = b"".join(data for _, data in tiles)
    path.write_bytes(start + meta(offset) + box(b"mdat", data))
    return path
