"""Turns frames upright, as the display matrix of a phone's film asks."""

import numpy as np

IDENTITY = np.eye(2, dtype=int)
TYPES = range(28, 64)  # of side data that PyAV may not know


def side_data(frame):
    """Returns the side data of a frame that PyAV knows, by their types.

    Args:
        frame: `av.VideoFrame`.

    Returns:
        Mapping of `av.sidedata.sidedata.Type`s.
    """
    from av.sidedata.sidedata import Type

    try:
        return frame.side_data
    except ValueError:  # if it does not know one, PyAV gives none of them
        unknown = set(TYPES) - {kind.value for kind in Type}
    return _passed(frame, "delete", unknown).side_data


def without_profile(frame):
    """Takes the colour profile off a frame of a PNG.

    FFmpeg gives it a name, and PyAV, once it has listed the side data of a
    frame, frees that name, which the frame frees as well.

    Args:
        frame: `av.VideoFrame`.

    Returns:
        The frame without a profile, and whether it had one.
    """
    from av.sidedata.sidedata import Type

    profile = [Type.ICC_PROFILE.value]
    had_one = _passed(frame, "select", profile) is not None
    return _passed(frame, "delete", profile), had_one


def _passed(frame, mode, kinds):
    """Returns what FFmpeg's filter `sidedata` makes of a frame: one without
    some kinds to `delete`, or `None` if it has none of those to `select`."""
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

    found = side_data(frame)
    if not found or (data := found.get(Type.DISPLAYMATRIX)) is None:
        return IDENTITY
    matrix = np.frombuffer(bytes(data), "int32").reshape(3, 3)[:2, :2]
    turned = abs(matrix[0, 0]) < abs(matrix[0, 1])
    matrix = np.sign(matrix) * np.eye(2, dtype=int)[:: -1 if turned else 1]
    return matrix if matrix.any(axis=0).all() else IDENTITY


def upright(pixels, matrix):
    """Applies a display matrix to a picture `(height, width, 3)`."""
    if matrix is IDENTITY:
        return np.ascontiguousarray(pixels)
    if matrix[0, 0] == 0:
        pixels = pixels.transpose(1, 0, 2)
    x_sign, y_sign = matrix.sum(axis=0)
    return np.ascontiguousarray(pixels[::y_sign, ::x_sign])
