"""Decodes a video file to the frames that people see, in their order."""

import collections
import contextlib
import functools
import itertools
import math

import numpy as np

from tfrecords_tools import outline
from tfrecords_tools.picture import MAX_PIXELS
from tfrecords_tools.picture import check_file
from tfrecords_tools.picture import check_pixels
from tfrecords_tools.picture import over_white
from tfrecords_tools.picture import resized

# The demuxers of FFmpeg that may open a file. Each reads that file alone. The
# others are left out because they follow a file to other files and addresses
# (concat, hls, dash, imf, sdp, mlv, image2), run a script (lavfi, avisynth), or
# because nobody has asked for them.
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
HEIF = ("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif")
JUMPS = 0x0200  # flag of a format of FFmpeg: its times may jump
GAP = 10  # seconds; if times may jump, a longer gap is a jump and no pause
ENDING_SILENTLY = ("asf", "flv")
NEAR = 3  # packets before the end of a recording that another was joined to
MAX_PACKETS = 100_000  # an hour at 30 a second
# FFmpeg's own decoders of these drop the alpha channel.
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
# Decoders that pass over noise without a word, and give a frame a packet.
ONE_EACH = ("mpeg1video", "mpeg2video")
# Matrices of ITU-T H.273 that FFmpeg's scaler would take for another one.
UNREADABLE_MATRICES = (8, 10, 11, 12, 13, 14, 15, 16, 17)
NEWER_TYPES = range(28, 64)  # of side data, such as EXIF, that PyAV may lack
PNG = ("png", "apng")  # decoders


def frames(path, warn):
    """Decodes a video.

    Interlaced frames are deinterlaced. Where times start anew, jump or stand
    still, as in recordings that were joined, they go on one frame later. If
    the frame rate varies, a video of n frames yields the frames that are seen
    at n evenly spaced instants.

    Args:
        path: `pathlib.Path` of a file.
        warn: Callable that takes a string, for what is left out.

    Yields:
        Pairs of an `av.VideoFrame` and its display matrix, an int array
        `(2, 2)`.

    Raises:
        ValueError: If it is damaged, cut off, or has frames of more than
            `MAX_PIXELS`; names `path`.
    """
    import av

    check_file(path)
    try:
        period, seams = _times(path, warn)
        with _open(path) as (container, video):
            decoded = _decoded(container, video, path, seams, warn)
            decoded = _safe(decoded, video.codec_context, path, warn)
            whole = _whole(decoded, container, video, path, warn)
            pairs = _deinterlaced(whole)
            if period is None:
                yield from pairs
            else:
                longest = _longest_pause(container)
                yield from _evenly(_timed(pairs, period, longest), period)
    except av.ArgumentError as error:  # also of a demuxer that is not allowed
        raise ValueError(
            f"{path} cannot be decoded: it is damaged, or in a format that is "
            "not read, such as a playlist, or has frames of more than "
            f"{MAX_PIXELS} pixels."
        ) from error
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded: {error}.") from error


@contextlib.contextmanager
def _open(path, parsed=True):
    """Yields the container of a video, then closed, and its stream.

    Args:
        path: `pathlib.Path` of a file.
        parsed: Bool, whether FFmpeg puts packets together to frames.
    """
    import av

    allowed = {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(FORMATS),
        **({} if parsed else {"fflags": "noparse"}),
    }
    # A title need not be in UTF-8. PyAV 19 takes any and has no such option.
    old = int(av.__version__.partition(".")[0]) < 19
    options = {"metadata_errors": "replace"} if old else {}
    with av.open(f"file:{path}", options=allowed, **options) as container:
        yield container, _stream(container, path)


def opens(path):
    """Returns whether a file is a video, by its content and not its name.

    Args:
        path: `pathlib.Path`.
    """
    import av

    try:
        check_file(path)
        if outline.is_picture(path, default=False):
            return False
        with _open(path) as (container, _):
            return not _is_heif(container)
    except (OSError, ValueError, av.FFmpegError):
        return False


def _stream(container, path):
    """Returns the first video stream that is not a cover picture."""
    from av.stream import Disposition

    films = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not films:
        raise ValueError(f"{path} has no video stream.")
    tiled = any(film.disposition & Disposition.dependent for film in films)
    if tiled or (len(films) > 1 and _is_heif(container)):
        raise ValueError(
            f"{path} is a picture in tiles or layers, as phones write HEIC, "
            "and only one of them would be read. Convert it to JPEG or PNG."
        )
    context = films[0].codec_context
    if context is None:
        raise ValueError(f"{path} has a video stream of an unknown codec.")
    size = context.width, context.height
    check_pixels(path, size[0] * size[1], size)
    return films[0]


def _is_heif(container):
    return container.metadata.get("major_brand") in HEIF


def _decoder(video):
    """Returns the decoder of a stream."""
    import av

    decoder = video.codec_context
    tags = {key.lower(): value for key, value in video.metadata.items()}
    if tags.get("alpha_mode") == "1" and decoder.name in WITH_ALPHA:
        decoder = av.CodecContext.create(WITH_ALPHA[decoder.name], "r")
    decoder.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
    decoder.thread_count = 1  # workers share the cores already
    return decoder


def _longest_pause(container):
    return GAP if container.format.flags & JUMPS else math.inf


def _times(path, warn):
    """Reads the times of the packets, since headers announce guessed rates.

    Returns:
        The mean seconds between frames, or `None` if nothing tells; and the set
        of the times, in ticks, of the last packets of recordings that another
        one was joined to. MPEG-TS marks one of these as damaged.
    """
    seams, last, end = set(), collections.deque(maxlen=NEAR), 0
    times = collections.defaultdict(set)
    with _open(path) as (container, video):
        if container.format.name == "avi":  # has one rate, and no timestamps
            return None, seams
        for count, (part, packet) in enumerate(_parts(container, video)):
            if count > MAX_PACKETS:
                raise ValueError(
                    f"{path} has more than {MAX_PACKETS} frames: cut it into "
                    "shorter videos."
                )
            if part not in times:
                seams.update(last)
            if packet.pts is not None:
                times[part].add(packet.pts)
                last.append(packet.pts)
            end = max(end, (packet.pos or 0) + packet.size)
        _check_end(path, container, end, warn)
        if container.format.name == "mpegts":
            _tell_lost(path, {None}.union(*times.values()), warn)
        steps = sum(len(part) - 1 for part in times.values())
        if not steps or not video.time_base:
            return None, seams
        ticks = sum(max(part) - min(part) for part in times.values())
        return float(ticks / steps * video.time_base) or None, seams


def _check_end(path, container, end, warn):
    """Warns if FFmpeg stopped in the midst of a file, as it does without a word
    where another film follows or data are damaged."""
    size = path.stat().st_size
    # The position of a packet of ASF is that of the block that it is in.
    if container.format.name in ENDING_SILENTLY and end + 4096 < 0.75 * size:
        warn(
            f"{path}: of its {size} bytes, only the first {end} are read. It "
            "is damaged, or another film follows."
        )


def _tell_lost(path, found, warn):
    """Warns of packets of MPEG-TS in which FFmpeg's parser found no picture, as
    it says no word of them.

    Args:
        path: `pathlib.Path` of the file.
        found: Set of the times of frames, in ticks, and `None`.
        warn: As `frames` takes it.
    """
    with _open(path, parsed=False) as (container, video):
        packets = (packet for _, packet in _parts(container, video))
        lost = [_at(p) for p in packets if p.size and p.pts not in found]
        if 0 < len(lost) < len(found) / 4:  # half of them are second fields
            warn(
                f"{path}: {len(lost)} packets hold no picture, the first"
                f"{lost[0]}. They are damaged, and left out."
            )


def _parts(container, video):
    """Yields the number of the recording that a packet is of, and the packet.

    Where two were joined, times start anew or jump. They may do so at a key
    frame alone, which is later than all packets before it otherwise: the order
    of decoding is not that of times.
    """
    longest = _longest_pause(container) / float(video.time_base or 1)
    part, latest = 0, None
    # PyAV stumbles over a stream that begins late, after all has been read.
    with contextlib.suppress(IndexError):
        for packet in container.demux(video):
            time = packet.pts
            if time is not None:
                goes_on = latest is None or 0 < time - latest <= longest
                if packet.is_keyframe and not goes_on:
                    part, latest = part + 1, time
                latest = time if latest is None else max(latest, time)
            yield part, packet


def _whole(frames, container, video, path, warn):
    """Passes frames on, and raises at the end if there were far too few."""
    count, end = 0, 0
    for frame in frames:
        yield frame
        count += 1
        end = max(end, frame.time or 0)
    # An interrupted download decodes without complaint. Whole files were seen
    # to hold 2 frames fewer than they announce, and AVI counts dropped ones.
    too_few = count < 0.9 * video.frames - 2
    length = (video.duration or 0) * (video.time_base or 0)
    announced = (container.duration or 0) / 1_000_000  # of audio, perhaps
    if too_few and end < 0.9 * length:
        raise ValueError(
            f"{path} is cut off: it holds {count} of the {video.frames} frames "
            "that it announces."
        )
    if count > 1 and not video.frames and end + 0.5 < 0.75 * announced:
        warn(f"{path} announces {announced:.1f} s, and ends at {end:.1f} s.")


def _decoded(container, video, path, seams, warn):
    """Yields frames, and raises where one is damaged.

    What comes before the first one that decodes is left out, and so it is
    where two recordings were joined: each may begin between two key frames. A
    recording of a broadcast may also end within a packet.
    """
    import av

    # By Microsoft's definition, the fourth byte of a pixel means nothing.
    decoder, lost, begun, owed = _decoder(video), [], False, 0
    opaque = container.format.name == "avi" and decoder.name == "rawvideo"
    packets = itertools.chain(_parts(container, video), [(None, None)])
    for (part, packet), (next_part, following) in itertools.pairwise(packets):
        try:
            found = decoder.decode(packet)
            owed += (packet.size > 0) - len(found)
            error = _damage(packet, found, seams)
        except av.FFmpegError as raised:
            error = raised
        is_last = not (following and following.size)
        if error and begun and is_last and container.format.flags & JUMPS:
            warn(f"{path}: its last packet is cut off, and is left out.")
            continue
        if error and begun:
            what = "cut off" if is_last else "damaged"
            reason = getattr(error, "strerror", None) or error
            raise ValueError(f"{path} is {what}{_at(packet)}: {reason}.")
        if error:
            lost.append(error)
            continue
        if found and lost and not begun:
            warn(f"{path}: {len(lost)} packets at a start do not decode.")
        begun = (begun or bool(found)) and part == next_part
        lost = [] if begun else lost
        for frame in found:
            yield frame.reformat(format="rgb24") if opaque else frame
    if lost and not begun:
        raise lost[0]
    if owed > 0 and decoder.name in ONE_EACH:
        warn(f"{path}: {owed} packets give no picture, and are left out.")


def _damage(packet, frames, seams):
    """Returns an error if a packet or a frame is marked as damaged."""
    marked = [part for part in (packet, *frames) if part.is_corrupt]
    if all(part.pts in seams for part in marked):
        return None
    return ValueError("a frame is damaged")


def _at(packet):
    if packet.pts is None or not packet.time_base:
        return ""
    return f" at {float(packet.pts * packet.time_base):.2f} s"


def _deinterlaced(frames):
    """Yields pairs of a frame, deinterlaced, and its display matrix."""
    filter_, kind = None, None
    for frame in frames:
        matrix = _display_matrix(frame)
        if filter_ is None and not frame.interlaced_frame:
            yield frame, matrix
            continue
        if kind != (kind := _kind(frame)):
            if filter_:
                yield from filter_.end()
            filter_ = _Filter(kind)
        yield from filter_.passed(frame, matrix)
    if filter_:
        yield from filter_.end()


def _kind(frame):
    """Returns what must not change while a filter is used, as its options."""
    return {
        "video_size": f"{frame.width}x{frame.height}",
        "pix_fmt": frame.format.name,
        "time_base": str(frame.time_base or "1/25"),
        "colorspace": str(int(frame.colorspace)),
        "range": str(int(frame.color_range)),
    }


class _Filter:
    """Makes one frame of each interlaced frame, and changes no other."""

    def __init__(self, kind):
        from av.filter import Graph

        self._matrices = collections.deque()
        self._graph = Graph()
        self._graph.threads = 1
        self._graph.link_nodes(
            self._graph.add("buffer", **kind),
            self._graph.add("bwdif", mode="send_frame", deint="interlaced"),
            self._graph.add("buffersink"),
        ).configure()

    def passed(self, frame, matrix):
        self._matrices.append(matrix)
        self._graph.push(frame)
        yield from self._pulled()

    def end(self):
        self._graph.push(None)
        yield from self._pulled()

    def _pulled(self):
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield frame, self._matrices.popleft()


def _timed(pairs, period, longest):
    """Yields pairs with times that go on one period later where those of the
    file start anew, stand still, or jump by more than `longest` seconds.

    A frame that comes late and is no key frame starts nothing anew, so that
    the next one has its own time.
    """
    shown, offset = 0, None
    for frame, matrix in pairs:
        due = shown + period
        time = due if None in (frame.time, offset) else frame.time + offset
        late = time <= shown
        anew = late and frame.key_frame or time - shown > longest
        if late or anew:
            time = due
        if frame.time is not None and (anew or offset is None):
            offset = due - frame.time
        shown = time
        yield time, (frame, matrix)


def _evenly(timed, period):
    """Yields the pair that is seen at each instant, `period` seconds apart.

    Instants are half a period late, so that at a constant rate each frame is
    taken once, however its timestamp was rounded.
    """
    taken, seen, time = 1, None, 0
    for time, pair in timed:
        while seen and (taken + 0.5) * period < time:
            yield seen
            taken += 1
        seen = pair
    while seen and (taken + 0.5) * period < time + period:
        yield seen
        taken += 1


def arrays(path, fitted, warn):
    """Decodes a video to upright arrays of a size.

    Args:
        path: `pathlib.Path` of a file.
        fitted: Callable that returns the size of a frame, as it is seen, from
            its own; both `(width, height)`.
        warn: As `frames` takes it.

    Yields:
        uint8 arrays `(height, width, 3)`, RGB. Transparent parts are laid over
        white.

    Raises:
        ValueError: As `frames` does.
    """
    from av.video.reformatter import VideoReformatter

    # This scales and converts to RGB in one step. By default, PyAV starts
    # threads for every frame, which takes three times as long as the work.
    scaler = VideoReformatter()
    with contextlib.closing(frames(path, warn)) as pairs:
        for frame, matrix in pairs:
            _check_matrix(path, frame)
            turn = -1 if matrix[0, 0] == 0 else 1
            size = fitted((frame.width, frame.height)[::turn])[::turn]
            yield _upright(_rgb(scaler, frame, size), matrix)


def _check_matrix(path, frame):
    if frame.colorspace in UNREADABLE_MATRICES and not _is_rgb(frame):
        raise ValueError(
            f"{path} has colours in a matrix that is not read (H.273 "
            f"number {int(frame.colorspace)}). Convert it to BT.709 first."
        )


def _rgb(scaler, frame, size):
    from av.video.reformatter import Interpolation

    reformat = functools.partial(scaler.reformat, frame, threads=1)
    if has_alpha(frame.format.name):
        whole = reformat(format="rgba").to_ndarray()
        return resized(over_white(whole[..., :3], whole[..., 3]), size)
    shrinks = size < (frame.width, frame.height)
    way = Interpolation.AREA if shrinks else Interpolation.BILINEAR
    return reformat(*size, format="rgb24", interpolation=way).to_ndarray()


@functools.cache
def has_alpha(name):
    """Returns whether pixels of a format, by its name, may be transparent."""
    import av

    format = av.VideoFormat(name)
    parts = format.components
    return format.has_palette or any(part.is_alpha for part in parts)


def _is_rgb(frame):
    format = frame.format
    return format.is_rgb or format.has_palette or format.name.startswith("xyz")


def _display_matrix(frame):
    """Returns how to turn a frame: `(x, y) @ matrix`, int array `(2, 2)`."""
    from av.sidedata.sidedata import Type

    data = _side_data(frame).get(Type.DISPLAYMATRIX)
    if data is None:
        return np.eye(2, dtype=int)
    matrix = np.frombuffer(bytes(data), "int32").reshape(3, 3)[:2, :2]
    # Phones turn by quarters; any other angle is rounded to one.
    turned = abs(matrix[0, 0]) < abs(matrix[0, 1])
    matrix = np.sign(matrix) * np.eye(2, dtype=int)[:: -1 if turned else 1]
    return matrix if matrix.any(axis=0).all() else np.eye(2, dtype=int)


def _side_data(frame):
    """Returns the side data of a frame that PyAV knows, by type."""
    from av.sidedata.sidedata import Type

    try:
        return frame.side_data
    except ValueError:  # if it does not know one type, PyAV gives none at all
        unknown = set(NEWER_TYPES) - {kind.value for kind in Type}
    return _passed(frame, "delete", unknown).side_data


def _without_profile(frame):
    """Returns a frame of a PNG without its colour profile, and whether it had
    one: FFmpeg names it, and PyAV, once it has listed the side data, frees the
    name, which the frame frees as well."""
    from av.sidedata.sidedata import Type

    profile = [Type.ICC_PROFILE.value]
    had_one = _passed(frame, "select", profile) is not None
    return _passed(frame, "delete", profile), had_one


def _passed(frame, mode, kinds):
    """Returns a frame behind FFmpeg's filter `sidedata`, which deletes these
    kinds, or selects frames that have them; `None` if it keeps it back."""
    import av
    from av.filter import Graph

    graph = Graph()
    graph.threads = 1
    graph.link_nodes(
        graph.add_buffer(template=frame),
        *(graph.add("sidedata", mode=mode, type=str(kind)) for kind in kinds),
        graph.add("buffersink"),
    ).configure()
    graph.push(frame)
    try:
        return graph.pull()
    except av.BlockingIOError:
        return None


def _safe(frames, decoder, path, warn):
    """Yields frames without what PyAV would free twice, and tells of the colour
    profile of the first."""
    from av.sidedata.sidedata import Type

    for i, frame in enumerate(frames):
        has_profile = False
        if decoder.name in PNG:
            frame, has_profile = _without_profile(frame)
        elif not i:
            has_profile = Type.ICC_PROFILE in _side_data(frame)
        if has_profile and not i:
            warn(f"{path}: its colour profile is not applied.")
        yield frame


def _upright(picture, matrix):
    if matrix[0, 0] == 0:
        picture = picture.transpose(1, 0, 2)
    x_sign, y_sign = matrix.sum(axis=0)
    return np.ascontiguousarray(picture[::y_sign, ::x_sign])
