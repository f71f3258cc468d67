"""Draws one clip of puppets: two actors, their action and their room."""

import numpy as np

from tfrecords_tools.puppets import drawing
from tfrecords_tools.puppets import figure
from tfrecords_tools.puppets import scene
from tfrecords_tools.puppets.cast import ACTIONS
from tfrecords_tools.puppets.cast import ACTORS
from tfrecords_tools.puppets.motion import perform


def draw(actors, action, *, size, seed):
    """Draws one clip.

    The same arguments give the same bytes. Camera, light, room and number of
    frames follow from `seed` and `size` alone.

    Args:
        actors: Two different actor numbers, 1 to 7. The first one stands on
            the left, unless the seed says that the clip is mirrored.
        action: Int, number of the interaction in `cast.ACTIONS`, 1 to 8.
        size: `(width, height)` of the frames in pixels.
        seed: Int, not negative.

    Returns:
        uint8 array of shape `(frames, height, width, 3)`, RGB, with 10 to 46
        frames.

    Raises:
        ValueError: If an actor or the action does not exist, or `size` is too
            small.
    """
    _check(actors, action, size)
    streams = np.random.SeedSequence(seed).spawn(4)
    camera, room, motion, light = map(np.random.default_rng, streams)
    view = scene.camera(camera, size)
    cast = [ACTORS[number - 1] for number in actors]
    if camera.random() < 0.5:
        cast.reverse()
    floor, backdrop = scene.room(room, view)
    poses, thing = perform(motion, action, cast, len(view.zoom))
    parts = figure.shadows(poses, floor)
    for index, (actor, pose) in enumerate(zip(cast, poses, strict=True)):
        parts += figure.parts_of(actor, pose, index)
    parts += thing
    return scene.lit(light, _paint(parts, backdrop, view))


def _check(actors, action, size):
    numbers = range(1, len(ACTORS) + 1)
    first, second = actors
    if first not in numbers or second not in numbers or first == second:
        raise ValueError(
            f"actors={actors!r}: want two different numbers from 1 to "
            f"{len(ACTORS)}, for example (1, 2)."
        )
    if action not in range(1, len(ACTIONS) + 1):
        raise ValueError(
            f"action={action!r}: want a number from 1 to {len(ACTIONS)}, "
            "its place in `ACTIONS`."
        )
    check_size(size)


def check_size(size):
    """Raises `ValueError` unless frames of a size can be drawn."""
    if len(size) != 2 or min(size) < 8:
        raise ValueError(
            f"size={size!r}: want (width, height), each at least 8 pixels."
        )


def _paint(parts, room, view):
    """Returns frames of the parts before the room, from back to front."""
    import cv2

    width, height = view.size
    order = np.argsort([part.depth for part in parts], 0, kind="stable")
    corners = [drawing.fixed(view.pixels(part.polygons)) for part in parts]
    colours = [tuple(map(float, part.colour)) for part in parts]
    frames = np.empty((len(view.zoom), height, width, 3), np.uint8)
    for index, frame in enumerate(frames):
        canvas = scene.backdrop(room, view, index)
        for which in order[:, index]:
            drawing.fill(canvas, corners[which][index], colours[which])
        frame[:] = cv2.resize(canvas, view.size, interpolation=cv2.INTER_AREA)
    return frames
