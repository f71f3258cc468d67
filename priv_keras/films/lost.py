"""Finds packets of MPEG-TS in which FFmpeg's parser finds no picture.

It passes over them without a word, so that the film is shorter.
"""

import contextlib

import numpy as np


def times(container, index, found):
    """Returns when the lost packets of a stream are shown.

    Args:
        container: `av.container.InputContainer` that parses nothing.
        index: Int, the index of the stream.
        found: Sequence of the times of the pictures of the stream, in ticks.

    Returns:
        Array of times in seconds, in order.
    """
    stream = container.streams[index]
    sent = np.fromiter(_sent(container, stream), "int64")
    lost = np.setdiff1d(sent, found)
    if len(lost) >= len(found) / 4:  # half of them are second fields
        return lost[:0]
    return lost * float(stream.time_base)


def _sent(container, stream):
    with contextlib.suppress(IndexError):  # of PyAV, at a stream that is late
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                yield packet.pts
