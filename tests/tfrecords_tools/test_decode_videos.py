"""Films as people have them are decoded to what is seen, or refused by name."""

import io
import os
import struct
import types
import uuid
from fractions import Fraction

import av
import numpy as np
import pytest
from made_films import scenes
from made_films import write_film
from made_videos import gray
from made_videos import noisy
from made_videos import noisy_broadcast
from made_videos import write_avi
from made_videos import write_video
from PIL import Image

from tfrecords_tools import decode

RED, BLUE = (230, 20, 20), (20, 20, 230)


@pytest.fixture
def told():
    return []


def plain(colour, count, size=(64, 48)):
    return [np.full((size[1], size[0], 3), colour, "uint8")] * count


def moving(count, size=(160, 120)):
    """Returns pictures that do not compress to nothing."""
    y, x = np.mgrid[: size[1], : size[0]]
    return [
        np.stack(
            [x * 3 + 5 * i, y * 2 + 3 * i, x * y // 50 + i], axis=-1
        ).astype("uint8")
        for i in range(count)
    ]


def colours(frames):
    """Returns `r` or `b` for each frame, the larger of the two."""
    means = frames.reshape(len(frames), -1, 3).mean(1)
    return "".join("r" if red > blue else "b" for red, _, blue in means)


JOINED = {
    "mpg": "mpeg2video",
    "vob": "mpeg2video",
    "ts": "libx264",
    "m2ts": "mpeg2video",
    "webm": "libvpx-vp9",
    "mkv": "libx264",
}


def joined(tmp_path, suffix, codec, later=0):
    """Joins a second of red and a second of blue, as `cat` does."""
    content = b""
    for name, colour, start in (("a", RED, 0), ("b", BLUE, later)):
        path = tmp_path / f"{name}.{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for i, pixels in enumerate(plain(colour, 25)):
                frame = av.VideoFrame.from_ndarray(pixels)
                frame.pts, frame.time_base = 25 * start + i, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        content += path.read_bytes()
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", JOINED)
def test_recordings_whose_times_restart_are_both_taken(tmp_path, suffix):
    path = joined(tmp_path, suffix, JOINED[suffix])
    assert colours(decode.frames(path, (64, 48))) == 25 * "r" + 25 * "b"


@pytest.mark.parametrize("suffix", ["mpg", "ts"])
def test_times_that_jump_go_on_one_frame_later(tmp_path, suffix):
    path = joined(tmp_path, suffix, "mpeg2video", later=400)
    assert colours(decode.frames(path, (64, 48))) == 25 * "r" + 25 * "b"


def test_times_that_stand_still_go_on_one_frame_later(tmp_path):
    times = [0, 0.04, 0.08, 0.08, 0.08, 0.12, 0.16, None, 0.2]
    assert evenly(times) == list(range(len(times)))


def test_after_a_frame_that_comes_late_times_are_their_own():
    times = [0, 0.04, 0.12, 0.16, 0.08, 0.20, 0.24, 0.28]
    assert evenly(times) == [0, 1, 1, 2, 3, 4, 5, 6, 7]


def evenly(times):
    """Returns the numbers of frames of such times that are seen evenly."""
    frames = [
        types.SimpleNamespace(number=i, time=time, key_frame=not i)
        for i, time in enumerate(times)
    ]
    pairs = [(frame, None) for frame in frames]
    timed = decode.video._timed(pairs, 0.04, 10)
    return [frame.number for frame, _ in decode.video._evenly(timed, 0.04)]


def steps(count):
    return [np.full((24, 32, 3), 20 * i, "uint8") for i in range(count)]


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "libx264"), ("mov", "mpeg4")],
)
def test_the_first_of_two_joined_films_is_taken_and_told(
    tmp_path, told, suffix, codec
):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path, colour in zip(paths, (RED, BLUE), strict=True):
        write_video(path, plain(colour, 10), codec=codec)
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(b"".join(p.read_bytes() for p in paths))
    found = decode.frames(path, (64, 48), warn=told.append)
    assert colours(found) == 10 * "r"
    assert told == [f"{path} holds 2 films, of which the first is read."]


@pytest.mark.parametrize(
    ("suffix", "muxer", "codec"),
    [("wmv", "asf", "wmv2"), ("flv", "flv", "libx264")],
)
def test_a_film_behind_which_another_is_not_read_is_told(
    tmp_path, told, suffix, muxer, codec
):
    path = tmp_path / f"v.{suffix}"
    made = write_film(tmp_path / f"a.{muxer}", moving(30), codec=codec)
    path.write_bytes(made.read_bytes())
    assert len(decode.frames(path, (64, 48), warn=told.append)) == 30
    assert not told
    path.write_bytes(2 * made.read_bytes())
    assert len(decode.frames(path, (64, 48), warn=told.append)) == 30
    assert "It is damaged, or another film follows" in told[0]


def test_a_film_that_is_shorter_than_its_outline_says_is_cut_off(tmp_path):
    for name, codec in (("v.mkv", "libx264"), ("v.webm", "libvpx-vp9")):
        path = write_video(tmp_path / name, moving(30), codec=codec)
        content = path.read_bytes()
        for share in (0.3, 0.6, 0.95):
            path.write_bytes(content[: int(len(content) * share)])
            with pytest.raises(ValueError, match=f"{name} is cut off"):
                decode.frames(path, (64, 48))
    options = {"movflags": "faststart"}
    path = write_film(tmp_path / "v.mp4", moving(30), options=options)
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    path.write_bytes(content[:-20])
    with pytest.raises(ValueError, match="v.mp4 is cut off: it lacks 20 bytes"):
        decode.frames(path, (64, 48))


@pytest.mark.parametrize("trailer", [b"TAG" + bytes(125), b"ID3", b"\xff" * 99])
def test_bytes_behind_the_last_box_do_no_harm(tmp_path, told, trailer):
    path = write_video(tmp_path / "v.mp4", scenes(10), codec="libx264")
    path.write_bytes(path.read_bytes() + trailer)
    assert len(decode.frames(path, (64, 48), warn=told.append)) == 10
    assert not told


def with_cover(path, codec, first):
    """Writes 10 frames and an attached picture, before or after them."""
    with av.open(str(path), "w", format="mp4") as container:
        streams = {}
        for kind in ("cover", "film") if first else ("film", "cover"):
            name = "mjpeg" if kind == "cover" else codec
            streams[kind] = container.add_stream(name, rate=25)
            streams[kind].width, streams[kind].height = 64, 48
        streams["cover"].pix_fmt = "yuvj420p"
        streams["film"].pix_fmt = "yuv420p"
        streams["cover"].disposition = av.stream.Disposition.attached_pic
        for kind, pictures in (
            ("cover", plain(BLUE, 1)),
            ("film", plain(RED, 10)),
        ):
            for pixels in pictures:
                frame = av.VideoFrame.from_ndarray(pixels)
                container.mux(streams[kind].encode(frame))
            container.mux(streams[kind].encode())
    return path


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "libx264"), ("mov", "mpeg4"), ("m4v", "mpeg4")],
)
def test_a_cover_picture_is_not_the_film(tmp_path, suffix, codec, first):
    path = with_cover(tmp_path / f"v.{suffix}", codec, first)
    assert colours(decode.frames(path, (64, 48))) == 10 * "r"


def asf_cover(jpeg):
    """Returns the object of ASF that holds a cover picture."""

    def text(string):
        return (string + "\0").encode("utf-16-le")

    picture = struct.pack("<BI", 3, len(jpeg)) + text("image/jpeg") + text("")
    value = picture + jpeg
    name = text("WM/Picture")
    body = struct.pack("<HH", 1, len(name)) + name
    body += struct.pack("<HH", 1, len(value)) + value
    kind = uuid.UUID("d2d0a440-e307-11d2-97f0-00a0c95ea850").bytes_le
    return kind + struct.pack("<Q", 24 + len(body)) + body


def test_sound_that_begins_late_does_no_harm(tmp_path):
    path = tmp_path / "v.flv"
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), "uint8")
    with av.open(str(path), "w") as container:
        options = {"qmin": "1", "qmax": "1"}
        film = container.add_stream("flv", rate=25, options=options)
        film.width, film.height, film.pix_fmt = 320, 240, "yuv420p"
        film.bit_rate = 80_000_000
        sound = container.add_stream("pcm_s16le", rate=44100, layout="mono")
        for i in range(40):
            frame = av.VideoFrame.from_ndarray(
                np.roll(noise, 9 * i, axis=i % 2)
            )
            container.mux(film.encode(frame))
            wave = np.zeros((1, 1764), "int16")
            heard = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            heard.sample_rate, heard.pts = 44100, 1764 * i
            container.mux(sound.encode(heard))
        container.mux(film.encode())
        container.mux(sound.encode())
    content = path.read_bytes()
    late, place = bytearray(content[:4] + b"\x01" + content[5:13]), 13
    while place + 11 < len(content):  # tags of sound (8) and film (9)
        end = place + 15 + int.from_bytes(content[place + 1 : place + 4], "big")
        if content[place] == 9 or content[place] == 8 and len(late) > 6e6:
            late += content[place:end]
        place = end
    path.write_bytes(late)
    with av.open(str(path)) as container:
        assert len(container.streams) == 1
    assert len(decode.frames(path, (64, 48))) == 40


def test_a_cover_picture_before_the_film_is_not_the_film(tmp_path):
    path = tmp_path / "v.wmv"
    write_film(tmp_path / "v.asf", plain(RED, 10), codec="wmv2").rename(path)
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 48), BLUE).save(jpeg, "JPEG")
    cover, content = asf_cover(jpeg.getvalue()), path.read_bytes()
    size, count = struct.unpack("<QI", content[16:28])
    path.write_bytes(
        content[:16]
        + struct.pack("<QI", size + len(cover), count + 1)
        + content[28:30]
        + cover
        + content[30:]
    )
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "mjpeg"
    assert colours(decode.frames(path, (64, 48))) == 10 * "r"


def test_sound_with_a_cover_is_no_film(tmp_path):
    path = tmp_path / "v.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=8000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), "float32"), "fltp", "mono"
        )
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
        container.mux(
            cover.encode(av.VideoFrame.from_ndarray(plain(RED, 1)[0]))
        )
        container.mux(cover.encode())
    with pytest.raises(ValueError, match="v.m4a has no video stream"):
        decode.frames(path, (64, 48))


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [
        ("mp4", "libx264", "yuv420p"),
        ("mkv", "libx264", "yuv420p"),
        ("avi", "mpeg4", "yuv420p"),
        ("mp4", "mpeg4", "yuv420p"),
        ("webm", "libvpx-vp9", "yuv420p"),
        ("mp4", "libx265", "yuv420p"),
        ("avi", "mjpeg", "yuvj420p"),
        ("avi", "h263p", "yuv420p"),
    ],
)
def test_a_packet_of_noise_is_named_with_its_time(
    tmp_path, suffix, codec, pix_fmt
):
    path = tmp_path / f"v.{suffix}"
    write_video(path, moving(30), codec=codec, pix_fmt=pix_fmt)
    assert len(decode.frames(path, (64, 48))) == 30
    noisy(path, 20)
    with pytest.raises(ValueError, match=rf"v\.{suffix} is damaged.* at 0\.\d"):
        decode.frames(path, (64, 48))


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("number", [15, 20, 28])
def test_a_packet_of_a_broadcast_without_a_picture_is_told(
    tmp_path, told, codec, number
):
    path = write_film(tmp_path / "v.ts", moving(30), codec=codec)
    assert len(decode.frames(path, (64, 48), warn=told.append)) == 30
    assert told == []
    time = noisy_broadcast(path, number)
    try:
        assert len(decode.frames(path, (64, 48), warn=told.append)) in (29, 30)
    except ValueError as error:  # what is before it may be damaged, too
        assert "is damaged" in str(error)
    line = f"1 packets hold no picture, the first at {time:.2f} s"
    assert line in told[0]


@pytest.mark.parametrize("number", [15, 20, -1])
def test_a_packet_of_mpeg_2_without_a_picture_is_told(tmp_path, told, number):
    path = write_film(tmp_path / "v.mkv", moving(30), codec="mpeg2video")
    assert len(decode.frames(path, (64, 48), warn=told.append)) == 30
    assert told == []
    noisy(path, number, slice(4, None))
    decode.frames(path, (64, 48), warn=told.append)
    assert told == [f"{path}: 1 packets give no picture, and are left out."]


def test_noise_within_a_frame_is_not_passed_over(tmp_path):
    path = write_video(tmp_path / "v.avi", moving(30), codec="mpeg4")
    noisy(path, 20, slice(40, 60))
    with pytest.raises(ValueError, match=r"v\.avi is damaged at 0.80 s"):
        decode.frames(path, (64, 48))


def write_groups(path, codec, count=60):
    """Writes frames, every 20th of which is a key frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "20"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for pixels in moving(count):
            frame = av.VideoFrame.from_ndarray(pixels)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_recording_that_begins_between_key_frames_is_taken(tmp_path, codec):
    path = write_groups(tmp_path / "v.ts", codec)
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    between = packets[10].pos // 188 * 188
    path.write_bytes(path.read_bytes()[between:])
    assert 35 < len(decode.frames(path, (64, 48))) <= 50


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_broadcast_may_end_within_a_packet(tmp_path, told, codec):
    path = write_groups(tmp_path / "v.ts", codec)
    content = path.read_bytes()
    lengths = set()
    for share in (0.7, 0.72, 0.74, 0.76, 0.78):
        path.write_bytes(content[: int(len(content) * share)])
        lengths.add(len(decode.frames(path, (64, 48), warn=told.append)))
    assert 30 < min(lengths) < max(lengths) < 55
    assert any("its last packet is cut off" in line for line in told)


def test_packets_that_do_not_decode_at_the_start_are_told(tmp_path, told):
    path = noisy(write_groups(tmp_path / "v.mp4", "libx264"), 0)
    found = decode.frames(path, (64, 48), warn=told.append)
    assert 35 < len(found) < 60
    assert "packets at a start do not decode" in told[0]


def write_alpha(path, codec, pix_fmt, count=5):
    """Writes frames that are transparent on the left, over another red."""
    pixels = np.full((48, 64, 4), (200, 60, 60, 255), "uint8")
    pixels[:, :32] = (90, 10, 10, 0)
    options = {"auto-alt-ref": "0"} if "vp" in codec else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        for _ in range(count):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba")
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("v.mkv", "ffv1", "bgra"),
        ("v.mov", "qtrle", "argb"),
        ("v.mov", "prores_ks", "yuva444p10le"),
        ("v.apng", "apng", "rgba"),
        ("v.avi", "utvideo", "gbrap"),
        ("v.webm", "libvpx-vp9", "yuva420p"),
        ("v.webm", "libvpx", "yuva420p"),
    ],
)
@pytest.mark.parametrize("size", [(64, 48), (32, 24)])
def test_transparent_parts_of_films_are_white(
    tmp_path, name, codec, pix_fmt, size
):
    path = write_alpha(tmp_path / name, codec, pix_fmt)
    frames = decode.frames(path, size).astype(int)
    assert len(frames) == 5
    quarter = size[0] // 4
    assert frames[:, :, :quarter].min() > 245
    seen = frames[:, :, -quarter:].mean((0, 1, 2))
    assert np.abs(seen - [200, 60, 60]).max() < 12


def test_the_fourth_byte_of_a_raw_avi_means_nothing(tmp_path):
    path = write_alpha(tmp_path / "v.avi", "rawvideo", "bgra")
    frames = decode.frames(path, (64, 48)).astype(int)
    assert np.abs(frames[:, :, :30] - [90, 10, 10]).max() < 4


def write_timelapse(path, turn):
    """Copies JPEGs with EXIF data into an AVI file, as cameras do."""
    exif = Image.Exif()
    exif[0x0112] = turn
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in range(10):
            jpeg = io.BytesIO()
            image = Image.fromarray(gray(i, 48, 64))
            image.save(jpeg, "JPEG", quality=95, exif=exif)
            packet = av.Packet(jpeg.getvalue())
            packet.stream = stream
            packet.pts = packet.dts = i
            packet.time_base = Fraction(1, 10)
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("turn", "upright"),
    [
        (1, lambda p: p),
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: np.rot90(p, 2)),
        (6, lambda p: np.rot90(p, -1)),
        (8, lambda p: np.rot90(p, 1)),
    ],
)
def test_jpegs_with_exif_data_in_a_film_are_upright(tmp_path, turn, upright):
    path = write_timelapse(tmp_path / "v.avi", turn)
    expected = np.stack([upright(gray(i, 48, 64)) for i in range(10)])
    if turn != 1:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            if not frame.rotation and turn in (3, 6, 8):
                pytest.skip("this FFmpeg does not read EXIF data in films")
    frames = decode.frames(path, expected.shape[2:0:-1])
    assert np.abs(frames.astype(int) - expected).mean() < 4


def fields(count, size=(64, 64)):
    """Returns frames whose even and odd lines show a bar at two instants."""
    frames = []
    for i in range(count):
        frame = np.full((size[1], size[0], 3), 30, "uint8")
        for field in (0, 1):
            left = 4 * (2 * i + field)
            frame[field::2, left : left + 12] = 220
        frames.append(frame)
    return frames


def write_interlaced(path, codec, count=6):
    options = {"flags": "+ilme+ildct"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.codec_context.options = options
        for pixels in fields(count):
            frame = av.VideoFrame.from_ndarray(pixels).reformat(
                format="yuv420p"
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def combing(frames):
    """Returns how much lines differ from both of their neighbours."""
    lines = frames.astype(int).mean(-1)
    middle = lines[:, 1:-1] - (lines[:, :-2] + lines[:, 2:]) / 2
    return np.abs(middle).mean()


def test_interlaced_films_are_deinterlaced(tmp_path):
    path = write_interlaced(tmp_path / "v.mpg", "mpeg2video")
    with av.open(str(path)) as container:
        raw = list(container.decode(video=0))
        assert all(frame.interlaced_frame for frame in raw)
        combed = np.stack([f.to_ndarray(format="rgb24") for f in raw])
    frames = decode.frames(path, (64, 64))
    assert len(frames) == len(combed) == 6
    assert combing(frames) < combing(combed) / 3


def test_progressive_films_are_not_filtered(tmp_path):
    pictures = [p for p in fields(6)]
    path = write_video(
        tmp_path / "v.mkv", pictures, codec="ffv1", pix_fmt="bgr0"
    )
    frames = decode.frames(path, (64, 64)).astype(int)
    assert np.abs(frames - np.stack(pictures)).max() <= 3


@pytest.mark.parametrize("name", ["12:30.mp4", "file:z.mp4", "-i:0.png"])
def test_relative_names_with_a_colon_are_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name.endswith(".png"):
        Image.fromarray(gray(0)).save(tmp_path / name)
    else:
        made = write_video(tmp_path / "v.mp4", scenes(1), codec="libx264")
        made.rename(tmp_path / name)
    assert len(decode.frames(name, (64, 48))) == 1


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "v.mp4")
    (tmp_path / "w.mp4").symlink_to(tmp_path / "nowhere.mp4")
    with pytest.raises(ValueError, match="v.mp4 is not a file"):
        decode.frames(tmp_path / "v.mp4", (64, 48))
    with pytest.raises(ValueError, match="w.mp4 is a link to a file that is m"):
        decode.frames(tmp_path / "w.mp4", (64, 48))
    with pytest.raises(ValueError, match="/dev/null is not a file"):
        decode.frames("/dev/null", (64, 48))


def test_whatever_a_library_raises_is_a_line_that_names_the_film(
    tmp_path, monkeypatch
):
    path = tmp_path / "v.avi"
    write_avi(path, 3)
    for error in (IndexError("list index\nout"), TypeError(), RecursionError()):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(decode.video, "_decoder", fail)
        with pytest.raises(ValueError, match=r"v\.avi cannot be") as raised:
            decode.frames(path, (64, 48))
        assert "\n" not in str(raised.value)


def test_an_index_of_a_gigabyte_is_not_read(tmp_path):
    path = write_video(tmp_path / "v.mp4", scenes(3), codec="libx264")
    content = path.read_bytes()
    length = (1 << 30).to_bytes(4, "big")
    path.write_bytes(content + length + b"meta")
    os.truncate(path, len(content) + (1 << 30))
    with pytest.raises(ValueError, match="has 1073741824 bytes of metadata"):
        decode.frames(path, (64, 48))


def test_a_title_of_a_gigabyte_is_not_read(tmp_path):
    path = tmp_path / "v.avi"
    write_avi(path, 3)
    content = path.read_bytes()
    end = content.index(b"movi") - 8
    length = (1 << 30).to_bytes(4, "little")
    with open(path, "wb") as file:
        file.write(content[:end] + b"LIST" + length + b"INFO")
        file.seek((1 << 30) - 4, 1)
        file.write(content[end:])
    with pytest.raises(ValueError, match="has 1073741824 bytes of metadata"):
        decode.frames(path, (64, 48))


def test_thousands_of_streams_are_refused(tmp_path):
    path = write_video(tmp_path / "v.mp4", scenes(3), codec="mpeg4")
    content = path.read_bytes()
    moov, trak = content.index(b"moov") - 4, content.index(b"trak") - 4
    size = int.from_bytes(content[trak : trak + 4], "big")
    whole = int.from_bytes(content[moov : moov + 4], "big") + 1999 * size
    path.write_bytes(
        content[:moov]
        + whole.to_bytes(4, "big")
        + content[moov + 4 : trak]
        + 2000 * content[trak : trak + size]
        + content[trak + size :]
    )
    with pytest.raises(ValueError, match="v.mp4 cannot be decoded"):
        decode.frames(path, (64, 48))


def test_a_film_of_too_many_packets_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decode.video, "MAX_PACKETS", 10)
    path = write_video(tmp_path / "v.mkv", scenes(20), codec="mpeg4")
    with pytest.raises(ValueError, match="v.mkv has more than 10 frames"):
        decode.frames(path, (64, 48))


def test_a_film_that_ends_before_it_says_is_told(tmp_path, told):
    path = tmp_path / "v.wmv"
    made = write_film(tmp_path / "v.asf", moving(50), codec="wmv2")
    made.rename(path)
    content = path.read_bytes()
    half = content[: len(content) // 2]
    path.write_bytes(half.ljust(len(content), b"\0"))
    found = decode.frames(path, (64, 48), warn=told.append)
    assert len(found) < 40
    assert any("announces 2.0 s, and ends at" in line for line in told)
