"""Writes videos: H.264 in MP4, unless another format is asked for."""

import contextlib
from fractions import Fraction

from priv_keras.films import colour

# Suffix of a file: FFmpeg's name of its format, and the default encoder.
CONTAINERS = {
    ".mp4": ("mp4", "libx264"),
    ".m4v": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
# Default options of an encoder.
DEFAULTS = {
    "libx264": {"crf": "23"},
    "libvpx-vp9": {"crf": "32", "cpu-used": "4", "row-mt": "1"},
}
# Without these, files would name the program that wrote them and its version,
# and MP4 would hold only a few kinds of metadata.
_MUXING = {"fflags": "+bitexact", "movflags": "+use_metadata_tags"}
# Metadata of a container that describes the input's file, not its film.
FILE_METADATA = ("major_brand", "minor_version", "compatible_brands", "encoder")
LIMITED_RANGE, FULL_RANGE = 1, 2  # the numbers are those of FFmpeg
MAX_MPEG4_TICKS = 65535  # ticks per second that MPEG-4 part 2 can count


class Encoder:
    """Writes frames to a video file; a context manager.

    The size is kept. If a side is odd, colours have full resolution (yuv444p),
    since H.264 with halved colours allows only even sizes. The times of frames
    are kept. Nothing is written except frames, `audio` and `metadata`.

    Args:
        path: Path to write to; its suffix does not matter.
        suffix: Key of `CONTAINERS`.
        format: `Format` of the input.
        codec: Name of an encoder of FFmpeg; `None` for the container's default.
        config: Dict of `pixelformat`, `bitrate` and options of the encoder.
        audio: List of streams whose packets `copy` will be given.
        metadata: Dict of strings.

    Raises:
        ValueError: If the encoder or the container refuses an option.
        OSError: If the file cannot be written.
    """

    def __init__(
        self,
        path,
        suffix,
        format,
        *,
        codec=None,
        config=None,
        audio=(),
        metadata=None,
    ):
        import av
        from av.video.reformatter import VideoReformatter

        container, default = CONTAINERS[suffix]
        self.path, self.format, self.written = path, format, 0
        self._codec = codec or default
        self._is_mp4 = container in ("mp4", "mov")
        self._scaler = VideoReformatter()
        self._stack = contextlib.ExitStack()
        with self._stack, self._errors_reworded():
            self._output = self._stack.enter_context(
                av.open(
                    _url(path),
                    "w",
                    format=container,
                    container_options=_MUXING,
                )
            )
            self._output.metadata.update(
                (name, value)
                for name, value in (metadata or {}).items()
                if name.lower() not in FILE_METADATA
            )
            self._video = self._add_video(dict(config or {}))
            self._copies = {a.index: self._copy(a) for a in audio}
            with self._errors_reworded(f" by {self._codec}"):
                self._open_encoder()
            sound = ", with its audio" if audio else ""
            with self._errors_reworded(f" as {suffix}{sound}"):
                self._output.start_encoding()
            self._check_accepted(container)
            self._stack = self._stack.pop_all()  # keeps the output open

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with self._errors_reworded():
            self._stack.close()

    @contextlib.contextmanager
    def _errors_reworded(self, how=""):
        import av

        try:
            yield
        except av.FFmpegError as error:
            kind = OSError if isinstance(error, OSError) else ValueError
            raise kind(
                f"The output cannot be written{how}: {error.strerror}."
            ) from None

    def _add_video(self, config):
        import av

        try:
            kind = av.Codec(self._codec, "w").type
        except av.codec.codec.UnknownCodecError:
            kind = None
        if kind != "video":
            raise ValueError(
                f"There is no encoder of films {self._codec!r}. Choose "
                "libx264, libx265, libvpx-vp9, ffv1 or another of FFmpeg's."
            )
        format = self.format
        pixels = config.pop("pixelformat", None)
        pixels = pixels or _pixel_format(format, self._codec)
        bitrate = int(config.pop("bitrate", 0))
        defaults = dict(DEFAULTS.get(self._codec, {}))
        if bitrate:  # which an encoder ignores where it is given a quality
            defaults.pop("crf", None)
        options = defaults | config
        video = self._output.add_stream(
            self._codec,
            rate=format.rate,
            options={name: str(value) for name, value in options.items()},
        )
        context = video.codec_context
        context.width, context.height = format.size
        try:
            context.pix_fmt = pixels
        except ValueError:
            raise ValueError(
                f"There is no pixelformat {pixels!r}. Choose yuv420p, yuv444p "
                "or another of FFmpeg's."
            ) from None
        context.bit_rate = bitrate
        context.time_base = _time_base(format.time_base, self._codec)
        context.flags |= av.codec.context.Flags.frame_duration
        if context.codec.canonical_name == "hevc" and self._is_mp4:
            context.codec_tag = "hvc1"  # players of Apple do without "hev1"
        context.sample_aspect_ratio = format.pixel_aspect
        rgb = context.format.is_rgb
        self._matrix = colour.RGB if rgb else format.colour.matrix
        self._range = FULL_RANGE if rgb else LIMITED_RANGE
        context.color_range = self._range
        context.colorspace = self._matrix
        context.color_primaries = format.colour.primaries
        context.color_trc = format.colour.transfer
        return video

    def _open_encoder(self):
        """Opens the encoder; raises `ValueError` with what it refuses."""
        import av

        context = self._video.codec_context
        encoder, options = context.codec.name, dict(context.options)
        try:
            context.open()
        except av.FFmpegError as error:
            reason = error.strerror
            if not _opens(encoder, context, {}):
                raise ValueError(
                    f"{self._codec} refuses frames of {context.width}x"
                    f"{context.height} in {context.pix_fmt}: {reason}. Choose "
                    "another size, pixelformat or --codec."
                ) from None
            refused = [
                f"{name}={value}"
                for name, value in options.items()
                if not _opens(encoder, context, {name: value})
            ]
            if refused:
                raise ValueError(
                    f"{self._codec} refuses {', '.join(refused)}: {reason}. "
                    "Give the option another value."
                ) from None
            raise

    def _copy(self, audio):
        try:
            return self._output.add_stream_from_template(audio)
        except ValueError as error:
            raise ValueError(
                f"The audio cannot be kept: {error}. Write to .mkv, or leave "
                "--keep_audio out."
            ) from None

    def _check_accepted(self, container):
        unknown = self._video.codec_context.options
        if unknown:
            raise ValueError(
                f"{self._codec} has no option {', '.join(sorted(unknown))}."
            )
        if container == "webm" and self.format.pixel_aspect != 1:
            raise ValueError(
                "A .webm is written with square pixels, and those of the "
                f"input are {self.format.pixel_aspect} as wide as high. Write "
                "to .mp4 or .mkv."
            )

    def write(self, frame):
        """Encodes a `Frame`, scaled to the size of the output."""
        import av
        from av.video.reformatter import Interpolation

        context = self._video.codec_context
        ratio = self.format.time_base / context.time_base
        with self._errors_reworded(f" by {self._codec}"):
            picture = self._scaler.reformat(
                av.VideoFrame.from_ndarray(frame.pixels),
                *self.format.size,
                format=context.pix_fmt,
                interpolation=Interpolation.LANCZOS,
                dst_colorspace=self._matrix,
                dst_color_range=self._range,
                threads=1,
            )
            picture.time_base = context.time_base
            picture.pts = round(frame.time * ratio)
            picture.duration = round(frame.duration * ratio)
            packets = self._video.encode(picture)
        with self._errors_reworded():
            self._output.mux(packets)
        self.written += 1

    def copy(self, packet):
        """Writes a packet of one of the `audio` streams unchanged."""
        packet.stream = self._copies[packet.stream_index]
        with self._errors_reworded(" with its audio"):
            self._output.mux(packet)

    def finish(self):
        """Completes the file and checks that it holds every frame.

        Raises:
            OSError: If it cannot be written or does not hold every frame.
        """
        with self._errors_reworded():
            packets = self._video.encode()
            if self.written < 3:  # whose `dts` libx265 leaves undefined
                for packet in packets:
                    packet.dts = packet.pts
            self._output.mux(packets)
            self._output.close()
        found = _count(self.path)
        if found != self.written:
            raise OSError(
                f"The output holds {found} frames of {self.written}: it cannot "
                "be trusted."
            )


def _opens(encoder, context, options):
    """Returns whether the encoder, set up like `context`, takes options.

    From FFmpeg 9 on, a context that could not be opened does not know its
    encoder any more.
    """
    import av

    other = av.CodecContext.create(encoder, "w")
    for name in ("width", "height", "pix_fmt", "time_base", "framerate"):
        setattr(other, name, getattr(context, name))
    other.options = options
    try:
        other.open()
    except av.FFmpegError:
        return False
    return True


def _url(path):
    """Returns a path in a form in which FFmpeg sees no protocol in it."""
    return f"file:{path}"


def _pixel_format(format, codec):
    """Returns a format of 10 bits for an input of more than 8, if the encoder
    has it."""
    import av

    odd = format.size[0] % 2 or format.size[1] % 2
    name = "yuv444p" if odd else "yuv420p"
    known = {each.name for each in av.Codec(codec, "w").video_formats or ()}
    deep = f"{name}10le"
    return deep if format.bits > 8 and deep in known else name


def _time_base(time_base, codec):
    if codec == "mpeg4" and time_base.denominator > MAX_MPEG4_TICKS:
        return Fraction(1, 60000)
    return time_base


def _count(path):
    """Returns the number of packets of the video in a file."""
    import av

    with av.open(_url(path)) as container:
        packets = container.demux(container.streams.video[0])
        return sum(packet.size > 0 for packet in packets)
