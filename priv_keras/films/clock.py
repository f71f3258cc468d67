"""Gives packets times that go on, whatever the clock of their input did.

The clock of a recording starts anew where two of them were joined byte by byte
or where a camera was restarted, and it jumps where two broadcasts were joined.
Pictures that a camera sends by HTTP have no times at all.
"""

import time
from fractions import Fraction

BACK = Fraction(1, 10)  # seconds that a packet may be early, as in FFmpeg
GAP = 10  # seconds; a longer gap in a broadcast is where two were joined
PATIENCE = 1  # seconds of video that packets of audio wait for its clock
DOUBT = 3  # packets that wait for a key frame
BURST = 0.05  # seconds within which packets that had to wait are read
TICK = Fraction(1, 90_000)  # of the times of arrival, in seconds


class _Track:
    """The clock of a stream, in ticks of its packets.

    Key frames are shown after all that was decoded before, so their `pts` tell
    whether the clock has jumped. Other packets have only their `dts`.
    """

    def __init__(self, base, shift, gaps):
        self.base = base
        self.back = round(BACK / base)
        self.gap = round(GAP / base) if gaps else None
        self.set_shift(shift)

    def set_shift(self, seconds):
        """Begins a recording, of which nothing is due yet."""
        self.shift = round(seconds / self.base)
        self.shown = self.decoded = None  # when the last one will have been

    def lateness(self, packet, key):
        """Returns how late a packet is if its clock has jumped, or else 0.

        Args:
            packet: `av.Packet`.
            key: String, `pts`, `dts`, or `None` for both.
        """
        is_shown = packet.is_keyframe and key != "dts"
        time, due = packet.dts, self.decoded
        if is_shown:
            time, due = packet.pts, self.shown
        if time is None or due is None or key == "pts" and not is_shown:
            return 0
        late = time + self.shift - due
        too_late = self.gap is not None and late > self.gap
        return late if late < -self.back or too_late else 0

    def moved(self, packet):
        """Returns a packet after moving it by the shift."""
        length = packet.duration or 0
        if packet.pts is not None:
            packet.pts += self.shift
            end = packet.pts + length
            self.shown = end if self.shown is None else max(self.shown, end)
        if packet.dts is not None:
            packet.dts += self.shift
            self.decoded = packet.dts + length
        return packet


def continued(packets, video, *, gaps, key, warn):
    """Moves packets so that each recording begins where the last one ends.

    The clock of the video counts, and audio is moved with it.

    Args:
        packets: Iterable of `av.Packet`.
        video: Int, the index of the stream of video.
        gaps: Bool, whether a gap of more than `GAP` seconds ends a recording,
            too.
        key: String, `pts` or `dts` if only these are right in the container;
            `None` for both.
        warn: Callable that gets a warning.

    Yields:
        The packets. Those of audio may be late.
    """
    shift, tracks, held, deadline = Fraction(0), {}, [], 0
    for packet in packets:
        index = packet.stream.index
        track = tracks.get(index)
        if track is None:
            track = tracks[index] = _Track(packet.time_base, shift, gaps)
        late = track.lateness(packet, key)
        if late and index != video:
            if not held and video in tracks:
                clock = tracks[video]
                deadline = (clock.decoded or 0) + PATIENCE / clock.base
            held.append(packet)
            continue
        if late:
            warn("its times start anew or jump; it was read as one film")
            shift -= late * track.base
            for each in tracks.values():
                each.set_shift(shift)
        yield track.moved(packet)
        if held and index == video and (late or track.decoded > deadline):
            yield from (tracks[p.stream.index].moved(p) for p in held)
            held = []
    yield from (tracks[p.stream.index].moved(p) for p in held)


def trusted(packets, video):
    """Clears the mark of damage from packets before the join of two recordings.

    MPEG-TS numbers its packets, and where two were joined, FFmpeg takes the
    jump of the numbers for a loss. If a key frame follows in time, there was
    none.

    Args:
        packets: Iterable of `av.Packet` whose times go on.
        video: Int, the index of the stream of video.

    Yields:
        The packets.
    """
    held, due = [], None
    for packet in packets:
        if packet.stream.index != video:
            yield packet
            continue
        if packet.is_corrupt and not held or held and not _ends(packet, held):
            held.append(packet)
        else:
            on_time = packet.is_keyframe and packet.pts == due
            for each in held:
                each.is_corrupt = each.is_corrupt and not on_time
            yield from held
            yield packet
            held = []
        if packet.pts is not None:
            end = packet.pts + (packet.duration or 0)
            due = end if due is None else max(due, end)
    yield from held


def _ends(packet, held):
    """Returns whether a packet tells what those that wait are."""
    return packet.is_keyframe or not packet.size or len(held) >= DOUBT


def arriving(packets, opened):
    """Gives packets the times at which they arrive.

    Args:
        packets: Iterable of `av.Packet` of one stream.
        opened: Float, what `time.monotonic()` was before the input was opened.

    Yields:
        The packets, in `TICK`s since then.
    """
    ready, early = time.monotonic(), []
    try:
        for packet in packets:
            now = time.monotonic()
            if packet.size and early is not None and now - ready < BURST:
                early.append(packet)  # it was read to find out the format
                continue
            yield from _spread(early or (), opened, ready, now)
            early = None
            yield _stamped(packet, now - opened) if packet.size else packet
    except Exception:  # what came before is sound
        yield from _spread(early or (), opened, ready, ready + BURST)
        raise


def _spread(packets, opened, ready, now):
    """Yields packets that had to wait, with the times at which they came."""
    steps = max(1, len(packets) - 1)
    step = min((ready - opened) / steps, now - ready)
    for i, packet in enumerate(packets):
        came = ready - (len(packets) - 1 - i) * step
        yield _stamped(packet, came - opened)


def _stamped(packet, seconds):
    packet.time_base = TICK
    packet.pts = packet.dts = round(seconds / TICK)
    packet.duration = 0
    return packet
