"""Reads videos from files, cameras and network streams."""

import collections
import contextlib
import itertools
import operator
import os
import re
import sys
from fractions import Fraction

import numpy as np

from priv_keras.films import cut_off
from priv_keras.films.frame import MAX_PIXELS
from priv_keras.films.frame import Colour
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import check_pixels

MATRICES = (1, 4, 5, 6, 7, 9)  # colour matrices that FFmpeg's scaler knows
# The demuxers of FFmpeg that may open a file. Each reads only that file. The
# others are left out because they open other files and addresses that a file
# names (concat, hls, dash, imf, sdp, mlv, image2), run a script (lavfi,
# avisynth), or have not been asked for.
FORMATS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "asf", "flv", "mxf", "ogg"),
    *("rm", "dv", "gif", "apng", "wtv", "gxf", "nut", "dhav", "hxvs"),
    *("h264", "hevc", "vvc", "av1", "obu", "ivf", "vc1", "m4v", "mpegvideo"),
    *("mjpeg", "mjpeg_2000", "mpjpeg", "yuv4mpegpipe"),
    *("jpeg_pipe", "png_pipe", "bmp_pipe", "tiff_pipe", "webp_pipe"),
)
# The network may also answer in these: HLS, and its sound and subtitles.
LIVE_FORMATS = (
    *FORMATS,
    *("rtsp", "rtp", "live_flv", "hls", "aac", "ac3", "eac3", "mp3", "webvtt"),
)
# The protocols of an address, and those that FFmpeg opens for them in turn.
# `file` is not one of them, so a playlist from the network cannot read files of
# this machine.
PROTOCOLS = (
    *("rtsp", "rtsps", "rtp", "srtp", "udp", "udplite", "tcp", "tls", "srt"),
    *("http", "https", "httpproxy", "crypto", "data", "ftp", "mmsh", "mmst"),
    *("rtmp", "rtmpe", "rtmps", "rtmpt", "rtmpte", "rtmpts"),
    *("ffrtmpcrypt", "ffrtmphttp", "rist"),
)
WAIT = 20  # seconds for a network to answer
# PyAV's format and device for the number of a camera.
CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}")}


def is_url(name):
    """Returns whether an input is the URL of a stream."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*://", name))


def is_camera(name):
    """Returns whether an input is the number of a camera. A file of that name
    takes precedence."""
    return bool(re.fullmatch(r"\d{1,3}", name)) and not os.path.lexists(name)


def shown(name):
    """Returns an input's name without the password that a URL may hold."""
    return re.sub(r"(?<=://)[^/@]*@", "", name)


class Video:
    """Frames of a video, upright, with their times; a context manager.

    Frames are those of the first video stream that is not a cover picture.
    Display matrices, with which phones turn pictures, are applied to pixels.
    Damage is an error unless it is accepted.

    Args:
        name: String, a file, a URL, or the number of a camera.
        audio: Bool, whether packets of audio are collected in `packets`.
        seconds: Float, seconds after which to end; `None` to read to the end.
        accept_damaged: Bool, whether frames that cannot be decoded are skipped.

    Attributes:
        format: `Format`.
        count: Int, the approximate number of frames; `None` if it is unknown.
        audio: List of the streams that `packets` come from.
        packets: `collections.deque` of audio packets, in the order of reading.
        dropped: List of strings, the streams that are not read.
        metadata: Dict of strings, what the container says about the film.
        warnings: List of strings.

    Raises:
        ValueError: If the input cannot be decoded, has no frame or is cut off.
        OSError: If the input cannot be read.
    """

    def __init__(
        self, name, *, audio=False, seconds=None, accept_damaged=False
    ):
        self.name = shown(name)
        self.live = is_url(name) or is_camera(name)
        self._seconds, self._accept = seconds, accept_damaged
        self.warnings, self.packets = [], collections.deque()
        self._stack = contextlib.ExitStack()
        with self._stack:
            self._check_whole(name)
            with self._errors_reworded("opened"):
                self._container = self._stack.enter_context(_open(name))
                self._find_streams(audio)
                self._read_ahead()
            self._stack = self._stack.pop_all()  # keeps the input open

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stack.close()

    def _check_whole(self, name):
        if self.live:
            return
        try:
            cut_off.check(name)
        except ValueError as error:
            if not self._accept:
                raise
            self.warnings.append(f"cut off{str(error).partition('cut off')[2]}")

    @contextlib.contextmanager
    def _errors_reworded(self, what):
        import av

        try:
            yield
        except av.ArgumentError:  # also if the demuxer is not allowed
            raise ValueError(
                f"{self.name} cannot be {what}: it is damaged, or in a format "
                "that is not read, such as a playlist, or has frames of more "
                f"than {MAX_PIXELS} pixels."
            ) from None
        except av.FFmpegError as error:
            # The text of the error may hold the password of a URL.
            raise ValueError(
                f"{self.name} cannot be {what}: {error.strerror}."
            ) from None

    def _find_streams(self, audio):
        from av.stream import Disposition

        streams = self._container.streams
        films = [
            stream
            for stream in streams.video
            if not stream.disposition & Disposition.attached_pic
        ]
        if not films:
            raise ValueError(f"{self.name} has no video stream.")
        self._video = films[0]
        context = self._video.codec_context
        if context is None:
            raise ValueError(f"{self.name} has an unknown codec.")
        size = context.width, context.height
        check_pixels(self.name, size[0] * size[1], size)
        context.thread_type = "AUTO"
        # AVI numbers packets. The `pts` that FFmpeg derives from that are wrong
        # if packets and pictures do not match, as in DivX; the `dts` are right.
        avi = self._container.format.name == "avi"
        self._stamp = operator.attrgetter("dts" if avi else "pts")
        context.options = {"max_pixels": str(MAX_PIXELS)} | (
            {} if self._accept else {"err_detect": "explode"}
        )
        self.audio = [
            stream
            for stream in (streams.audio if audio else [])
            if stream.codec_context is not None
        ]
        kept = {stream.index for stream in (self._video, *self.audio)}
        self.metadata = {
            _legible(key): _legible(value)
            for key, value in self._container.metadata.items()
        }
        self.dropped = [
            _described(stream) for stream in streams if stream.index not in kept
        ]

    def _read_ahead(self):
        """Decodes the first frame, since headers do not tell everything."""
        self._decoded = self._decode()
        first = next(self._decoded, None)
        if first is None:
            raise ValueError(f"{self.name} has no frames.")
        self._decoded = itertools.chain([first], self._decoded)
        self._matrix = display_matrix(first)
        size = first.width, first.height
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        if self._matrix[0, 0] == 0:
            size, aspect = size[::-1], 1 / aspect
        rate = self._video.average_rate or self._video.guessed_rate
        rate = Fraction(rate or 25).limit_denominator(1001) or Fraction(25)
        time_base = first.time_base or self._video.time_base or 1 / rate
        self.format = Format(size, time_base, rate, aspect, _colour(first))
        self.count = self._count(rate)
        self._start = self._find_start(first)

    def _count(self, rate):
        if self.live:
            return self._seconds and round(self._seconds * rate)
        length = self._container.duration or 0
        count = self._video.frames or round(length / 1_000_000 * rate)
        if self._seconds:
            count = min(count, round(self._seconds * rate))
        return count or None

    def _find_start(self, first):
        """Returns the time of the input, in seconds, at which the output
        begins."""
        starts = [
            stream.start_time * stream.time_base
            for stream in self.audio
            if stream.start_time is not None
        ]
        if self._stamp(first) is not None:
            starts.append(self._stamp(first) * self.format.time_base)
        return min(starts, default=Fraction(0))

    def _decode(self):
        """Yields `av.VideoFrame`s; appends packets of audio to `packets`."""
        streams = (self._video, *self.audio)
        begun = not self.live
        with self._errors_reworded("read"):
            for packet in self._container.demux(*streams):
                if packet.stream_index != self._video.index:
                    if packet.dts is not None:
                        self.packets.append(packet)
                    continue
                for frame in self._decode_packet(packet, begun):
                    # A live stream may begin between two key frames.
                    begun = begun or frame.key_frame
                    if begun:
                        yield frame

    def _decode_packet(self, packet, begun):
        import av

        try:
            if packet.is_corrupt:
                raise ValueError("a packet is damaged")
            frames = packet.decode()
            if any(frame.is_corrupt for frame in frames):
                raise ValueError("a frame is damaged")
            return frames
        except (av.FFmpegError, ValueError) as error:
            if not begun:
                return []
            reason = getattr(error, "strerror", None) or str(error)
            if packet.time_base and packet.pts is not None:
                reason += f", at {float(packet.pts * packet.time_base):.2f} s"
            if not self._accept:
                raise ValueError(
                    f"{self.name} cannot be decoded: {reason}. Say "
                    "--accept_damaged to keep what can be read."
                ) from None
            self.warnings.append(f"skipped: {reason}")
            return []

    def frames(self, size):
        """Decodes the frames.

        Args:
            size: `(width, height)` in pixels to scale frames to.

        Yields:
            `Frame`s in increasing order of time. The first is at 0, unless
            audio is kept and begins earlier.

        Raises:
            ValueError: If a frame cannot be decoded or has another size.
        """
        from av.video.reformatter import Interpolation
        from av.video.reformatter import VideoReformatter

        # Without it, PyAV starts threads for every frame.
        scaler = VideoReformatter()
        turned = self._matrix[0, 0] == 0
        scaled = size[::-1] if turned else size
        coded = self.format.size[::-1] if turned else self.format.size
        shrinks = size[0] * size[1] < coded[0] * coded[1]
        way = Interpolation.AREA if shrinks else Interpolation.BICUBIC
        for frame, time, duration in self._timed():
            if (frame.width, frame.height) != coded:
                raise ValueError(
                    f"{self.name} changes its size from {coded[0]}x{coded[1]} "
                    f"to {frame.width}x{frame.height}. Cut it there."
                )
            rgb = scaler.reformat(
                frame, *scaled, format="rgb24", interpolation=way, threads=1
            )
            pixels = upright(rgb.to_ndarray(), self._matrix)
            yield Frame(pixels, time, duration)

    def _timed(self):
        """Yields frames with their times and durations in ticks; each time is
        later than the last."""
        base = self.format.time_base
        start = round(self._start / base)
        tick = max(1, round(1 / self.format.rate / base))
        last = None
        for frame in self._decoded:
            stamp = self._stamp(frame)
            if last is None:
                time = 0 if stamp is None else max(stamp - start, 0)
            elif stamp is None:  # for example at the end of an AVI
                time = last + tick
            elif stamp - start <= last:
                time = last + 1
                self._warn_once("times of frames repeat or go back")
            else:
                time = stamp - start
            if self._seconds and time * base >= self._seconds:
                return
            last = time
            yield frame, time, frame.duration or 0

    def _warn_once(self, warning):
        if warning not in self.warnings:
            self.warnings.append(warning)

    def shift(self, packet):
        """Moves a packet of audio to the time that it has in the output."""
        offset = round(self._start / packet.time_base)
        packet.dts -= offset
        if packet.pts is not None:
            packet.pts -= offset


def _open(name):
    import av

    # A title need not be UTF-8. PyAV 19 accepts any and has no such option.
    old = int(av.__version__.partition(".")[0]) < 19
    options = {"metadata_errors": "surrogateescape"} if old else {}
    if is_camera(name):
        if sys.platform not in CAMERAS:
            raise ValueError(
                f"Cameras have no numbers here ({sys.platform}). Pipe raw "
                "frames to the input `-`, with --raw_size."
            )
        kind, device = CAMERAS[sys.platform]
        return av.open(device.format(int(name)), format=kind, **options)
    if is_url(name):
        scheme = name.partition("://")[0]
        if scheme not in PROTOCOLS:
            raise ValueError(
                f"{shown(name)} is not the address of a stream: {scheme}:// is "
                "not read. Give the path of a file, or an address such as "
                "rtsp:// or https://."
            )
        options["options"] = {
            "rtsp_transport": "tcp",  # over UDP, packets get lost
            "protocol_whitelist": ",".join(PROTOCOLS),
            "format_whitelist": ",".join(LIVE_FORMATS),
        }
        return av.open(name, timeout=WAIT, **options)
    options["options"] = {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
    }
    return av.open("file:" + name, **options)


def _legible(text):
    """Returns text of a film, with `�` for bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _described(stream):
    from av.stream import Disposition

    if stream.disposition & Disposition.attached_pic:
        return "cover picture"
    codec = stream.codec_context.name if stream.codec_context else "unknown"
    return f"{stream.type} ({codec})"


def _colour(frame):
    matrix = frame.colorspace if frame.colorspace in MATRICES else 2
    return Colour(matrix, int(frame.color_primaries), int(frame.color_trc))


def display_matrix(frame):
    """Returns how a frame must be turned or mirrored to be upright.

    Args:
        frame: `av.VideoFrame`.

    Returns:
        Int array `(2, 2)` of 0, 1 and -1: `(x, y) @ matrix` is the position at
        which a pixel is shown, up to a shift. Angles are rounded to quarter
        turns.
    """
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return np.eye(2, dtype=int)
    matrix = np.frombuffer(bytes(data), "int32").reshape(3, 3)[:2, :2]
    turned = abs(matrix[0, 0]) < abs(matrix[0, 1])
    matrix = np.sign(matrix) * np.eye(2, dtype=int)[:: -1 if turned else 1]
    return matrix if matrix.any(axis=0).all() else np.eye(2, dtype=int)


def upright(pixels, matrix):
    """Applies a display matrix to a picture `(height, width, 3)`."""
    if matrix[0, 0] == 0:
        pixels = pixels.transpose(1, 0, 2)
    x_sign, y_sign = matrix.sum(axis=0)
    return np.ascontiguousarray(pixels[::y_sign, ::x_sign])
