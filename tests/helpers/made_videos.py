"""Small videos in the layouts of the originals. Each file names itself, so that
none is a copy of another."""

import numpy as np


def gray(frame, height=24, width=32, level=0):
    """Returns a frame whose pixels tell its time and their place; red is
    higher."""
    y, x = np.mgrid[:height, :width]
    pixels = np.repeat((level + 4 * frame + x + y)[..., None], 3, axis=-1)
    return np.clip(pixels + [40, 0, 0], 0, 255).astype("uint8")


def write_pngs(folder, count, level=0):
    folder.mkdir(parents=True)
    for i in range(count):
        write_png(folder / f"rgb_{i + 1:06d}.png", gray(i, level=level))


def write_png(path, pixels):
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    own_name = PngInfo()
    own_name.add_text("Title", str(path))
    Image.fromarray(pixels).save(path, pnginfo=own_name)


def write_avi(path, count, size=(64, 48)):
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        container.metadata["title"] = str(path)
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(gray(i, size[1], size[0]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def sbu_folder(root, sets=("s01s02", "s02s01", "s01s03"), takes=4, frames=20):
    """Writes two actions of each set, in the layout of SBU."""
    for pair in sets:
        for action in (1, 3):
            for take in range(1, takes + 1):
                folder = root / pair / f"{action:02d}" / f"{take:03d}"
                write_pngs(folder, frames, level=10 * action)
    return root


def write_video(path, pictures, *, codec, pix_fmt="yuv420p", times=None):
    """Writes RGB pictures at 25 a second, or at `times`: in milliseconds, or
    in 25ths of a second in an AVI file."""
    import fractions

    import av

    pictures = list(pictures)
    base = fractions.Fraction(1, 25 if path.suffix == ".avi" else 1000)
    times = times or [round(i / 25 / base) for i in range(len(pictures))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = base
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = time, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn(path, a, b, c, d):
    """Sets the display matrix of an MP4 file, as a phone does."""
    import struct

    content = bytearray(path.read_bytes())
    # 40 bytes into the body of a track's header.
    start = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    numbers = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    content[start : start + 36] = struct.pack(">9i", *numbers)
    path.write_bytes(content)


def noisy(path, number, part=slice(8, None)):
    """Puts noise in place of a part of a packet."""
    import av

    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    start, size = packets[number].pos, packets[number].size
    content = bytearray(path.read_bytes())
    packet = content[start : start + size]
    noise = np.random.default_rng(0).integers(
        0, 256, len(packet[part]), "uint8"
    )
    packet[part] = noise.tobytes()
    content[start : start + size] = packet
    path.write_bytes(content)
    return path


def noisy_broadcast(path, number):
    """Puts noise in place of what the packets of MPEG-TS hold of a frame, and
    returns the time of the frame in seconds."""
    import av

    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        pid = container.streams.video[0].id
        start, end = (packets[i].pos for i in (number, number + 1))
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for at in range(start, end, 188):
        if (content[at + 1] & 31) << 8 | content[at + 2] != pid:
            continue
        body = at + 4
        if content[at + 3] & 32:  # an adaptation field
            body += 1 + content[body]
        if content[at + 1] & 64:  # the header of the frame follows
            body += 9 + content[body + 8]
        noise = rng.integers(2, 256, max(at + 188 - body, 0), "uint8")
        content[body : body + len(noise)] = noise.tobytes()
    path.write_bytes(content)
    return float(packets[number].pts * packets[number].time_base)
