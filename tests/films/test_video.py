"""Reads files, network streams and damaged videos."""

import functools
import http.server
import struct
import threading
from fractions import Fraction

import av
import numpy as np
import pytest
import rtsp
import shared_data
from http_server import Quiet
from http_server import served
from made_films import hum
from made_films import inverted
from made_films import lopsided
from made_films import read_film
from made_films import scenes
from made_films import write_film
from made_videos import noisy
from made_videos import noisy_broadcast
from odd_films import jpegs

from priv_keras.films import video as film_video


def times(film):
    return [frame.time for frame in film.frames(film.format.size)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be opened"),
        (b"no film at all" * 100, "cannot be opened"),
    ],
)
def test_what_is_no_film_is_refused(tmp_path, content, message):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        film_video.Video(str(path))
    assert str(path) in str(error.value)


def test_a_film_may_be_named_otherwise(tmp_path):
    path = write_film(tmp_path / "in.mp4").rename(tmp_path / "film.txt")
    with film_video.Video(str(path)) as film:
        assert len(times(film)) == 30


def test_a_name_may_look_like_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("concat:a.mp4", "a%03d.mp4", "a b#1?.mp4", "-.mp4"):
        write_film(tmp_path / "in.mp4").rename(tmp_path / name)
        with film_video.Video(name) as film:
            assert len(times(film)) == 30


def test_sound_alone_is_no_film(tmp_path):
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        sound = container.add_stream("aac", rate=8000)
        for packet in hum(sound, 1):
            container.mux(packet)
    with pytest.raises(ValueError, match="has no video stream"):
        film_video.Video(str(tmp_path / "in.mp4"))


def test_no_frames_are_no_film(tmp_path):
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(ValueError, match="has no (frames|video stream)"):
        film_video.Video(str(path))


def cut(path, share=0.6):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4"])
def test_a_film_that_is_cut_off_is_read_on_request_alone(tmp_path, name):
    faststart = {"movflags": "faststart"} if name == "in.mp4" else {}
    path = cut(write_film(tmp_path / name, options=faststart))
    with pytest.raises(ValueError, match="is cut off: it announces"):
        film_video.Video(str(path))
    with film_video.Video(str(path), accept_damaged=True) as film:
        count = len(times(film))
    assert 3 < count < 29
    assert film.warnings[0].startswith("cut off: it announces")


def damage(path):
    """Overwrites bytes in the middle of the pictures, but no header."""
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 2000
    content[start : start + 1500] = b"\x55" * 1500
    path.write_bytes(content)
    return path


def test_damage_in_the_middle_is_an_error(tmp_path):
    path = damage(write_film(tmp_path / "in.mp4", scenes(30, (160, 120))))
    with (
        pytest.raises(ValueError, match="cannot be decoded: .*, at 0.* s. Say"),
        film_video.Video(str(path)) as film,
    ):
        times(film)
    with film_video.Video(str(path), accept_damaged=True) as film:
        assert 5 < len(times(film)) <= 30


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("in.mp4", "libx264"),
        ("in.mkv", "libx264"),
        ("in.avi", "mpeg4"),
    ],
)
@pytest.mark.parametrize("last", [1, 2])
def test_so_is_damage_in_the_last_packets(tmp_path, name, codec, last):
    path = write_film(tmp_path / name, scenes(30, (160, 120)), codec=codec)
    noisy(path, -last, slice(4, None))
    with (
        pytest.raises(ValueError, match="cannot be decoded: .*, at 1.* s. Say"),
        film_video.Video(str(path)) as film,
    ):
        times(film)
    with film_video.Video(str(path), accept_damaged=True) as film:
        assert 25 < len(times(film)) <= 30
    assert film.warnings[0].startswith("skipped: ")


def test_damage_within_a_frame_is_told_with_its_time(tmp_path):
    path = write_film(tmp_path / "in.mp4", scenes(30, (320, 240)))
    with av.open(str(path)) as container:
        packet = list(container.demux(video=0))[15]
        time = float(packet.pts * packet.time_base)
    noisy(path, 15, slice(packet.size // 2, packet.size // 2 + 20))
    with (
        pytest.raises(ValueError, match=f"decoded: .*, at {time:.2f} s. Say"),
        film_video.Video(str(path)) as film,
    ):
        times(film)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("number", [15, 20, 28])
def test_a_packet_of_a_broadcast_without_a_picture_is_told(
    tmp_path, codec, number
):
    path = write_film(tmp_path / "in.ts", scenes(30, (160, 120)), codec=codec)
    with film_video.Video(str(path)) as film:
        assert len(times(film)) == 30
        assert film.warnings == []
    time = noisy_broadcast(path, number)
    told = f"1 packets hold no picture, the first at {time:.2f} s; they are"
    with film_video.Video(str(path), accept_damaged=True) as film:
        assert len(times(film)) in (28, 29)
        assert any(warning.startswith(told) for warning in film.warnings)


@pytest.mark.parametrize("number", [15, 20, -1])
def test_a_packet_of_mpeg_2_without_a_picture_is_told(tmp_path, number):
    pictures = scenes(30, (160, 120))
    path = write_film(tmp_path / "in.mkv", pictures, codec="mpeg2video")
    noisy(path, number, slice(4, None))
    with film_video.Video(str(path)) as film:
        assert len(times(film)) == 29
    told = "1 packets give no picture, and are left out"
    assert told in film.warnings


def test_a_film_that_changes_its_size_is_an_error(tmp_path):
    # Two raw streams of H.264 in one file.
    whole = b"".join(
        write_film(tmp_path / f"{size[0]}.h264", scenes(5, size)).read_bytes()
        for size in ((64, 48), (80, 60))
    )
    (tmp_path / "in.h264").write_bytes(whole)
    with (
        pytest.raises(ValueError, match="size from 64x48 to 80x60. Cut"),
        film_video.Video(str(tmp_path / "in.h264")) as film,
    ):
        times(film)


def test_frames_without_times_follow_each_other(tmp_path):
    path = write_film(tmp_path / "in.h264", scenes(5))
    with film_video.Video(str(path)) as film:
        found = np.array(times(film)) * film.format.time_base
    steps = np.diff(found.astype(float))
    np.testing.assert_allclose(steps, steps[0])
    assert len(found) == 5


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_an_avi_counts_packets_and_frames_follow_each_other(tmp_path, codec):
    path = tmp_path / "in.avi"
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.max_b_frames = 2
        for pixels in scenes(20):
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(video.encode())
    with film_video.Video(str(path)) as film:
        assert times(film) == list(range(20))
    assert film.warnings == []


@shared_data.needs("ut_interaction")
def test_clips_of_divx_are_whole_and_even():
    folder = shared_data.SHARED / "ut_interaction"
    for path in sorted(folder.glob("set?/*_0.avi")):
        with film_video.Video(str(path)) as film:
            found = times(film)
        assert film.warnings == []
        assert found[0] == 0
        # Two of the packets that are counted hold no picture.
        assert film.count - 2 <= len(found) <= film.count
        steps = np.diff(found)
        assert steps.min() == 1
        assert steps.mean() < 1.03


def test_a_film_ends_after_so_many_seconds(tmp_path):
    path = write_film(tmp_path / "in.mp4")
    with film_video.Video(str(path), seconds=0.5) as film:
        assert film.count == 12  # half of 25
        assert len(times(film)) == 13


def test_a_playlist_reaches_for_nothing(tmp_path):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with served(Handler) as url:
        path = tmp_path / "film.mp4"
        path.write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}a.ts\n"
            "#EXT-X-ENDLIST\n"
        )
        with pytest.raises(ValueError, match="cannot be opened|no video"):
            film_video.Video(str(path))
    assert not asked


@pytest.mark.parametrize("name", ["in.mp4", "in.ts", "in.mkv"])
def test_a_film_is_read_over_http(tmp_path, name):
    path = write_film(tmp_path / name)
    raw, _ = read_film(path)
    with (
        served(functools.partial(Quiet, directory=tmp_path)) as url,
        film_video.Video(url + name) as film,
    ):
        assert film.live
        found = [f.pixels for f in film.frames(film.format.size)]
    np.testing.assert_array_equal(np.stack(found), raw)


def test_who_tunes_in_late_waits_for_a_whole_picture(tmp_path):
    path = write_film(tmp_path / "in.ts", scenes(60), codec="mpeg2video")
    content = path.read_bytes()
    path.write_bytes(content[188 * 20 :])
    with (
        served(functools.partial(Quiet, directory=tmp_path)) as url,
        film_video.Video(url + "in.ts") as film,
    ):
        found = times(film)
    assert 20 < len(found) < 60
    assert found[0] == 0


@pytest.mark.parametrize("name", ["in.mp4", "in.ts", "in.mkv"])
def test_a_connection_that_breaks_is_an_error(tmp_path, name):
    faststart = {"movflags": "faststart"} if name == "in.mp4" else {}
    path = write_film(
        tmp_path / name, scenes(60, (160, 120)), options=faststart
    )
    content = path.read_bytes()

    class Breaks(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) * 6 // 10])

        def log_message(self, *_):
            pass

    with (
        served(Breaks) as url,
        pytest.raises(ValueError, match="cannot be (read|decoded|opened)"),
        film_video.Video(url + name) as film,
    ):
        times(film)


def test_what_came_before_a_connection_broke_is_kept_on_request(tmp_path):
    path = write_film(tmp_path / "in.ts", scenes(60, (160, 120)))
    content = path.read_bytes()

    class Breaks(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) * 6 // 10])

        def log_message(self, *_):
            pass

    with (
        served(Breaks) as url,
        film_video.Video(url + "in.ts", accept_damaged=True) as film,
    ):
        assert 20 < len(times(film)) < 60
    assert any(warning.startswith("broke off: ") for warning in film.warnings)


def test_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(film_video, "WAIT", 1)
    done = threading.Event()

    class Mute(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            done.wait(20)

    with served(Mute) as url:
        with pytest.raises(ValueError, match="opened: nothing came for 1 s"):
            film_video.Video(url)
        done.set()


def test_a_camera_of_the_network_is_read_to_its_goodbye():
    pictures = np.stack(list(scenes(20, (64, 48))))
    with rtsp.camera(pictures) as url, film_video.Video(url) as film:
        assert film.live
        found = list(film.frames(film.format.size))
    assert len(found) == 20
    assert [frame.time * 25 / 90_000 for frame in found] == [*range(20)]
    for frame, pixels in zip(found, pictures, strict=True):
        assert np.abs(frame.pixels.astype(int) - pixels).mean() < 3


def test_a_camera_of_the_network_that_says_nothing_more_is_given_up(
    monkeypatch,
):
    monkeypatch.setattr(film_video, "WAIT", 2)
    pictures = np.stack(list(scenes(20, (64, 48))))
    with (
        rtsp.camera(pictures, says_goodbye=False) as url,
        pytest.raises(ValueError, match="cannot be (read|opened)"),
        film_video.Video(url) as film,
    ):
        times(film)


def test_what_a_camera_said_before_it_fell_silent_is_kept_on_request(
    monkeypatch,
):
    monkeypatch.setattr(film_video, "WAIT", 2)
    pictures = np.stack(list(scenes(20, (64, 48))))
    with (
        rtsp.camera(pictures, says_goodbye=False) as url,
        film_video.Video(url, accept_damaged=True) as film,
    ):
        assert len(times(film)) == 20
    assert film.warnings[-1].startswith("broke off: ")


def test_a_password_is_not_told():
    name = "http://anna:secret@127.0.0.1:9/film"
    with pytest.raises(ValueError, match="http://127.0.0.1:9/film") as error:
        film_video.Video(name)
    assert "secret" not in str(error.value)


def test_a_camera_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="99 cannot be opened"):
        film_video.Video("99")


def test_kinds_of_input():
    assert film_video.is_url("rtsp://host/stream")
    assert not film_video.is_url("C:/film.mp4")
    assert film_video.is_camera("0")
    assert not film_video.is_camera("0.mp4")
    assert list(inverted([np.zeros(1, "uint8")])) == [255]


@pytest.mark.parametrize("name", ["in.avi", "in.mov", "in.mkv", "in.mjpeg"])
@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda p: p),
        (6, lambda p: np.rot90(p, -1)),
        (3, lambda p: np.rot90(p, 2)),
        (2, np.fliplr),
        (4, np.flipud),
    ],
)
def test_jpegs_of_a_film_are_turned_upright(
    tmp_path, name, orientation, turned
):
    path = tmp_path / name
    contents = list(jpegs(4, orientation))
    if name == "in.mjpeg":
        path.write_bytes(b"".join(contents))
    else:
        with av.open(str(path), "w") as container:
            video = container.add_stream("mjpeg", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
            container.start_encoding()
            for i, content in enumerate(contents):
                packet = av.Packet(content)
                packet.stream = video
                packet.pts = packet.dts = i
                packet.duration, packet.time_base = 1, Fraction(1, 10)
                container.mux(packet)
    with film_video.Video(str(path)) as film:
        found = [f.pixels for f in film.frames(film.format.size)]
    assert len(found) == 4
    for i, pixels in enumerate(found):
        right = turned(lopsided(i)).astype(int)
        assert pixels.shape == right.shape
        assert np.abs(pixels - right).mean() < 6


def test_pictures_that_are_turned_another_way_are_another_size(tmp_path):
    path = tmp_path / "in.mjpeg"
    path.write_bytes(b"".join([*jpegs(2, 1), *jpegs(2, 6)]))
    with (
        pytest.raises(ValueError, match="its size from 64x48 to 48x64. Cut"),
        film_video.Video(str(path)) as film,
    ):
        times(film)


def test_a_stream_that_begins_late_is_told(tmp_path):
    path = tmp_path / "in.flv"
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (480, 640, 3), "uint8")
    with av.open(str(path), "w") as container:
        best = {"qmin": "1", "qmax": "1"}
        video = container.add_stream("flv", rate=25, options=best)
        video.width, video.height, video.pix_fmt = 640, 480, "yuv420p"
        sound = container.add_stream("adpcm_swf", rate=44100)
        packets = []
        for i in range(12):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, 50 * i, 1))
            packets += video.encode(frame)
        packets += video.encode()
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 4096), "int16"), "s16")
        wave.sample_rate, wave.pts = 44100, 44100 * 10 // 25
        packets += [*sound.encode(wave), *sound.encode()]
        container.start_encoding()
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    content = bytearray(path.read_bytes())
    content[4] = 1  # the header speaks of video alone
    content[:1000] = content[:1000].replace(b"audio", b"other")
    path.write_bytes(content)
    for audio in (False, True):
        with film_video.Video(str(path), audio=audio) as film:
            assert len(times(film)) == 12
        assert set(film.warnings) <= {
            "a stream that begins late, such as audio, is not read"
        }


def test_a_stereo_arrangement_is_told_as_dropped(tmp_path):
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        options = {"x264-params": "frame-packing=3"}
        video = container.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for pixels in scenes(3):
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(video.encode())
    with film_video.Video(str(path)) as film:
        assert film.dropped == ["stereo arrangement"]


SPHERE = b"""<rdf:SphericalVideo
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">
<GSpherical:Spherical>true</GSpherical:Spherical>
<GSpherical:Stitched>true</GSpherical:Stitched>
<GSpherical:StitchingSoftware>ours</GSpherical:StitchingSoftware>
<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>
</rdf:SphericalVideo>"""


def test_a_spherical_projection_is_told_as_dropped(tmp_path):
    path = write_film(tmp_path / "in.mp4", scenes(3))
    content = path.read_bytes()
    name = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
    box = struct.pack(">I4s", 24 + len(SPHERE), b"uuid") + name + SPHERE
    for kind in (b"trak", b"moov"):  # which is the last box of the file
        place = content.index(kind) - 4
        (size,) = struct.unpack_from(">I", content, place)
        if kind == b"trak":
            end = place + size
            content = content[:end] + box + content[end:]
        size = struct.pack(">I", size + len(box))
        content = content[:place] + size + content[place + 4 :]
    path.write_bytes(content)
    with film_video.Video(str(path)) as film:
        assert film.dropped == ["spherical projection"]
