"""Times go on where a recording was joined to another, or has none."""

import contextlib
import http.server
import io
import itertools
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from http_server import served
from made_films import SIZE
from made_films import convert
from made_films import hum
from made_films import read_film
from made_films import scene
from made_films import scenes
from made_films import write_film
from odd_films import join
from PIL import Image

from priv_keras.films.video import Video

JOINED = "its times start anew or jump; it was read as one film"
CODECS = {
    "ts": "libx264",
    "mpg": "mpeg2video",
    "webm": "libvpx-vp9",
    "mkv": "libx264",
}


def seconds(film):
    base = film.format.time_base
    return [float(frame.time * base) for frame in film.frames(film.format.size)]


def colours(count, level):
    return [np.full((*SIZE[::-1], 3), level, "uint8")] * count


@pytest.mark.parametrize("suffix", CODECS)
def test_a_second_recording_follows_the_first(tmp_path, suffix):
    options = {"codec": CODECS[suffix]}
    parts = [
        write_film(tmp_path / f"{level}.{suffix}", colours(n, level), **options)
        for n, level in ((25, 60), (20, 180))
    ]
    with Video(str(join(tmp_path / f"in.{suffix}", *parts))) as film:
        frames = list(film.frames(film.format.size))
        times = [float(f.time * film.format.time_base) for f in frames]
    np.testing.assert_allclose(times, np.arange(45) / 25, atol=1e-3)
    levels = [round(float(frame.pixels.mean()), -1) for frame in frames]
    assert levels == [60] * 25 + [180] * 20
    assert film.warnings == [JOINED]


def write_with_sound(path, codec, sound, level, count=25):
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = container.add_stream(sound, rate=8000)
        packets = list(hum(audio, count / 25))
        for pixels in colours(count, level):
            packets += video.encode(av.VideoFrame.from_ndarray(pixels))
        packets += video.encode()
        container.start_encoding()
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("suffix", "codec", "sound"),
    [("ts", "libx264", "aac"), ("mkv", "libx264", "aac")],
)
def test_its_sound_stays_with_its_pictures(tmp_path, suffix, codec, sound):
    parts = [
        write_with_sound(tmp_path / f"{n}.{suffix}", codec, sound, level)
        for n, level in ((1, 60), (2, 180))
    ]
    whole = join(tmp_path / f"in.{suffix}", *parts)
    convert(whole, tmp_path / "out.mp4", audio=True)
    found, at = read_film(tmp_path / "out.mp4")
    np.testing.assert_allclose(np.diff(at), 1 / 25, atol=1e-3)
    assert len(found) == 50
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [p for p in container.demux(audio=0) if p.size]
        times = [float(p.pts * p.time_base) for p in packets]
    # The edges of the two recordings overlap.
    assert 2 * len(sound_of(parts[0])) - len(times) in (0, 1)
    assert np.diff(times).min() > 0.05
    assert times[-1] - times[0] == pytest.approx(at[-1] - at[0], abs=0.3)
    half = len(times) // 2
    assert times[half] - at[25] == pytest.approx(times[0] - at[0], abs=0.15)


def sound_of(path):
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(audio=0) if packet.size]


def later(path, ticks):
    """Writes a copy of a film in MPEG-TS whose clock is ahead."""
    moved = path.with_name("later.ts")
    with av.open(str(path)) as source, av.open(str(moved), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.pts += ticks
                packet.dts += ticks
                packet.stream = stream
                container.mux(packet)
    return moved


@pytest.mark.parametrize(
    ("ticks", "warnings"), [(90_000 * 3600, [JOINED]), (10 * 3600, [])]
)
def test_a_broadcast_that_jumps_or_goes_on_is_one(tmp_path, ticks, warnings):
    first, second = (
        write_film(tmp_path / f"{i}.ts", scenes(10)) for i in range(2)
    )
    path = join(tmp_path / "in.ts", first, later(second, ticks))
    with Video(str(path)) as film:
        found = seconds(film)
    np.testing.assert_allclose(found, np.arange(20) / 25, atol=1e-3)
    assert film.warnings == warnings


def test_a_pause_is_no_jump(tmp_path):
    pause = [0, 40, 80, 60_000, 60_040]
    for name in ("in.mp4", "in.mkv"):
        path = write_film(tmp_path / name, scenes(5), times=pause)
        with Video(str(path)) as film:
            found = seconds(film)
        np.testing.assert_allclose(np.array(found) * 1000, pause, atol=1)
        assert film.warnings == []


@pytest.mark.parametrize("stamps", [[7] * 8, [0, 1, 2, 2, 2, 5, 6, 7]])
def test_a_clock_that_stands_still_goes_on(tmp_path, stamps):
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.time_base = Fraction(1, 25)
        packets = []
        for pixels in scenes(8):
            packets += video.encode(av.VideoFrame.from_ndarray(pixels))
        for stamp, packet in zip(stamps, packets, strict=True):
            packet.pts = stamp
            packet.dts = None
            packet.duration = 1
            container.mux(packet)
    with Video(str(path)) as film:
        found = seconds(film)
    assert len(found) == 8
    np.testing.assert_allclose(np.diff(found), 1 / 25, atol=0.005)


def test_packets_lost_within_a_recording_are_still_damage(tmp_path):
    path = write_film(tmp_path / "in.ts", scenes(60, (160, 120)))
    content = path.read_bytes()
    packets = [content[i : i + 188] for i in range(0, len(content), 188)]
    middle = len(packets) // 2
    path.write_bytes(b"".join(packets[:middle] + packets[middle + 2 :]))
    with (
        pytest.raises(ValueError, match="cannot be decoded"),
        Video(str(path)) as film,
    ):
        seconds(film)


def camera(count, interval):
    """Returns the handler of a camera that sends JPEGs, now and then."""

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            kind = "multipart/x-mixed-replace; boundary=--frame"
            self.send_header("Content-Type", kind)
            self.end_headers()
            for i in range(count):
                jpeg = io.BytesIO()
                Image.fromarray(scene(i)).save(jpeg, "JPEG")
                head = (
                    "--frame\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(jpeg.getvalue())}\r\n\r\n"
                )
                # The reader may have left before the last.
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(head.encode() + jpeg.getvalue() + b"\r\n")
                time.sleep(interval)

        def log_message(self, *_):
            pass

    return Camera


def test_pictures_without_times_have_those_at_which_they_came():
    with served(camera(12, 0.2)) as url, Video(url) as film:
        base = film.format.time_base
        frames = film.frames(film.format.size)
        found = [f.time * base for f in itertools.islice(frames, 10)]
    steps = np.diff(np.array(found, float))
    assert steps.min() > 0
    assert steps[:3].min() > 0.05  # also of those that were read to open it
    assert np.median(steps) == pytest.approx(0.2, rel=0.3)
    assert float(found[-1]) == pytest.approx(9 * 0.2, rel=0.3)


def test_pictures_that_came_at_once_are_all_there_when_it_breaks():
    with served(camera(8, 0)) as url, Video(url) as film:
        frames = film.frames(film.format.size)
        found = [f.time for f in itertools.islice(frames, 7)]
    assert np.diff(found).min() > 0
