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
    from av.filter import Graph
    from av.sidedata.sidedata import Type

    try:
        return frame.side_data
    except ValueError:  # if it does not know one, PyAV gives none of them
        known = {kind.value for kind in Type}
    graph = Graph()
    graph.threads = 1
    nodes = [graph.add_buffer(template=frame)]
    nodes += [
        graph.add("sidedata", mode="delete", type=str(kind))
        for kind in TYPES
        if kind not in known
    ]
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    graph.push(frame)
    return graph.pull().side_data


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
