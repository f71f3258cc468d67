"""A word is planted wherever a file can hold text, and must not come out."""

import io
import itertools
import random
import struct
import zlib

import av
import pytest
from fuzzing import damaged
from made_films import hum
from made_films import scene
from made_films import scenes
from PIL import Image
from PIL import PngImagePlugin
from quick_anonymize import run

WORD = "Xanthippe"
BYTES = WORD.encode()
LONG = BYTES + b" of Athens"


def chunk(kind, content):
    """Returns a chunk of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png():
    info = PngImagePlugin.PngInfo()
    info.add_text(WORD, "key")
    info.add_text("value", WORD)
    info.add_text(f"{WORD} zipped", WORD, zip=True)
    info.add_itxt("international", WORD, lang=WORD[:4], tkey=WORD)
    info.add_itxt("XML:com.adobe.xmp", xmp().decode())
    info.add_itxt(f"{WORD} key", "text")
    content = io.BytesIO()
    picture().save(content, "PNG", pnginfo=info, exif=exif())
    content = content.getvalue()
    end = content.index(b"IEND") - 4
    profile = chunk(b"iCCP", BYTES + b"\0\0" + zlib.compress(LONG))
    early = content.index(b"IHDR") + 4 + 13 + 4
    return (
        content[:early]
        + profile
        + chunk(b"xaNt", LONG)
        + content[early:end]
        + chunk(b"tEXt", BYTES + b"\0late")
        + content[end:]
        + LONG
    )


def xmp():
    return (
        '<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f"<{WORD}>{WORD}</{WORD}></x:xmpmeta>"
    ).encode()


def exif():
    tags = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298, 0xC4A5):
        tags[tag] = WORD
    tags.get_ifd(0x8769).update({0x9286: b"ASCII\0\0\0" + BYTES, 0x927C: LONG})
    tags.get_ifd(0x8825).update({0x001D: WORD, 0x001B: b"ASCII\0\0\0" + BYTES})
    return tags


def picture():
    return Image.fromarray(scene(3))


def segment(marker, content):
    """Returns a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def iptc():
    record = b"\x1c\x02\x78" + struct.pack(">H", len(LONG)) + LONG
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record
    return b"Photoshop 3.0\0" + block + b"\0" * (len(block) % 2)


def jpeg():
    content = io.BytesIO()
    picture().save(content, "JPEG", exif=exif(), comment=LONG)
    content = content.getvalue()
    more = [
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp()),
        segment(0xED, iptc()),
        segment(0xE2, b"ICC_PROFILE\0\1\1" + LONG),
        *(segment(marker, LONG) for marker in range(0xE3, 0xF0)),
        segment(0xFE, LONG),
    ]
    return content[:2] + b"".join(more) + content[2:] + LONG


def tiff():
    content = io.BytesIO()
    tags = {tag: WORD for tag in (269, 270, 271, 272, 285, 305, 315, 65_000)}
    tags |= {700: xmp(), 33_723: iptc(), 34_377: iptc()}
    info = Image.Exif()
    for tag, value in tags.items():
        info[tag] = value
    picture().save(content, "TIFF", exif=info)
    return content.getvalue() + LONG


def webp():
    content = io.BytesIO()
    picture().save(content, "WEBP", exif=exif(), xmp=xmp())
    return content.getvalue() + LONG


def bmp():
    content = io.BytesIO()
    picture().save(content, "BMP")
    return content.getvalue() + LONG


def gif():
    content = io.BytesIO()
    first, *others = [Image.fromarray(each) for each in scenes(3)]
    first.save(
        content, "GIF", save_all=True, append_images=others, comment=LONG
    )
    content = content.getvalue()
    size = len(LONG)
    block = bytes([size]) + LONG + b"\0"
    plain = b"!\x01\x0c" + bytes(12) + block
    application = b"!\xff\x0b" + (BYTES + b"1.0")[:11].ljust(11) + block
    return content[:-1] + plain + application + b"!\xfe" + block + b";" + LONG


TAGS = [
    "title",
    "artist",
    "comment",
    "description",
    "location",
    "encoder",
    *(
        "copyright",
        "album",
        "genre",
        "date",
        "make",
        "com.apple.quicktime.make",
    ),
    WORD,
]


def film(container, codec, audio):
    """Returns a film whose title, streams and sound hold the word."""
    content = io.BytesIO()
    options = {"movflags": "+use_metadata_tags"} if container == "mp4" else {}
    with av.open(
        content, "w", format=container, container_options=options
    ) as out:
        out.metadata.update(dict.fromkeys(TAGS, f"{WORD} film"))
        video = out.add_stream(codec, rate=25)
        video.height, video.width = scene(0).shape[:2]
        video.pix_fmt = "yuv420p"
        sound = out.add_stream(audio, rate=8000) if audio else None
        for stream in filter(None, (video, sound)):
            names = ("title", "handler_name", "comment", "language", WORD)
            stream.metadata.update(dict.fromkeys(names, f"{WORD} stream"))
        if container in ("mp4", "matroska"):
            out.set_chapters([chapter()])
        if container == "matroska":
            out.add_attachment(f"{WORD}.txt", "text/plain", LONG)
        for pixels in scenes(10):
            out.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
        out.mux(video.encode())
        for packet in hum(sound, 0.4) if sound else ():
            out.mux(packet)
    return content.getvalue()


def chapter():
    from fractions import Fraction

    return {
        "id": 1,
        "start": 0,
        "end": 400,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": f"{WORD} chapter"},
    }


def box(kind, content):
    """Returns a box of an MP4."""
    return struct.pack(">I", len(content) + 8) + kind + content


def mp4():
    return b"".join(
        (
            film("mp4", "libx264", "aac"),
            box(b"udta", box(b"\xa9nam", LONG) + box(b"name", LONG)),
            box(b"uuid", bytes(16) + LONG),
            box(b"free", LONG),
            box(b"Xant", LONG),
        )
    )


def with_id3(content):
    """Puts an ID3 tag before a film."""
    frame = b"\3" + LONG + b"\0"
    frame = b"TIT2" + struct.pack(">I", len(frame)) + b"\0\0" + frame
    return b"ID3\4\0\0" + bytes([0, 0, 0, len(frame)]) + frame + content


FILES = {
    "text.png": png,
    "exif.jpg": jpeg,
    "description.tif": tiff,
    "exif.webp": webp,
    "end.bmp": bmp,
    "comment.gif": gif,
    "udta.mp4": mp4,
    "tags.mov": lambda: film("mov", "mpeg4", "aac"),
    "tags.mkv": lambda: film("matroska", "libx264", "aac"),
    "tags.webm": lambda: film("webm", "libvpx-vp9", None),
    "info.avi": lambda: film("avi", "mpeg4", "pcm_s16le"),
    "data.flv": lambda: film("flv", "flv", None),
    "tags.wmv": lambda: film("asf", "wmv2", None),
    "service.ts": lambda: film("mpegts", "libx264", "aac"),
    "comment.ogv": lambda: film("ogg", "libvpx", None),
    "tags.nut": lambda: film("nut", "mpeg4", None),
    "id3.m2v": lambda: with_id3(film("mpeg2video", "mpeg2video", None)),
    "id3.ts": lambda: with_id3(film("mpegts", "libx264", None)),
}


@pytest.fixture(scope="module")
def contents():
    made = {name: make() for name, make in FILES.items()}
    for name, content in made.items():
        assert traces(content), name
    return made


def write(folder, contents):
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def traces(content):
    """Returns whether bytes hold the word in an encoding that files use."""
    content = content.lower()
    encodings = ("utf-8", "utf-16-le", "utf-16-be")
    return any(WORD.lower().encode(each) in content for each in encodings)


def assert_silent(done, out, outputs=True):
    for line in (*done.lines, *done.errors):
        assert not traces(line.encode()), line
    for path in out.rglob("*.*"):
        if path.is_file() and (outputs or path.suffix == ".json"):
            assert not traces(path.read_bytes()), path


def test_a_word_that_a_file_holds_comes_out_nowhere(contents, tmp_path):
    raw, out = write(tmp_path / "raw", contents), tmp_path / "out"
    done = run(raw, "-o", out)
    assert done.status == 0, done.errors
    assert len(done.lines) == len(FILES)
    assert_silent(done, out)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["-k"], ["-m"], ["-k", "-m"]])
def test_nor_with_what_is_kept(contents, tmp_path, flags):
    raw, out = write(tmp_path / "raw", contents), tmp_path / "out"
    done = run(raw, "-o", out, *flags)
    assert len(done.lines) > len(FILES) / 2
    assert_silent(done, out, outputs="-m" not in flags)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["-m"], ["--accept_damaged"]])
def test_nor_from_a_file_that_is_damaged(contents, tmp_path, flags):
    rng = random.Random(0)
    harmed = {
        f"{i}_{name}": damaged(content, rng)
        for i, (name, content) in itertools.product(range(12), contents.items())
    }
    raw, out = write(tmp_path / "raw", harmed), tmp_path / "out"
    done = run(raw, "-o", out, *flags)
    failed = [line for line in done.errors if line.startswith("error: ")]
    assert len(done.lines) + len(failed) == len(harmed)
    assert min(len(done.lines), len(failed)) > len(harmed) / 20
    assert_silent(done, out, outputs="-m" not in flags)
