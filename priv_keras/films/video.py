"""Reads videos from files, cameras and network streams."""

import array
import collections
import contextlib
import functools
import itertools
import operator
import os
import re
import sys
import time
from fractions import Fraction

from priv_keras.films import clock
from priv_keras.films import colour
from priv_keras.films import cut_off
from priv_keras.films import lost
from priv_keras.films.fields import deinterlaced
from priv_keras.films.frame import MAX_PIXELS
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.frame import check_pixels
from priv_keras.films.frame import resized
from priv_keras.films.orientation import display_matrix
from priv_keras.films.orientation import side_data
from priv_keras.films.orientation import upright
from priv_keras.films.orientation import without_profile

# The demuxers of FFmpeg that may open a file. Each reads only that file. The
# others are left out because they open other files and addresses that a file
# names (concat, hls, dash, imf, sdp, mlv, image2), run a script (lavfi,
# avisynth), or have not been asked for.
FORMATS = (
    "mov",
    "matroska",
    "avi",
    "mpegts",
    "mpeg",
    "asf",
    "flv",
    "mxf",
    "ogg",
    "rm",
    "dv",
    "gif",
    "apng",
    "wtv",
    "gxf",
    "nut",
    "dhav",
    "hxvs",
    "h264",
    "hevc",
    "vvc",
    "av1",
    "obu",
    "ivf",
    "vc1",
    "m4v",
    "mpegvideo",
    "mjpeg",
    "mjpeg_2000",
    "mpjpeg",
    "yuv4mpegpipe",
    "jpeg_pipe",
    "png_pipe",
    "bmp_pipe",
    "tiff_pipe",
    "webp_pipe",
)
# The network may also answer in these: HLS, and its sound and subtitles.
LIVE_FORMATS = (
    *FORMATS,
    "rtsp",
    "rtp",
    "live_flv",
    "hls",
    "aac",
    "ac3",
    "eac3",
    "mp3",
    "webvtt",
)
# The protocols of an address, and those that FFmpeg opens for them in turn.
# `file` is not one of them, so a playlist from the network cannot read files of
# this machine.
PROTOCOLS = (
    "rtsp",
    "rtsps",
    "rtp",
    "srtp",
    "udp",
    "udplite",
    "tcp",
    "tls",
    "srt",
    "http",
    "https",
    "httpproxy",
    "crypto",
    "data",
    "ftp",
    "mmsh",
    "mmst",
    "rtmp",
    "rtmpe",
    "rtmps",
    "rtmpt",
    "rtmpte",
    "rtmpts",
    "ffrtmpcrypt",
    "ffrtmphttp",
    "rist",
)
WAIT = 20  # seconds for a network to answer
# Flags of a format of FFmpeg: its times may jump; it has no times.
JUMPS, NO_TIMES = 0x0200, 0x0080
# The times that can be trusted: FFmpeg guesses `dts` in Matroska, and in AVI,
# which numbers packets, `pts`.
CLOCKS = {"avi": "dts", "matroska,webm": "pts"}
# Brands of AVIF and HEIC: of pictures, and of films beside their first picture.
HEIF_BRANDS = (
    "avif",
    "heic",
    "heix",
    "heim",
    "heis",
    "mif1",
    "avis",
    "hevc",
    "hevx",
    "msf1",
)
# Protocols that may serve a file faster than it was recorded.
FILE_SERVERS = ("http", "https", "ftp")
# What belongs to a whole film and is not written, by PyAV's name of the type.
SIDE_DATA = {
    "SPHERICAL": "spherical projection",
    "STEREO3D": "stereo arrangement",
    "MASTERING_DISPLAY_METADATA": "mastering display (HDR)",
    "CONTENT_LIGHT_LEVEL": "light level (HDR)",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DOVI_METADATA": "Dolby Vision",
    "ICC_PROFILE": "colour profile",
    "A53_CC": "closed captions",
}
LATE = "a stream that begins late, such as audio, is not read"
# Decoders that pass over noise without a word, and give a frame a packet.
ONE_EACH = ("mpeg1video", "mpeg2video")
PNG = ("png", "apng")  # decoders
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
    Interlaced frames are deinterlaced, and transparent ones laid on white. If
    films were joined, the times of each go on from those of the last. Damage is
    an error unless it is accepted.

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
        dropped: List of strings, what is not read or not passed on.
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
        self.format, self._heard = None, {}
        self._noted = array.array("q")  # times, in ticks
        self._stack = contextlib.ExitStack()
        with self._stack:
            self._check_whole(name)
            with self._errors_reworded("opened"):
                self._opened = time.monotonic()
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
            self.warnings += cut_off.check(name)
        except cut_off.CutOffError as error:
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
        except av.error.ExitError:  # "Immediate exit requested", by `WAIT`
            raise ValueError(
                f"{self.name} cannot be {what}: nothing came for {WAIT} s."
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
        self._video = self._choose(films)
        context = self._video.codec_context
        if context is None:
            raise ValueError(f"{self.name} has an unknown codec.")
        size = context.width, context.height
        check_pixels(self.name, size[0] * size[1], size)
        self._decoder = context = _decoder(self._video)
        # Several threads of FFmpeg lose the errors of the last packets if each
        # takes a frame, and nearly all errors of H.264 if each takes a slice.
        context.thread_count = 1
        # In AVI, the `pts` are wrong if packets and pictures do not match, as
        # in DivX.
        avi = self._container.format.name == "avi"
        self._stamp = operator.attrgetter("dts" if avi else "pts")
        # By Microsoft's definition, the fourth byte of a pixel means nothing.
        self._opaque = avi and context.name == "rawvideo"
        context.options = {"max_pixels": str(MAX_PIXELS)} | (
            {} if self._accept else {"err_detect": "explode"}
        )
        self.audio = [s for s in streams.audio if _is_known(s)] if audio else []
        if audio and len(self.audio) < len(streams.audio):
            self._warn_once(LATE)
        kept = {stream.index for stream in (self._video, *self.audio)}
        self.metadata = {
            _legible(key): _legible(value)
            for key, value in self._container.metadata.items()
        }
        self.dropped = [
            _described(stream) for stream in streams if stream.index not in kept
        ]

    def _choose(self, films):
        """Returns the first of several streams. In HEIF and AVIF, each picture
        is one, and so is its transparency."""
        from av.stream import Disposition

        if any(film.disposition & Disposition.dependent for film in films):
            raise ValueError(
                f"{self.name} is a picture in tiles, as phones write HEIC. "
                "Install the package pillow-heif to read it, or convert it to "
                "JPEG first."
            )
        if self._container.metadata.get("major_brand") in HEIF_BRANDS:
            films = [film for film in films if film.frames > 1] or films
            if len(films) > 1:
                raise ValueError(
                    f"{self.name} has several pictures in one, such as the "
                    "colours and the transparency. Convert it to PNG first."
                )
        return films[0]

    def _read_ahead(self):
        """Decodes the first frame, since headers do not tell everything."""
        self._decoded = self._decode()
        first = next(self._decoded, None)
        if first is None:
            raise ValueError(f"{self.name} has no frames.")
        self._decoded = itertools.chain([first], self._decoded)
        colour.check(self.name, first)
        self.dropped += _side_data_names(first)
        if SIDE_DATA["ICC_PROFILE"] in self.dropped:
            self._tell_profile()
        matrix = display_matrix(first)
        size = _upright_size(first, matrix)
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        if matrix[0, 0] == 0:
            aspect = 1 / aspect
        rate = self._video.average_rate or self._video.guessed_rate
        rate = Fraction(rate or 25).limit_denominator(1001) or Fraction(25)
        time_base = first.time_base or self._video.time_base or 1 / rate
        bits = colour.bits(first.format.name)
        self.format = Format(
            size, time_base, rate, aspect, colour.of(first), bits
        )
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
        begun, owed = not self.live, 0
        with self._errors_reworded("read"):
            for packet in self._continued():
                if packet.stream.index != self._video.index:
                    self._keep(packet)
                    continue
                frames = self._decode_packet(packet, begun)
                owed += (packet.size > 0) - len(frames)
                for frame in frames:
                    # A live stream may begin between two key frames.
                    begun = begun or frame.key_frame
                    if begun:
                        yield frame
        if owed > 0 and not self.live and self._decoder.name in ONE_EACH:
            self.warnings.append(
                f"{owed} packets give no picture, and are left out"
            )

    def _keep(self, packet):
        """Keeps a packet of audio, unless another one takes its time, as where
        two recordings were joined."""
        if packet.dts is None:
            return
        index = packet.stream_index
        free = self._heard.get(index, packet.dts)
        if packet.dts >= free:
            self._heard[index] = packet.dts + (packet.duration or 0) // 2 + 1
            self.packets.append(packet)

    def _continued(self):
        """Yields packets whose times go on."""
        flags = self._container.format.flags
        packets = self._demuxed()
        if self.live and flags & NO_TIMES and not self._is_served():
            packets = clock.arriving(packets, self._opened)
        packets = clock.continued(
            packets,
            self._video.index,
            gaps=bool(flags & JUMPS),
            key=CLOCKS.get(self._container.format.name),
            warn=self._warn_once,
        )
        return clock.trusted(packets, self._video.index)

    def _is_served(self):
        """Returns whether an input may come faster than it was recorded."""
        scheme = self.name.partition("://")[0]
        pictures = self._container.format.name == "mpjpeg"
        return scheme in FILE_SERVERS and not pictures

    def _demuxed(self):
        """Yields packets up to the end, or up to a fault that is accepted."""
        import av

        try:
            for packet in self._container.demux(self._video, *self.audio):
                if packet.stream.index == self._video.index:
                    self._note(packet)
                yield packet
            self._tell_lost()
        except IndexError:
            # PyAV counts streams that were not there when it opened the file.
            self._warn_once(LATE)
        except av.FFmpegError as error:
            if not self._accept or self.format is None:
                raise
            self.warnings.append(f"broke off: {error.strerror}")
            yield self._end()

    def _note(self, packet):
        """Notes the time of a packet that has to be one of `lost.times`."""
        is_broadcast = self._container.format.name == "mpegts"
        if is_broadcast and not self.live and packet.pts is not None:
            self._noted.append(packet.pts)

    def _tell_lost(self):
        if not self._noted:
            return
        with _open(self.name, parsed=False) as container:
            times = lost.times(container, self._video.index, self._noted)
        if len(times):
            self.warnings.append(
                f"{len(times)} packets hold no picture, the first at "
                f"{times[0]:.2f} s; they are damaged, and left out"
            )

    def _end(self):
        """Returns the packet that makes the decoder give its last frames."""
        import av

        packet = av.Packet()
        packet.stream = self._video
        packet.time_base = self._video.time_base
        return packet

    def _decode_packet(self, packet, begun):
        import av

        try:
            if packet.is_corrupt:
                raise ValueError("a packet is damaged")
            frames = self._decoder.decode(packet)
            if any(frame.is_corrupt for frame in frames):
                raise ValueError("a frame is damaged")
            return self._without_profiles(frames)
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

    def _without_profiles(self, frames):
        if self._decoder.name not in PNG:
            return frames
        pairs = [without_profile(frame) for frame in frames]
        if any(had_one for _, had_one in pairs):
            self._tell_profile()
        return [frame for frame, _ in pairs]

    def _tell_profile(self):
        self._warn_once("its colour profile is not applied")
        if SIDE_DATA["ICC_PROFILE"] not in self.dropped:
            self.dropped.append(SIDE_DATA["ICC_PROFILE"])

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
        from av.video.reformatter import VideoReformatter

        # Without it, PyAV starts threads for every frame.
        scaler = VideoReformatter()
        timed = deinterlaced(self._timed(), self._warn_once)
        for frame, matrix, *rest in timed:
            with self._errors_reworded("converted"):
                pixels = self._pixels(frame, matrix, size, scaler)
            yield Frame(pixels, *rest)

    def _pixels(self, frame, matrix, size, scaler):
        """Returns a frame as an upright array of a size."""
        from av.video.reformatter import Interpolation

        size = size[::-1] if matrix[0, 0] == 0 else size
        convert = functools.partial(scaler.reformat, frame, threads=1)
        if colour.has_alpha(frame.format.name) and not self._opaque:
            whole = convert(format="rgba").to_ndarray()
            pixels, transparent = colour.composited(whole)
            if transparent and "transparency" not in self.dropped:
                self.dropped.append("transparency")
            return upright(resized(pixels, size), matrix)
        shrinks = size[0] * size[1] < frame.width * frame.height
        way = Interpolation.AREA if shrinks else Interpolation.BICUBIC
        rgb = convert(*size, format="rgb24", interpolation=way)
        return upright(rgb.to_ndarray(), matrix)

    def _timed(self):
        """Yields frames with their display matrices, and with their times and
        durations in ticks; each time is later than the last."""
        base = self.format.time_base
        start = round(self._start / base)
        tick = max(1, round(1 / self.format.rate / base))
        last = None
        for frame in self._decoded:
            matrix = display_matrix(frame)
            self._check_size(_upright_size(frame, matrix))
            stamp = self._stamp(frame)
            if last is None:
                time = 0 if stamp is None else max(stamp - start, 0)
            elif stamp is None:  # for example at the end of an AVI
                time = last + tick
            elif stamp - start <= last:
                time = last + tick
                self._warn_once("times of frames repeat or go back")
            else:
                time = stamp - start
            if self._seconds and time * base >= self._seconds:
                return
            last = time
            yield frame, matrix, time, frame.duration or 0

    def _check_size(self, size):
        first = self.format.size
        if size != first:
            raise ValueError(
                f"{self.name} changes its size from {first[0]}x{first[1]} to "
                f"{size[0]}x{size[1]}. Cut it there."
            )

    def _warn_once(self, warning):
        if warning not in self.warnings:
            self.warnings.append(warning)

    def shift(self, packet):
        """Moves a packet of audio to the time that it has in the output."""
        offset = round(self._start / packet.time_base)
        packet.dts -= offset
        if packet.pts is not None:
            packet.pts -= offset


def _open(name, parsed=True):
    """Opens an input; packets of a file that is not `parsed` are those of the
    container, and not put together to frames."""
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
        **({} if parsed else {"fflags": "noparse"}),
    }
    return av.open("file:" + name, **options)


def _legible(text):
    """Returns text of a film, with `�` for bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_known(audio):
    """Returns whether enough is known of a stream of audio to copy it. What the
    rate is of one that begins late is known too late."""
    context = audio.codec_context
    return bool(context and context.sample_rate and context.channels)


def _described(stream):
    from av.stream import Disposition

    if stream.disposition & Disposition.attached_pic:
        return "cover picture"
    codec = stream.codec_context.name if stream.codec_context else "unknown"
    return f"{stream.type} ({codec})"


def _decoder(stream):
    """Returns the decoder of a stream: its own, unless that would drop alpha.

    FFmpeg's own decoders of VP8 and VP9 give the colours of transparent pixels
    and not their transparency.
    """
    import av

    own = stream.codec_context
    codec = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(own.name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if codec is None or tags.get("alpha_mode") != "1":
        return own
    return av.CodecContext.create(codec, "r")


def _side_data_names(frame):
    from av.sidedata.sidedata import Type

    found = side_data(frame)
    return [SIDE_DATA[k] for k in SIDE_DATA if found.get(Type[k]) is not None]


def _upright_size(frame, matrix):
    size = frame.width, frame.height
    return size[::-1] if matrix[0, 0] == 0 else size
