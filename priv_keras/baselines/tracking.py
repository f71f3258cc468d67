"""Links detections over the frames of one video, so that people whom a detector
missed in a frame or two do not leak."""

from collections import deque
from typing import NamedTuple

import numpy as np


class Track(NamedTuple):
    """A person who was detected."""

    frame: int  # the last frame that shows them
    box: np.ndarray  # their box in that frame


def follow(detections, memory=5, least_overlap=0.3):
    """Adds boxes in frames in which a detector missed somebody.

    A box is linked to the earlier box that it overlaps most. Frames between two
    linked boxes are filled by interpolation. A box without a successor or a
    predecessor is repeated for `memory` frames after or before it, so a link
    that is missed covers more, not less.

    Args:
        detections: Iterable of float arrays `(boxes, 4)`, one for each frame of
            a video in order: left, top, right, bottom in pixels.
        memory: Non-negative int, frames for which somebody may be missed.
        least_overlap: Float in [0, 1], the smallest intersection over union of
            two boxes that are linked.

    Yields:
        For each frame, a float array `(boxes, 4)` of what was detected and what
        was added. It comes `memory` frames late.
    """
    pending = deque()  # lists of boxes, the last for the current frame
    tracks = []
    now = -1
    for now, boxes in enumerate(detections):
        pending.append(list(boxes))
        old, tracks = tracks, []
        previous = _links(old, boxes, least_overlap)
        for i, box in enumerate(boxes):
            if i in previous:
                _bridge(pending, now, old[previous[i]], box)
            else:
                _hold(pending, now, now - memory, now, box)
            tracks.append(Track(now, box))
        for i, track in enumerate(old):
            if i in previous.values():
                continue
            if now - track.frame <= memory:
                tracks.append(track)
            else:
                _hold(pending, now, track.frame + 1, now, track.box)
        if len(pending) > memory:
            yield _array(pending.popleft())
    for track in tracks:
        _hold(pending, now, track.frame + 1, now + 1, track.box)
    yield from map(_array, pending)


def _links(tracks, boxes, least_overlap):
    """Pairs boxes with tracks, those of the largest overlap first.

    Returns:
        Dict of indices of boxes to indices of tracks.
    """
    overlaps = overlap([track.box for track in tracks], boxes)
    links = {}
    for flat in np.argsort(-overlaps, axis=None, kind="stable"):
        track, box = map(int, np.unravel_index(flat, overlaps.shape))
        if overlaps[track, box] < least_overlap or not overlaps[track, box]:
            break
        if box not in links and track not in links.values():
            links[box] = track
    return links


def overlap(ones, others):
    """Returns the intersection over union of each pair of boxes.

    Args:
        ones, others: Lists or arrays `(n, 4)` and `(m, 4)` of boxes.

    Returns:
        Float array `(n, m)`.
    """
    a = np.reshape(ones, (-1, 1, 4)).astype(float)
    b = np.reshape(others, (1, -1, 4)).astype(float)
    corner = np.maximum(a[..., :2], b[..., :2])
    sides = np.minimum(a[..., 2:], b[..., 2:]) - corner
    both = np.prod(np.maximum(sides, 0), axis=-1)
    areas = [np.prod(x[..., 2:] - x[..., :2], axis=-1) for x in (a, b)]
    return both / np.maximum(areas[0] + areas[1] - both, 1e-9)


def _bridge(pending, now, track, box):
    """Interpolates between a person's last box and the current one."""
    for frame in range(track.frame + 1, now):
        share = (frame - track.frame) / (now - track.frame)
        between = (1 - share) * track.box + share * box
        _hold(pending, now, frame, frame + 1, between)


def _hold(pending, now, start, end, box):
    """Adds a box to the pending frames from `start` up to, not including,
    `end`."""
    first = now - len(pending) + 1
    for frame in range(max(start, first), end):
        pending[frame - first].append(box)


def _array(boxes):
    return np.reshape(boxes, (-1, 4)).astype(float)
