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

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import as_completed
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfrecords_tools import progress
from tfrecords_tools.partial import partial

ACTIONS = (
    "approaching",
    "departing",
    "kicking",
    "punching",
    "pushing",
    "hugging",
    "shaking hands",
    "exchanging",
)

SETS = (
    "s01s02",
    "s02s01",
    "s01s03",
    "s01s07",
    "s07s01",
    "s02s03",
    "s03s02",
    "s02s06",
    "s06s02",
    "s02s07",
    "s03s04",
    "s04s03",
    "s03s05",
    "s05s03",
    "s03s06",
    "s06s03",
    "s04s02",
    "s04s06",
    "s06s04",
    "s05s02",
    "s07s03",
)


class Cloth(NamedTuple):
    """Colour, colour of the texture, and its name (see `_texture`)."""

    colour: tuple
    second: tuple
    texture: str


class Actor(NamedTuple):
    """The look of one actor, which is all that identifies it."""

    height: float
    build: float
    skin: tuple
    hair: tuple
    style: str
    glasses: str
    beard: str
    brows: float
    lips: tuple
    sleeves: str
    top: Cloth
    bottom: Cloth
    shoes: tuple


ACTORS = (
    Actor(
        height=1.83,
        build=0.88,
        skin=(236, 196, 164),
        hair=(38, 28, 24),
        style="short",
        glasses="clear",
        beard="",
        brows=0.06,
        lips=(186, 106, 96),
        sleeves="long",
        top=Cloth((204, 36, 40), (246, 240, 232), "hoops"),
        bottom=Cloth((44, 62, 110), (44, 62, 110), "plain"),
        shoes=(240, 240, 240),
    ),
    Actor(
        height=1.66,
        build=0.84,
        skin=(250, 218, 196),
        hair=(232, 190, 88),
        style="long",
        glasses="",
        beard="",
        brows=0.04,
        lips=(206, 40, 66),
        sleeves="short",
        top=Cloth((22, 140, 140), (250, 226, 90), "dots"),
        bottom=Cloth((36, 34, 40), (36, 34, 40), "plain"),
        shoes=(190, 40, 60),
    ),
    Actor(
        height=1.75,
        build=1.30,
        skin=(176, 122, 84),
        hair=(24, 20, 20),
        style="bald",
        glasses="",
        beard="full",
        brows=0.10,
        lips=(150, 80, 74),
        sleeves="short",
        top=Cloth((240, 200, 40), (240, 200, 40), "plain"),
        bottom=Cloth((116, 92, 72), (70, 52, 40), "pins"),
        shoes=(60, 40, 30),
    ),
    Actor(
        height=1.56,
        build=1.02,
        skin=(222, 174, 132),
        hair=(48, 30, 22),
        style="bun",
        glasses="",
        beard="",
        brows=0.05,
        lips=(196, 84, 110),
        sleeves="long",
        top=Cloth((126, 52, 150), (240, 150, 200), "checks"),
        bottom=Cloth((188, 188, 196), (120, 120, 132), "checks"),
        shoes=(40, 40, 44),
    ),
    Actor(
        height=1.89,
        build=1.12,
        skin=(104, 68, 48),
        hair=(18, 14, 14),
        style="afro",
        glasses="",
        beard="goatee",
        brows=0.08,
        lips=(110, 52, 52),
        sleeves="short",
        top=Cloth((240, 244, 240), (30, 140, 60), "pins"),
        bottom=Cloth((196, 172, 124), (196, 172, 124), "plain"),
        shoes=(30, 120, 60),
    ),
    Actor(
        height=1.71,
        build=0.98,
        skin=(246, 206, 184),
        hair=(206, 92, 30),
        style="spiky",
        glasses="",
        beard="moustache",
        brows=0.09,
        lips=(196, 110, 100),
        sleeves="long",
        top=Cloth((40, 84, 214), (120, 200, 250), "diamonds"),
        bottom=Cloth((40, 84, 56), (40, 84, 56), "plain"),
        shoes=(110, 70, 40),
    ),
    Actor(
        height=1.62,
        build=1.18,
        skin=(206, 152, 116),
        hair=(150, 150, 156),
        style="cap",
        glasses="dark",
        beard="",
        brows=0.06,
        lips=(170, 90, 84),
        sleeves="long",
        top=Cloth((244, 126, 24), (40, 30, 30), "pins"),
        bottom=Cloth((122, 24, 44), (200, 110, 120), "dots"),
        shoes=(24, 24, 24),
    ),
)

_TURN = 0.5
_NEAR, _FAR = 0, 1
_VIEW = (3.2, 2.5)
_BITS = 4


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
    view = _camera(camera, size)
    cast = [ACTORS[number - 1] for number in actors]
    if camera.random() < 0.5:
        cast.reverse()
    floor, backdrop = _room(room, view)
    poses, thing = _perform(motion, action, cast, len(view.zoom))
    parts = _shadows(poses, floor)
    for index, (actor, pose) in enumerate(zip(cast, poses, strict=True)):
        parts += _figure(actor, pose, index)
    parts += thing
    return _lit(light, _draw(parts, backdrop, view))


def generate(root, *, size=(160, 120), takes=3, seed=0, workers=1):
    """Writes the whole data set, all sets and actions, below a new folder.

    The folder has SBU's layout: `s01s02/03/001/rgb_000001.png` is the first
    frame of the first take of actor 1 kicking actor 2 (or the other way
    round). It appears under its name once it is complete: until then, the
    files are in a hidden `.partial` folder beside it. The files do not depend
    on `workers`.

    Args:
        root: path of the folder to create.
        size: `(width, height)` of the frames in pixels.
        takes: number of clips of each action in each set, at least 1.
        seed: a non-negative integer.
        workers: number of processes, at least 1.

    Returns:
        `root`.

    Raises:
        FileExistsError: if there is something at `root` already.
        ValueError: if `size`, `takes` or `workers` is too small.
    """
    target = Path(root)
    _check_run(target, size, takes, workers)
    with partial(target) as path:
        what = f"drawing puppets of {size[0]}x{size[1]} into {target}"
        _run(what, _jobs(path, size, takes, seed), workers)
        path.rename(target)
    return root


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
    _check_size(size)


def _check_size(size):
    if len(size) != 2 or min(size) < 8:
        raise ValueError(
            f"size={size!r}: want (width, height), each at least 8 pixels."
        )


def _check_run(target, size, takes, workers):
    if target.exists():
        raise FileExistsError(
            f"{target} exists already. Puppets are written into a new folder "
            "only: remove it, or name another one."
        )
    _check_size(size)
    for name, value in (("takes", takes), ("workers", workers)):
        if value < 1:
            raise ValueError(f"{name}={value!r}: want 1 or more.")


# Files


def _jobs(root, size, takes, seed):
    """One `(folder, actors, action, size, seed)` for each clip to write."""
    jobs = []
    for name in SETS:
        actors = (int(name[1:3]), int(name[4:6]))
        for action in range(1, len(ACTIONS) + 1):
            for take in range(1, takes + 1):
                folder = root / name / f"{action:02d}" / f"{take:03d}"
                entropy = (seed, *actors, action, take)
                state = np.random.SeedSequence(entropy).generate_state(2)
                own = int(state[0]) << 32 | int(state[1])
                jobs.append((folder, actors, action, size, own))
    return jobs


def _run(what, jobs, workers):
    with progress.shown(what, len(jobs), "clip") as done:
        for _ in _finished(jobs, workers):
            done()


def _finished(jobs, workers):
    if workers == 1:
        yield from map(_write, jobs)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _end_with_parent)
    try:
        for future in as_completed([pool.submit(_write, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent():
    """Ends a worker with the process that it draws for, however that ends: it
    would go on writing, or wait for ever."""
    # Ctrl-C reaches workers too; it is the parent that clears up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process().sentinel

    def wait():
        multiprocessing.connection.wait([parent])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _write(job):
    import cv2

    folder, actors, action, size, seed = job
    cv2.setNumThreads(1)
    folder.mkdir(parents=True)
    for number, frame in enumerate(
        clip(actors, action, size=size, seed=seed), start=1
    ):
        path = folder / f"rgb_{number:06d}.png"
        bgr = np.ascontiguousarray(frame[..., ::-1])
        if not cv2.imwrite(str(path), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 4]):
            raise OSError(f"{path}: not written. Is the disk full?")


# Camera, light and room


class View(NamedTuple):
    """Where the camera looks: `centre` (n, 2), `zoom` (n,), pixels a metre."""

    size: tuple
    fold: int
    scale: float
    centre: np.ndarray
    zoom: np.ndarray

    def canvas(self):
        """Width and height of the canvas, which is shrunk by `fold`."""
        return tuple(self.fold * side for side in self.size)

    def pixels(self, points):
        """Canvas positions of `points`, (n, polygons, corners, 2), metres."""
        zoom = (self.zoom * self.scale)[:, None, None, None]
        offset = points - self.centre[:, None, None, :]
        return offset * zoom * (1, -1) + np.array(self.canvas()) / 2 - 0.5


def _camera(rng, size):
    width, height = size
    count = int(rng.integers(10, 47))
    time = np.linspace(-0.5, 0.5, count)
    fold = max(1, -(-240 // min(width, height)))
    pan = rng.uniform(-0.07, 0.07, 2) + np.outer(
        time, rng.uniform(-0.12, 0.12, 2)
    )
    shake = np.stack([_wander(rng, time, 9) for _ in range(2)], 1)
    return View(
        size=(width, height),
        fold=fold,
        scale=fold * min(width / _VIEW[0], height / _VIEW[1]),
        centre=(0, 1.0) + pan * (1, 0.5) + 0.012 * shake,
        zoom=rng.uniform(0.93, 1.07) + time * rng.uniform(-0.05, 0.05),
    )


def _wander(rng, time, speed):
    """Smooth noise within -1..1 over `time`."""
    rates = speed * rng.uniform(0.5, 1.5, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)
    return np.sin(2 * np.pi * np.outer(time, rates) + phases).mean(1)


def _lit(rng, frames):
    import cv2

    gain = rng.uniform(0.75, 1.05) * rng.uniform(0.9, 1.1, 3)
    ramp = np.linspace(0, 1, 256) ** rng.uniform(0.8, 1.3)
    table = np.clip(255 * np.outer(ramp, gain), 0, 255).astype(np.uint8)
    count, height, width, _ = frames.shape
    flat = frames.reshape(1, -1, 3)
    lit = cv2.LUT(flat, table[None])
    return lit.reshape(count, height, width, 3)


def _room(rng, view):
    """Colour of the floor, and the room as a picture 3/2 of the canvas."""
    width, height = (3 * side // 2 for side in view.canvas())
    wall = _tint(rng, 80, 210)
    floor = _tint(rng, 50, 200)
    skirting = rng.uniform(0.3, 0.6)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.rint(wall)
    shapes = [(_box(0, skirting - 5, 20, 5), floor)]
    shapes.append((_box(0, skirting, 20, 0.04), 0.75 * wall))
    for _ in range(rng.integers(2, 6)):
        shapes += _furniture(rng, skirting)
    middle = np.array((width, height)) / 2
    for corners, colour in shapes:
        points = (corners - (0, 1)) * view.scale * (1, -1) + middle - 0.5
        _fill(image, _fixed(points[None]), colour)
    return floor, image


def _tint(rng, low, high):
    return rng.uniform(low, high) + rng.uniform(-28, 28, 3)


def _box(x, y, width, height):
    left, right = x - width / 2, x + width / 2
    return np.array(
        ((left, y), (right, y), (right, y + height), (left, y + height))
    )


def _furniture(rng, floor):
    """One thing at the wall: a cupboard, a picture or a lamp."""
    kind = rng.integers(3)
    x = rng.uniform(-2.2, 2.2)
    colour = _tint(rng, 50, 220)
    inner = _tint(rng, 50, 220)
    wide, high = rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.9)
    if kind == 0:
        base = floor - 0.06
        lid = _box(x, base + 0.52 * high, 0.85 * wide, 0.4 * high)
        return [(_box(x, base, wide, high), colour), (lid, 0.85 * colour)]
    if kind == 1:
        y = rng.uniform(1.1, 1.8)
        frame = _box(x, y, wide + 0.1, 0.7 * high + 0.1)
        return [(frame, colour), (_box(x, y + 0.05, wide, 0.7 * high), inner)]
    y = rng.uniform(1.2, 2.0)
    shade = _ellipse(24) * (0.35 * wide, 0.35 * wide) + (x, y)
    return [(_box(x, floor, 0.05, y - floor), 0.6 * colour), (shade, colour)]


def _backdrop(image, view, index):
    """The part of the room that the camera sees in one frame."""
    import cv2

    width, height = view.canvas()
    zoom = view.zoom[index]
    shift = (view.centre[index] - (0, 1)) * view.scale * (1, -1)
    middle = np.array(image.shape[1::-1]) / 2 - 0.5 + shift
    half = np.array((width, height)) / 2 - 0.5
    inverse = np.array(
        (
            (1 / zoom, 0, middle[0] - half[0] / zoom),
            (0, 1 / zoom, middle[1] - half[1] / zoom),
        )
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        image,
        inverse,
        (width, height),
        flags=flags,
        borderMode=cv2.BORDER_REPLICATE,
    )


# Drawing


class Part(NamedTuple):
    """Polygons of one colour: depth (n,), corners (n, polygons, k, 2)."""

    depth: np.ndarray
    polygons: np.ndarray
    colour: tuple


def _draw(parts, room, view):
    import cv2

    width, height = view.size
    order = np.argsort([part.depth for part in parts], 0, kind="stable")
    corners = [_fixed(view.pixels(part.polygons)) for part in parts]
    colours = [tuple(map(float, part.colour)) for part in parts]
    frames = np.empty((len(view.zoom), height, width, 3), np.uint8)
    for index, frame in enumerate(frames):
        canvas = _backdrop(room, view, index)
        for which in order[:, index]:
            _fill(canvas, corners[which][index], colours[which])
        frame[:] = cv2.resize(canvas, view.size, interpolation=cv2.INTER_AREA)
    return frames


def _fill(image, polygons, colour):
    """Fills `_fixed` polygons, (count, corners, 2). They may not overlap."""
    import cv2

    cv2.fillPoly(image, list(polygons), colour, cv2.LINE_AA, _BITS)


def _fixed(points):
    """Pixel positions as `_fill` takes them: with `_BITS` binary places."""
    return np.rint(points * 2**_BITS).astype(np.int32)


def _ellipse(corners, start=0.0, stop=2 * np.pi):
    """Points of the unit circle from one angle to another."""
    angles = np.linspace(start, stop, corners)
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def _tube(start, end, radii, extra=0.0):
    """Outline, (n, 1, 14, 2), of a limb with round ends.

    Args:
        start: array (n, 2), metres.
        end: array (n, 2), metres.
        radii: half the thickness at `start` and at `end`, metres. Either may
            be an array (n, 1).
        extra: metres added to both.
    """
    along, across = _axes(start, end)
    arc = _ellipse(7, -np.pi / 2, np.pi / 2)[None]
    caps = []
    for point, radius, sign in ((start, radii[0], -1), (end, radii[1], 1)):
        reach = (np.asarray(radius) + extra)[..., None] * sign
        offset = arc[..., :1] * along[:, None] + arc[..., 1:] * across[:, None]
        caps.append(point[:, None] + reach * offset)
    return np.concatenate(caps, 1)[:, None]


def _axes(start, end):
    along = end - start
    length = np.linalg.norm(along, axis=-1, keepdims=True)
    along = along / np.maximum(length, 1e-6)
    return along, np.stack([-along[:, 1], along[:, 0]], -1)


def _texture(name, rows, columns):
    """Polygons (count, corners, 2) in cloth coordinates.

    The first coordinate runs along the limb, 0 to 1, the second one across
    it, -1 to 1.
    """
    row, column = np.mgrid[:rows, :columns].reshape(2, -1)
    square = np.array(((0, 0), (1, 0), (1, 1), (0, 1)))
    diamond = np.array(((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)))
    if name == "hoops":
        row, column, columns = np.arange(rows), np.zeros(rows), 1
        shape = square * (0.5, 1) + (0.25, 0)
    elif name == "pins":
        row, column, rows = np.zeros(columns), np.arange(columns), 1
        shape = square * (1, 0.5) + (0, 0.25)
    elif name == "dots":
        shape = 0.3 * _ellipse(9)[:-1] + 0.5
    elif name == "diamonds":
        shape = diamond
    elif name == "checks":
        dark = (row + column) % 2 == 0
        row, column, shape = row[dark], column[dark], square
    else:
        return np.empty((0, 4, 2))
    cells = shape + np.stack([row, column], -1)[:, None]
    return cells / (rows, columns) * (1, 2) - (0, 1)


def _printed(start, end, radii, cells):
    """Texture polygons (n, count, corners, 2) laid on a limb."""
    _, across = _axes(start, end)
    along, side = cells[None, ..., :1], cells[None, ..., 1:]
    first, last = (np.asarray(r)[..., None, None] for r in radii)
    radius = first + (last - first) * along
    base = start[:, None, None] + along * (end - start)[:, None, None]
    return base + side * radius * across[:, None, None]


def _shade(colour, factor):
    return tuple(factor * channel for channel in colour)


# Figures


class Pose:
    """What one actor does over `n` frames.

    Actions change the attributes; `_skeleton` reads them. Limbs are indexed
    by `_NEAR` (next to the camera while in profile) and `_FAR`.

    Attributes:
        height: height of the actor.
        away: (n,) distance from the centre of the scene.
        turn: (n,) 0 looks at the other actor, pi/2 into the camera.
        lean: (n,) of the trunk, positive ahead.
        nod: (n,) of the head, on top of `lean`.
        swing: (n, 2) of the hanging arms, positive ahead.
        reach: (n, 2, 2) where hands are wanted: metres towards the other
            actor as the camera sees it, and above the floor.
        grip: (n, 2) how far the hands are there: 0 hangs, 1 is there.
        feet: (n, 2, 2) of the ankles: metres ahead and above standing.
    """

    def __init__(self, height, count):
        self.height = height
        self.away = np.full(count, 0.5)
        self.turn = np.full(count, _TURN)
        self.lean = np.zeros(count)
        self.nod = np.zeros(count)
        self.swing = np.zeros((count, 2))
        self.reach = np.zeros((count, 2, 2))
        self.grip = np.zeros((count, 2))
        self.feet = np.zeros((count, 2, 2))


class Skeleton(NamedTuple):
    """Joints, each (n, 2) or for pairs of limbs a pair of those."""

    hip: np.ndarray
    neck: np.ndarray
    head: np.ndarray
    shoulders: tuple
    elbows: tuple
    hands: tuple
    hips: tuple
    knees: tuple
    ankles: tuple
    toes: tuple


def _skeleton(actor, pose):
    tall, build = actor.height, actor.build
    ankles = pose.feet + (0, 0.045 * tall)
    hip = _hip(pose, ankles, 0.468 * tall)
    trunk = np.stack([np.sin(pose.lean), np.cos(pose.lean)], -1)
    neck = hip + 0.285 * tall * trunk
    tilt = pose.lean * 0.6 + pose.nod
    head = neck + 0.115 * tall * np.stack([np.sin(tilt), np.cos(tilt)], -1)
    limbs = []
    for side, sign in ((_NEAR, -1), (_FAR, 1)):
        lateral = sign * 0.175 * build
        elbow, hand = _arm(pose, side, neck - 0.035 * tall * trunk, lateral)
        flat = [neck - 0.035 * tall * trunk, elbow, hand]
        leg = _leg(pose, hip, ankles[:, side], tall)
        limbs.append(
            [_flat(pose, joint, lateral) for joint in flat]
            + [_flat(pose, joint, 0.5 * lateral) for joint in leg]
        )
    pairs = tuple(zip(*limbs, strict=True))
    centre = (_flat(pose, joint, 0) for joint in (hip, neck, head))
    return Skeleton(*centre, *pairs)


def _hip(pose, ankles, leg):
    """Height of the hips: as high as the feet on the ground let them be."""
    ahead = np.minimum(np.abs(ankles[..., 0]), 0.95 * leg)
    lifted = 4 * pose.feet[..., 1]
    limit = ankles[..., 1] + lifted + np.sqrt(leg**2 - ahead**2)
    up = 0.998 * np.minimum(limit.min(-1), leg + 0.045 * pose.height)
    back = -0.3 * np.sin(pose.lean) * 0.285 * pose.height
    return np.stack([back, up], -1)


def _arm(pose, side, shoulder, lateral):
    upper, lower = 0.18 * pose.height, 0.17 * pose.height
    swing = pose.swing[:, side] + 0.12
    length = 0.98 * (upper + lower)
    hang = np.stack([np.sin(swing), -np.cos(swing)], -1) * length
    wanted = pose.reach[:, side].copy()
    profile = np.maximum(np.cos(pose.turn), 0.3)
    wanted[:, 0] = (wanted[:, 0] - lateral * np.sin(pose.turn)) / profile
    goal = shoulder + hang
    goal += pose.grip[:, side, None] * (wanted - goal)
    return _bend(shoulder, goal, upper, lower, -1)


def _leg(pose, hip, ankle, tall):
    knee, ankle = _bend(hip, ankle, 0.235 * tall, 0.235 * tall, 1)
    shin, ahead = _axes(knee, ankle)
    raised = np.clip(ankle[:, 1:] / (0.2 * tall) - 0.3, 0, 1)
    toe = ankle + 0.085 * tall * (
        raised * ahead + (1 - raised) * np.array((1.0, -0.22))
    )
    return hip, knee, ankle, toe


def _bend(root, goal, upper, lower, side):
    """Two-bone inverse kinematics: the joint between, and the end."""
    away, across = _axes(root, goal)
    reach = np.linalg.norm(goal - root, axis=-1, keepdims=True)
    reach = np.clip(reach, 0.35 * upper, 0.998 * (upper + lower))
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    cosine = np.clip(cosine, -1, 1)
    sine = side * np.sqrt(1 - cosine**2)
    joint = root + upper * (cosine * away + sine * across)
    return joint, root + reach * away


def _flat(pose, joint, lateral):
    """A joint as the camera sees it, seen from the left of the scene."""
    x = joint[:, 0] * np.cos(pose.turn) + lateral * np.sin(pose.turn)
    return np.stack([x - pose.away, joint[:, 1]], -1)


def _figure(actor, pose, index):
    """All parts of an actor; the one with index 1 stands on the right."""
    bones = _skeleton(actor, pose)
    parts = _body(actor, pose, bones) + _head(actor, pose, bones.head)
    for side in (_NEAR, _FAR):
        front = np.cos(pose.turn) * (1 if side == _NEAR else -1) > 0
        parts += _leg_parts(actor, bones, side, front)
        parts += _arm_parts(actor, bones, side, front)
    mirror = np.array((1 - 2 * index, 1))
    return [
        Part(part.depth + 0.5 * index, part.polygons * mirror, part.colour)
        for part in parts
    ]


def _body(actor, pose, bones):
    build = actor.build
    breadth = np.hypot(0.17 * np.sin(pose.turn), 0.115 * np.cos(pose.turn))[
        :, None
    ]
    chest = (0.95 * breadth * build, 1.12 * breadth * (0.5 + 0.5 * build))
    spine = bones.neck - bones.hip
    low, high = bones.hip + 0.06 * spine, bones.hip + 0.83 * spine
    depth = np.zeros(len(pose.away))
    pelvis = (low - 0.12 * spine, low)
    waist = (chest[0] * 0.95, chest[0])
    throat = (0.05 * build**0.5, 0.05 * build**0.5)
    parts = [Part(depth, _tube(*pelvis, waist), actor.bottom.colour)]
    parts += _skin(depth, bones.neck - 0.1 * spine, bones.head, throat, actor)
    return parts + _sewn(depth, ((low, high, chest),), actor.top, (6, 4))


def _sewn(depth, pieces, cloth, grid, shade=1.0):
    """Parts of a cloth made of `(start, end, radii)` pieces."""
    tubes = []
    for extra, dark in ((0.011, 0.5), (0, 1)):
        colour = _shade(cloth.colour, dark * shade)
        for start, end, radii in pieces:
            tubes.append(Part(depth, _tube(start, end, radii, extra), colour))
    cells = _texture(cloth.texture, *grid)
    if not len(cells):
        return tubes
    second = _shade(cloth.second, shade)
    return tubes + [Part(depth, _printed(*p, cells), second) for p in pieces]


def _skin(depth, start, end, radii, actor, shade=1.0):
    cloth = Cloth(actor.skin, actor.skin, "plain")
    return _sewn(depth, ((start, end, radii),), cloth, (1, 1), shade)


def _leg_parts(actor, bones, side, front):
    hip, knee, ankle, toe = (
        joints[side]
        for joints in (bones.hips, bones.knees, bones.ankles, bones.toes)
    )
    build = actor.build
    depth = np.where(front, -1.0, -2.0)
    thigh = (hip, knee, (0.092 * build, 0.07 * build))
    shin = (knee, ankle, (0.07 * build, 0.048 * build))
    leather = Cloth(actor.shoes, actor.shoes, "plain")
    shade = 1.0 if side == _NEAR else 0.85
    shoe = ((ankle, toe, (0.052, 0.036)),)
    return _sewn(depth, shoe, leather, (1, 1), shade) + _sewn(
        depth, (thigh, shin), actor.bottom, (4, 3), shade
    )


def _arm_parts(actor, bones, side, front):
    shoulder, elbow, hand = (
        joints[side] for joints in (bones.shoulders, bones.elbows, bones.hands)
    )
    build = actor.build
    depth = np.where(front, 3.0, -3.0)
    shade = 1.0 if side == _NEAR else 0.85
    upper = (shoulder, elbow, (0.062 * build, 0.05 * build))
    wrist = elbow + 0.85 * (hand - elbow)
    lower = (elbow, wrist, (0.05 * build, 0.036 * build))
    palm = _skin(depth, wrist, hand, (0.04, 0.05), actor, shade)
    if actor.sleeves == "long":
        return palm + _sewn(depth, (upper, lower), actor.top, (3, 2), shade)
    bare = _skin(depth, *lower, actor, shade)
    return bare + palm + _sewn(depth, (upper,), actor.top, (3, 2), shade)


# Heads, in units of the head's radius


class Face:
    """Collects the parts of one head; shapes are added from back to front."""

    def __init__(self, actor, pose, centre):
        self.parts = []
        self.radius = 0.078 * actor.height
        self.centre = centre
        self.tilt = pose.lean * 0.6 + pose.nod
        self.look = 0.7 * (np.pi / 2 - pose.turn)
        self.depth = np.ones(len(pose.away))

    def side(self, x):
        """How far ahead something `x` before the axis of the head is seen."""
        return x * np.sin(self.look)

    def add(self, shape, colour, x=0.0, y=0.0, wide=1.0):
        """Adds a shape (k, 2) at `x`, `y`, made `wide` times as wide."""
        x, wide = (np.broadcast_to(v, self.tilt.shape) for v in (x, wide))
        across = shape[None, :, 0] * wide[:, None] + x[:, None]
        up = np.broadcast_to(shape[None, :, 1] + y, across.shape)
        sine, cosine = np.sin(self.tilt)[:, None], np.cos(self.tilt)[:, None]
        turned = np.stack(
            [across * cosine + up * sine, up * cosine - across * sine], -1
        )
        points = self.centre[:, None] + self.radius * turned
        self.parts.append(Part(self.depth, points[:, None], colour))

    def spot(self, angle, y, wide, high, colour):
        """Adds an ellipse on the front, `angle` off the nose."""
        angle = self.look + angle
        narrow = np.maximum(np.cos(angle), 0.3)
        shape = _ellipse(10) * (wide, high)
        self.add(shape, colour, 0.78 * np.sin(angle), y, narrow)


def _head(actor, pose, centre):
    face = Face(actor, pose, centre)
    _hair_behind(face, actor)
    skull = _ellipse(20) * (0.84, 1.02)
    face.add(skull * 1.07, _shade(actor.skin, 0.5), face.side(0.05))
    face.add(skull, actor.skin, face.side(0.05))
    if actor.style not in ("long", "afro"):
        face.spot(-1.75, -0.05, 0.3, 0.2, _shade(actor.skin, 0.8))
    _beard(face, actor)
    _features(face, actor)
    _hair_before(face, actor)
    return face.parts


def _features(face, actor):
    hair = (80, 80, 80) if actor.style == "bald" else actor.hair
    for angle in (0.45, -0.45):
        if actor.glasses:
            face.spot(angle, 0.1, 0.36, 0.27, (24, 24, 28))
        if actor.glasses != "dark":
            face.spot(angle, 0.1, 0.26, 0.18, (246, 246, 246))
            face.spot(angle + 0.06, 0.1, 0.11, 0.14, (30, 24, 24))
        face.spot(angle, 0.45, 0.28, actor.brows, _shade(hair, 0.7))
    if actor.glasses:
        face.spot(0, 0.14, 0.2, 0.05, (24, 24, 28))
    face.spot(0.05, -0.15, 0.11, 0.2, _shade(actor.skin, 0.8))
    face.spot(0, -0.55, 0.3, 0.09, actor.lips)


def _beard(face, actor):
    if actor.beard == "full":
        jaw = _ellipse(12, np.pi * 1.0, np.pi * 2.0) * (0.86, 1.12)
        face.add(jaw, actor.hair, face.side(0.05), -0.1)
    elif actor.beard == "goatee":
        face.spot(0, -0.72, 0.34, 0.36, actor.hair)
    elif actor.beard == "moustache":
        face.spot(0, -0.38, 0.46, 0.12, _shade(actor.hair, 0.8))


def _hair_behind(face, actor):
    if actor.style == "bald":
        return
    round_ = _ellipse(20)
    if actor.style == "afro":
        face.add(round_ * 1.45, actor.hair, face.side(-0.25), 0.3)
    elif actor.style == "long":
        fall = np.array(
            ((-0.95, 0.2), (0.95, 0.2), (0.8, -1.5), (0, -1.75), (-1.0, -1.5))
        )
        face.add(fall, actor.hair, face.side(-0.4))
    elif actor.style == "bun":
        face.add(round_ * 0.5, actor.hair, face.side(-1.0), 0.85)
    elif actor.style == "spiky":
        spikes = np.where(np.arange(20) % 2, 1.5, 1.05)[:, None]
        face.add(round_ * spikes, actor.hair, face.side(-0.2), 0.15)
    face.add(round_ * (0.95, 1.02), actor.hair, face.side(-0.22), 0.1)


def _hair_before(face, actor):
    if actor.style == "bald":
        return
    crown = _ellipse(14, 0.2 * np.pi, 0.97 * np.pi) * (0.92, 1.1)
    if actor.style != "cap":
        face.add(crown, actor.hair, face.side(-0.03))
        return
    felt = (60, 66, 84)
    face.add(crown * (1.08, 1.12), felt, face.side(-0.03), 0.05)
    brim = _ellipse(12) * (0.62, 0.11)
    face.add(brim, _shade(felt, 0.7), face.side(0.95), 0.62)


# Motion


def _perform(rng, action, cast, count):
    """Poses of both actors, and parts of the things they handle."""
    time = np.linspace(0, 1, count)
    phase = _timing(rng, time)
    poses = [Pose(actor.height, count) for actor in cast]
    roles = rng.permutation(2)
    near = rng.permutation(2)
    colours = [
        rng.permutation((245, rng.uniform(30, 245), 30)),
        _tint(rng, 40, 230),
    ]
    scale = rng.uniform(0.85, 1.15)
    idle = [[_wander(rng, time, 2) for _ in range(5)] for _ in poses]
    active, passive = (poses[role] for role in roles)
    act = _SCRIPTS[action - 1]
    path = act(phase, active, passive, scale, near)
    for pose, noise in zip(poses, idle, strict=True):
        _idle(pose, noise)
        _walk(pose)
    if path is None:
        return poses, []
    return poses, _parcel(path * (1 - 2 * roles[0], 1), colours)


def _timing(rng, time):
    """Phase 0..1 of the action: when it starts and ends, and how evenly."""
    start, stop = rng.uniform(0, 0.08), rng.uniform(0.92, 1)
    phase = np.clip((time - start) / (stop - start), 0, 1)
    return phase ** rng.uniform(0.85, 1.2)


def _ramp(phase, start, stop):
    """Goes smoothly from 0 at `start` to 1 at `stop`."""
    part = np.clip((phase - start) / (stop - start), 0, 1)
    return part * part * (3 - 2 * part)


def _pulse(phase, start, full, end, off):
    """Rises from `start` to `full`, falls from `end` to `off`."""
    return _ramp(phase, start, full) - _ramp(phase, end, off)


def _idle(pose, noise):
    pose.lean = pose.lean + 0.04 * noise[0]
    pose.nod = pose.nod + 0.07 * noise[1]
    pose.away = pose.away + 0.015 * noise[2]
    pose.swing = pose.swing + 0.1 * np.stack(noise[3:], -1)


def _walk(pose):
    """Adds the steps which the way of the actor asks for."""
    ahead = -np.gradient(pose.away) * np.sign(np.cos(pose.turn))
    if np.ptp(pose.away) < 0.12:
        pose.feet += np.array(((-0.05, 0), (0.05, 0)))
        return
    speed = np.abs(ahead)
    vigour = np.clip(1.6 * speed / speed.max(), 0.15, 1)
    stride = min(0.26, 0.5 * np.ptp(pose.away))
    angle = np.pi * np.cumsum(ahead) / (2 * stride) + np.pi / 2
    for side, offset in ((_NEAR, 0), (_FAR, np.pi)):
        swing = np.cos(angle + offset) * vigour
        lift = np.maximum(0, -np.sin(angle + offset)) * vigour
        pose.feet[:, side, 0] += stride * swing
        pose.feet[:, side, 1] += 0.12 * (stride / 0.26) * lift
        pose.swing[:, side] -= 0.55 * (stride / 0.26) * swing


def _hold(pose, side, grip, ahead, up):
    """Wants a hand at a place, given as the camera sees it."""
    pose.grip[:, side] = grip
    pose.reach[:, side, 0] = ahead
    pose.reach[:, side, 1] = up


def _approaching(phase, active, passive, scale, near):
    share = 0.5 + 0.25 * (scale - 1)
    for pose, part in ((active, share), (passive, 1 - share)):
        pose.away = 1.02 - 1.3 * part * _ramp(phase, 0, 1)


def _departing(phase, active, passive, scale, near):
    lag = 0.15 * (scale - 0.85)
    for pose, start in ((active, 0), (passive, lag)):
        pose.turn = _TURN + (np.pi - 2 * _TURN) * _ramp(
            phase, start, start + 0.25
        )
        pose.away = 0.36 + 0.66 * _ramp(phase, start + 0.1, 1)


def _kicking(phase, active, passive, scale, near):
    back = _pulse(phase, 0.05, 0.22, 0.25, 0.4)
    kick = _pulse(phase, 0.27, 0.42, 0.52, 0.75)
    blow = _ramp(phase, 0.38, 0.52)
    active.away = 0.46 - 0.04 * kick
    passive.away = 0.42 + 0.3 * scale * _ramp(phase, 0.4, 0.65)
    leg = near[0]
    gap = active.away + 0.42
    active.feet[:, leg, 0] += -0.35 * back + kick * (gap + 0.02)
    active.feet[:, leg, 1] += 0.15 * back + kick * 0.42 * passive.height
    active.lean = 0.12 * back - 0.5 * scale * kick
    active.swing[:, leg] = 0.5 * back - 0.9 * kick
    active.swing[:, 1 - leg] = -0.6 * back + 0.8 * kick
    fold = blow - 0.6 * _ramp(phase, 0.7, 1)
    passive.lean = 0.7 * scale * fold
    passive.nod = 0.2 * fold
    for side in (_NEAR, _FAR):
        belly = 0.52 * passive.height
        _hold(passive, side, blow, 0.22 + 0.15 * fold, belly)


def _punching(phase, active, passive, scale, near):
    ready = _pulse(phase, 0.02, 0.2, 0.28, 0.36)
    punch = _pulse(phase, 0.3, 0.42, 0.5, 0.7)
    blow = _pulse(phase, 0.38, 0.5, 0.7, 1)
    active.away = 0.42 - 0.14 * punch
    passive.away = 0.36 + 0.16 * scale * _ramp(phase, 0.38, 0.6)
    face = 0.9 * passive.height
    fist, guard = near
    ahead = -0.25 * ready + (active.away + 0.3) * punch
    low = 0.6 * active.height
    grip = np.clip(ready + punch, 0, 1)
    _hold(active, fist, grip, ahead, low + (face - low) * punch)
    alert = 0.9 * _pulse(phase, 0, 0.2, 0.7, 1)
    _hold(active, guard, alert, 0.25, 0.74 * active.height)
    active.lean = -0.15 * ready + 0.3 * scale * punch
    passive.lean = -0.55 * scale * blow
    passive.nod = -0.5 * blow
    passive.swing += 1.1 * scale * blow[:, None]


def _pushing(phase, active, passive, scale, near):
    ready = _ramp(phase, 0.02, 0.2)
    shove = _ramp(phase, 0.25, 0.42)
    rest = _ramp(phase, 0.7, 0.95)
    moved = _ramp(phase, 0.34, 0.68)
    active.away = 0.42 - 0.22 * _ramp(phase, 0.22, 0.5)
    passive.away = 0.38 + 0.55 * scale * moved
    for side in (_NEAR, _FAR):
        full = active.away + np.minimum(passive.away, 0.62) - 0.14
        up = 0.74 * (active.height + passive.height) / 2
        ahead = 0.2 + (full - 0.2) * shove
        _hold(active, side, ready * (1 - rest), ahead, up)
    jolt = _pulse(phase, 0.32, 0.5, 0.62, 0.9)
    active.lean = -0.1 * ready + 0.45 * scale * (shove - rest)
    passive.lean = -0.4 * scale * jolt
    passive.swing += np.outer(1.5 * jolt, (1.0, 0.7))


def _hugging(phase, active, passive, scale, near):
    meet = _ramp(phase, 0, 0.4)
    clasp = _ramp(phase, 0.12, 0.45)
    rock = 0.06 * scale * np.sin(4 * np.pi * phase) * clasp
    for pose, other, sign, over in (
        (active, passive, 1, near[0]),
        (passive, active, -1, near[1]),
    ):
        pose.away = 0.5 - 0.35 * meet + sign * rock * 0.5
        back = 0.3 + 0.13 * clasp
        _hold(pose, over, clasp, back, 0.76 * other.height)
        _hold(pose, 1 - over, clasp, back, 0.62 * other.height)
        pose.lean = 0.1 * clasp + sign * rock
        pose.nod = 0.1 * clasp


def _shaking(phase, active, passive, scale, near):
    give = _pulse(phase, 0.05, 0.28, 0.86, 1)
    late = _pulse(phase, 0.1, 0.32, 0.86, 1)
    pump = np.sin(2 * np.pi * 3 * np.clip((phase - 0.32) / 0.5, 0, 1))
    up = 0.31 * (active.height + passive.height) + 0.1 * scale * pump
    for pose, grip in ((active, give), (passive, late)):
        pose.away = 0.47 - 0.06 * grip
        _hold(pose, _NEAR, grip, pose.away, up)
        pose.lean = 0.16 * grip


def _exchanging(phase, active, passive, scale, near):
    offer = _ramp(phase, 0.1, 0.38)
    back = _ramp(phase, 0.58, 0.85)
    take = _ramp(phase, 0.2, 0.42)
    up = 0.33 * (active.height + passive.height)
    active.away = 0.6 - 0.12 * (offer - back)
    passive.away = 0.6 - 0.12 * (take - back)
    chest = 0.3
    given = chest + (active.away - chest) * offer
    taken = passive.away + (chest - passive.away) * back
    for side, drop in ((_NEAR, -0.05), (_FAR, -0.08)):
        _hold(active, side, 1 - back, given - 0.05, up + drop)
        _hold(passive, side, take, taken - 0.05, up + drop)
    active.lean = 0.14 * (offer - back) * scale
    passive.lean = 0.14 * (take - back) * scale
    x = np.where(phase < 0.5, given - active.away, passive.away - taken)
    return np.stack([x, np.full(len(phase), up)], -1)


_SCRIPTS = (
    _approaching,
    _departing,
    _kicking,
    _punching,
    _pushing,
    _hugging,
    _shaking,
    _exchanging,
)


def _parcel(path, colours):
    """A box with a ribbon that moves along `path`, (n, 2)."""
    depth = np.full(len(path), 2.6)
    parts = []
    for width, height, colour in (
        (0.33, 0.29, 0.4 * colours[0]),
        (0.3, 0.26, colours[0]),
        (0.08, 0.26, colours[1]),
    ):
        box = _box(0, -height / 2, width, height)
        parts.append(Part(depth, path[:, None, None] + box, colour))
    return parts


def _shadows(poses, floor):
    parts = []
    for pose, sign in zip(poses, (-1, 1), strict=True):
        spot = _ellipse(20) * (0.34, 0.05)
        place = np.stack([sign * pose.away, np.zeros(len(pose.away))], -1)
        depth = np.full(len(place), -9.0)
        shape = place[:, None, None] + spot
        parts.append(Part(depth, shape, 0.7 * np.asarray(floor)))
    return parts
