"""Files and addresses that try to make a reader open others or fill the memory
are refused in one line, by both `anonymize` and `build`."""

import functools
import http.server
import io
import itertools
import os
import re
import struct
import subprocess
import sys
import zlib

import av
import numpy as np
import pytest
from both_readers import READERS
from both_readers import read_by_anonymize
from both_readers import read_by_build
from http_server import Quiet
from http_server import served
from made_films import scene
from made_films import scenes
from made_films import write_film
from PIL import Image

from priv_keras.films import encode
from priv_keras.films import frame
from priv_keras.films import picture
from priv_keras.films import pipeline
from priv_keras.films import video
from tfrecords_tools import decode

SIZE = (64, 48)


both = pytest.mark.parametrize("read", READERS)


def test_both_read_the_same_formats_up_to_the_same_size():
    assert video.FORMATS == decode.video.FORMATS
    assert frame.MAX_PIXELS == decode.picture.MAX_PIXELS
    assert {*picture.READABLE, "AVIF"} == {*decode.picture.FORMATS}


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile secret.ts\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n"
    "#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    'type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
    '<Period><AdaptationSet mimeType="video/mp2t"><Representation id="1" '
    'bandwidth="1"><BaseURL>secret.ts</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "imf": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-'
    'ra.org/schemas/2067-3/2016"></CompositionPlaylist>',
}


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """A film in the current folder that is not among the inputs."""
    monkeypatch.chdir(tmp_path)
    return write_film(tmp_path / "secret.ts", codec="mpeg2video")


@both
@pytest.mark.parametrize("name", ["film.mp4", "film.m3u8", "film.txt"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_opens_no_other_file(secret, kind, name, read):
    path = secret.with_name(name)
    path.write_text(PLAYLISTS[kind])
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_the_playlist_of_files_is_one_that_ffmpeg_would_follow(secret):
    path = secret.with_name("film.mp4")
    path.write_text(PLAYLISTS["concat"])
    with av.open(str(path)) as container:  # else the test above proves nothing
        assert container.format.name == "concat"


def test_a_refusal_says_what_it_may_be(secret):
    path = secret.with_name("film.mp4")
    path.write_text(PLAYLISTS["concat"])
    for read in READERS:
        with pytest.raises(ValueError, match="not read, such as a playlist"):
            read(path)


def test_a_pattern_of_pictures_is_the_name_of_one_file(secret):
    for i in range(3):
        Image.fromarray(scene(i)).save(secret.with_name(f"{i}.jpg"))
    with pytest.raises((ValueError, OSError)):
        read_by_anonymize("%d.avif")
    with pytest.raises(ValueError, match="does not exist"):
        read_by_build("%d.jpg")


def referring_to(path):
    """Returns a MOV file that says that its samples lie in another file."""
    content = path.read_bytes()
    name = str(path).encode()
    alias = (
        bytes(10)
        + b"\4disk".ljust(28, b"\0")
        + bytes(12)
        + b"\4film".ljust(64, b"\0")
        + bytes(16)
        + struct.pack(">hh", -1, 1)  # folders up, folders down
        + bytes(16)
        + struct.pack(">hH", 2, len(name))  # the whole path
        + name
        + bytes(len(name) % 2)
        + struct.pack(">hh", -1, 0)
    )
    header, body = content.split(b"moov")
    body = b"moov" + body
    at = body.index(b"dref") - 4
    (size,) = struct.unpack(">I", body[at : at + 4])
    entry = struct.pack(">I", 12 + len(alias)) + b"alis" + bytes(4) + alias
    box = struct.pack(">I", 16 + len(entry)) + body[at + 4 : at + 16] + entry
    for kind in (b"trak", b"mdia", b"minf", b"dinf"):
        place = body.index(kind) - 4
        (old,) = struct.unpack(">I", body[place : place + 4])
        grown = struct.pack(">I", old + len(box) - size)
        body = body[:place] + grown + body[place + 4 :]
    at = body.index(b"dref") - 4
    body = body[:at] + box + body[at + size :]
    (old,) = struct.unpack(">I", header[-4:])
    end = struct.pack(">I", old + len(box) - size)
    samples = header.index(b"mdat") + 4
    blank = bytes(len(header) - samples - 4)
    return header[:samples] + blank + end + body


@both
def test_samples_of_another_file_are_not_read(tmp_path, read):
    secret = write_film(tmp_path / "secret.mov", scenes(10), codec="mpeg4")
    path = tmp_path / "film.mov"
    path.write_bytes(referring_to(secret))
    options = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(path), options=options) as container:
        assert len(list(container.decode(video=0))) == 10  # FFmpeg could
    with pytest.raises(ValueError, match=str(path)):
        read(path)


FILMS = {
    **dict.fromkeys(["mp4", "mov", "m4v", "3gp", "3g2", "mkv"], "libx264"),
    **dict.fromkeys(["flv", "ts", "m2ts", "h264"], "libx264"),
    "webm": "libvpx-vp9",
    "ivf": "libvpx-vp9",
    "hevc": "libx265",
    **dict.fromkeys(["avi", "nut"], "mpeg4"),
    **dict.fromkeys(["mpg", "mpeg", "vob", "m2v", "mxf"], "mpeg2video"),
    **dict.fromkeys(["wmv", "asf"], "wmv2"),
    "ogv": "libvpx",
    "mjpeg": "mjpeg",
    "gif": "gif",
    "y4m": "rawvideo",
    "dv": "dvvideo",
    "apng": "apng",
}
PIXELS = {"mjpeg": "yuvj420p", "gif": "rgb8", "apng": "rgb24"}
MUXERS = {"wmv": "asf", "mpg": "vob", "m4v": "mp4", "h264": "h264"}


@both
@pytest.mark.parametrize("suffix", FILMS)
def test_what_people_have_is_read(tmp_path, suffix, read):
    if FILMS[suffix] not in av.codecs_available:
        pytest.skip(f"this PyAV has no {FILMS[suffix]}")
    path = tmp_path / f"film.{suffix}"
    size = (720, 576) if suffix == "dv" else SIZE
    made = tmp_path / f"film.{MUXERS.get(suffix, suffix)}"
    write_film(
        made,
        scenes(8, size),
        codec=FILMS[suffix],
        pix_fmt=PIXELS.get(suffix, "yuv420p"),
    ).rename(path)
    assert len(read(path)) == 8


NAMES = [
    "12:30.mp4",
    "file:z.mp4",
    "concat:a.mp4|b.mp4",
    "pipe:0.mp4",
    "subfile,,start,0,end,9,,:a.mp4",
    "data:video.mp4",
    "crypto:a.mp4",
    "http:a.mp4",
    "cache:a.mp4",
    "async:a.mp4",
    "tee:a.mp4",
    "-i.mp4",
]


@both
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_protocol(tmp_path, monkeypatch, name, read):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "in.mp4", scenes(5)).rename(tmp_path / name)
    assert len(read(name)) == 5


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_an_output_is_no_protocol(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    source = write_film(tmp_path / "in.mp4", scenes(5))
    with (
        video.Video(str(source)) as film,
        encode.Encoder(name, ".mp4", film.format) as sink,
    ):
        pipeline.run(film, sink, lambda batches: batches)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"in.mp4", name}


@pytest.mark.parametrize(
    "address",
    [
        "file://{}",
        "concat://{}",
        "subfile,,end,0,,://{}",
        "pipe://0",
        "unix://{}",
        "crypto+file://{}",
        "lavfi://testsrc",
        "sftp://h/{}",
    ],
)
def test_an_address_of_no_network_is_refused(secret, address):
    with pytest.raises((ValueError, OSError), match="not read|No such file"):
        video.Video(address.format(secret))


def playlist_over_http(tmp_path, content):
    (tmp_path / "live.m3u8").write_text(content)
    with (
        served(functools.partial(Quiet, directory=tmp_path)) as url,
        video.Video(url + "live.m3u8") as film,
    ):
        return len(list(film.frames(film.format.size)))


def test_a_camera_may_answer_with_hls(secret):
    assert playlist_over_http(secret.parent, PLAYLISTS["hls"]) == 30


@pytest.mark.parametrize("address", ["file:{}", "file://{}", "{}"])
def test_hls_of_the_network_reads_no_file_of_this_machine(secret, address):
    listed = PLAYLISTS["hls"].replace("secret.ts", address.format(secret))
    with pytest.raises(ValueError, match="cannot be (opened|read)|no video"):
        playlist_over_http(secret.parent, listed)


@pytest.mark.parametrize("kind", ["concat", "sdp", "imf"])
def test_other_playlists_of_the_network_are_refused(secret, kind):
    with pytest.raises(ValueError, match="cannot be opened"):
        playlist_over_http(secret.parent, PLAYLISTS[kind])


def test_a_camera_may_send_one_jpeg_after_the_other():
    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            kind = "multipart/x-mixed-replace; boundary=--frame"
            self.send_header("Content-Type", kind)
            self.end_headers()
            for i in range(12):
                jpeg = io.BytesIO()
                Image.fromarray(scene(i)).save(jpeg, "JPEG")
                head = (
                    "--frame\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(jpeg.getvalue())}\r\n\r\n"
                )
                self.wfile.write(head.encode() + jpeg.getvalue() + b"\r\n")

        def log_message(self, *_):
            pass

    with served(Camera) as url, video.Video(url) as film:
        found = list(itertools.islice(film.frames(film.format.size), 10))
    for i, frame_found in enumerate(found):
        assert np.abs(frame_found.pixels.astype(int) - scene(i)).mean() < 6


def png(width, height, body=b""):
    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", checksum)
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def white_png(side):
    """Returns a complete picture: about 100 KB for 30000x30000 pixels."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (-(-side // 8))
    packed = [packer.compress(row * 100) for _ in range(side // 100)]
    return png(side, side, b"".join(packed) + packer.flush())


def drawn(kind, **options):
    content = io.BytesIO()
    Image.fromarray(scene(0)).save(content, kind, **options)
    return bytearray(content.getvalue())


def jpeg_bomb():
    content = drawn("JPEG")
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", 65500, 65500)
    return content


def bmp_bomb():
    content = drawn("BMP")
    content[18:26] = struct.pack("<ii", 40000, 40000)
    return content


def tiff_bomb():
    content = drawn("TIFF")
    for tag in (256, 257):  # width, height: one number of 16 or 32 bits
        entry = content.index(struct.pack("<H", tag), 8)
        content[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, 40000)
    return content


def webp_bomb():
    content = drawn("WEBP", lossless=True)
    start = content.index(b"VP8L") + 9  # two numbers of 14 bits, less one
    bits = 16382 | 16382 << 14
    content[start : start + 4] = struct.pack("<I", bits)
    return content


def gif_bomb(side=65_000):
    content = drawn("GIF")
    content[6:10] = struct.pack("<HH", side, side)
    return content


PICTURES = {
    "header.png": functools.partial(png, 100_000, 100_000),
    "whole.png": functools.partial(white_png, 30_000),
    "just_too_large.png": functools.partial(white_png, 8_200),
    "film.jpg": jpeg_bomb,
    "bmp.png": bmp_bomb,
    "tif.png": tiff_bomb,
    "webp.png": webp_bomb,
    "gif.png": gif_bomb,
    "film.gif": functools.partial(gif_bomb, 10_000),
    "film.y4m": lambda: b"YUV4MPEG2 W10000 H10000 F25:1 C420\nFRAME\n0",
}


@both
@pytest.mark.parametrize("name", PICTURES)
def test_a_frame_of_too_many_pixels_is_refused(tmp_path, name, read):
    path = tmp_path / name
    path.write_bytes(PICTURES[name]())
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        read(path)
    text = str(error.value)
    assert re.search(r"of \d{8,} pixels.*the limit is 67108864\.", text), text
    assert "\n" not in text


def test_frames_of_a_folder_are_no_larger(tmp_path):
    (tmp_path / "f_1.png").write_bytes(white_png(8_200))
    with pytest.raises(ValueError, match="f_1.png has frames of 67240000 pix"):
        decode.frames(tmp_path, SIZE)


def test_a_large_picture_is_still_read(tmp_path):
    (tmp_path / "in.png").write_bytes(white_png(8_100))
    with Image.open(tmp_path / "in.png") as found:
        assert found.size == (8_100, 8_100)
    assert read_by_build(tmp_path / "in.png").min() == 255


LIMITED = """
import resource, sys
import cv2  # so that it does not count
from both_readers import READERS
for read in READERS:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read(sys.argv[1])
    except ValueError as error:
        print("refused")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(after - before, file=sys.stderr)
    assert after - before < 200_000, "more than 200 MB"
"""


@pytest.mark.parametrize(
    ("name", "bomb"),
    [
        ("whole.png", functools.partial(white_png, 30_000)),
        ("webp.png", webp_bomb),
        ("film.gif", gif_bomb),
        ("film.webp", webp_bomb),
    ],
)
def test_a_bomb_takes_little_memory(tmp_path, name, bomb):
    path = tmp_path / name
    path.write_bytes(bomb())
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIMITED, str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "refused\n" * 2, done.stderr


def test_many_pages_are_not_counted(tmp_path, monkeypatch):
    from PIL import TiffImagePlugin

    def count(_):
        raise AssertionError("every page was read")

    monkeypatch.setattr(
        TiffImagePlugin.TiffImageFile, "n_frames", property(count)
    )
    path = tmp_path / "in.tif"
    page = Image.fromarray(scene(0))
    page.save(path, save_all=True, append_images=[page, page])
    source = picture.Picture(str(path))
    assert source.warnings == ["only the first of several pictures"]


def test_a_picture_starts_no_program(tmp_path):
    # Pillow would hand it to Ghostscript, whatever its suffix.
    path = tmp_path / "in.png"
    path.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"
        b"%%EndComments\nshowpage\n%%EOF\n"
    )
    for read in READERS:
        with pytest.raises(ValueError, match="is not a picture"):
            read(path)
