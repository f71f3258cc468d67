"""Puppets: a small drawn stand-in for the SBU Kinect Interaction dataset.

Seven articulated actors meet in pairs and carry out SBU's eight interactions.
The files are laid out like SBU's, so whatever reads SBU reads puppets too.

Two things are kept apart on purpose, so that a privacy experiment has a known
answer. *Who* is visible is carried by the look of an actor alone (face, hair,
skin, cloth colours and textures, height, build); `ACTORS` fixes it and no seed
changes it. *What* happens is carried by the body motion alone. All the rest
(camera, light, room, side, timing) is drawn from the seed and from nothing
else: with the same seed, the room is the same whoever is in it.

Lengths are metres, angles radians, colours RGB. An actor is built looking
along +x ("ahead"), `away` metres left of the centre, and mirrored if it stands
on the right. `turn` is 0 for a profile and pi/2 for a look into the camera.
"""

import multiprocessing.connection
import os
import signal
import threading

import numpy as np

from tfrecords_tools.puppets import drawing
from tfrecords_tools.puppets import figure
from tfrecords_tools.puppets import scene
from tfrecords_tools.puppets.cast import ACTIONS
from tfrecords_tools.puppets.cast import ACTORS
from tfrecords_tools.puppets.motion import perform


def clip(actors, action, *, size, seed):
    """Draws one clip.

    The same arguments give the same bytes. Camera, light, room and number of
    frames follow from `seed` and `size` alone.

    Args:
        actors: two different actor numbers, 1 to 7. The first one stands on
            the left, unless the seed says that the clip is mirrored.
        action: number of the interaction in `ACTIONS`, 1 to 8.
        size: `(width, height)` of the frames in pixels.
        seed: a non-negative integer.

    Returns:
        uint8 array of shape `(frames, height, width, 3)`, RGB, with 10 to 46
        frames.

    Raises:
        ValueError: if an actor, the action or the size does not exist.
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
        parts += figure.figure(actor, pose, index)
    parts += thing
    return scene.lit(light, _draw(parts, backdrop, view))


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
    if len(size) != 2 or min(size) < 8:
        raise ValueError(
            f"size={size!r}: want (width, height), each at least 8 pixels."
        )


def end_with_parent():
    """Ends a worker with the process that it draws for, however that ends: it
    would go on writing, or wait for ever."""
    # Ctrl-C reaches workers too; it is the parent that clears up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process().sentinel

    def wait():
        multiprocessing.connection.wait([parent])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _draw(parts, room, view):
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
