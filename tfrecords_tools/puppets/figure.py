"""An actor's body: its skeleton, clothes, face and shadow."""

from typing import NamedTuple

import numpy as np

from tfrecords_tools.puppets import drawing
from tfrecords_tools.puppets.cast import Cloth
from tfrecords_tools.puppets.drawing import Part
from tfrecords_tools.puppets.pose import FAR
from tfrecords_tools.puppets.pose import NEAR


def parts_of(actor, pose, index):
    """Returns all parts of an actor; index 1 stands on the right."""
    bones = _skeleton(actor, pose)
    parts = _body(actor, pose, bones) + _head(actor, pose, bones.head)
    for side in (NEAR, FAR):
        front = np.cos(pose.turn) * (1 if side == NEAR else -1) > 0
        parts += _leg_parts(actor, bones, side, front)
        parts += _arm_parts(actor, bones, side, front)
    mirror = np.array((1 - 2 * index, 1))
    return [
        Part(part.depth + 0.5 * index, part.polygons * mirror, part.colour)
        for part in parts
    ]


def shadows(poses, floor):
    """Returns the parts of both actors' shadows on a floor of a colour."""
    parts = []
    for pose, sign in zip(poses, (-1, 1), strict=True):
        spot = drawing.ellipse(20) * (0.34, 0.05)
        place = np.stack([sign * pose.away, np.zeros(len(pose.away))], -1)
        depth = np.full(len(place), -9.0)
        shape = place[:, None, None] + spot
        parts.append(Part(depth, shape, 0.7 * np.asarray(floor)))
    return parts


class Skeleton(NamedTuple):
    """Joints, each (n, 2), or a pair of those for pairs of limbs."""

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
    for side, sign in ((NEAR, -1), (FAR, 1)):
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
    """Returns where the hips are: as high as the feet on the ground allow."""
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
    shin, ahead = drawing.axes(knee, ankle)
    raised = np.clip(ankle[:, 1:] / (0.2 * tall) - 0.3, 0, 1)
    toe = ankle + 0.085 * tall * (
        raised * ahead + (1 - raised) * np.array((1.0, -0.22))
    )
    return hip, knee, ankle, toe


def _bend(root, goal, upper, lower, side):
    """Solves two-bone kinematics; returns the joint between, and the end."""
    away, across = drawing.axes(root, goal)
    reach = np.linalg.norm(goal - root, axis=-1, keepdims=True)
    reach = np.clip(reach, 0.35 * upper, 0.998 * (upper + lower))
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    cosine = np.clip(cosine, -1, 1)
    sine = side * np.sqrt(1 - cosine**2)
    joint = root + upper * (cosine * away + sine * across)
    return joint, root + reach * away


def _flat(pose, joint, lateral):
    """Returns a joint as the camera sees it, for an actor on the left."""
    x = joint[:, 0] * np.cos(pose.turn) + lateral * np.sin(pose.turn)
    return np.stack([x - pose.away, joint[:, 1]], -1)


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
    parts = [Part(depth, drawing.tube(*pelvis, waist), actor.bottom.colour)]
    parts += _skin(depth, bones.neck - 0.1 * spine, bones.head, throat, actor)
    return parts + _sewn(depth, ((low, high, chest),), actor.top, (6, 4))


def _sewn(depth, pieces, cloth, grid, shade=1.0):
    """Returns the parts of a cloth made of `(start, end, radii)` pieces."""
    tubes = []
    for extra, dark in ((0.011, 0.5), (0, 1)):
        colour = drawing.shade(cloth.colour, dark * shade)
        for start, end, radii in pieces:
            tubes.append(
                Part(depth, drawing.tube(start, end, radii, extra), colour)
            )
    cells = drawing.texture(cloth.texture, *grid)
    if not len(cells):
        return tubes
    second = drawing.shade(cloth.second, shade)
    return tubes + [
        Part(depth, drawing.printed(*p, cells), second) for p in pieces
    ]


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
    shade = 1.0 if side == NEAR else 0.85
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
    shade = 1.0 if side == NEAR else 0.85
    upper = (shoulder, elbow, (0.062 * build, 0.05 * build))
    wrist = elbow + 0.85 * (hand - elbow)
    lower = (elbow, wrist, (0.05 * build, 0.036 * build))
    palm = _skin(depth, wrist, hand, (0.04, 0.05), actor, shade)
    if actor.sleeves == "long":
        return palm + _sewn(depth, (upper, lower), actor.top, (3, 2), shade)
    bare = _skin(depth, *lower, actor, shade)
    return bare + palm + _sewn(depth, (upper,), actor.top, (3, 2), shade)


class Face:
    """The parts of one head, which are added from back to front."""

    def __init__(self, actor, pose, centre):
        self.parts = []
        self.radius = 0.078 * actor.height
        self.centre = centre
        self.tilt = pose.lean * 0.6 + pose.nod
        self.look = 0.7 * (np.pi / 2 - pose.turn)
        self.depth = np.ones(len(pose.away))

    def side(self, x):
        """Returns how far ahead a thing `x` before the head's axis is seen."""
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
        shape = drawing.ellipse(10) * (wide, high)
        self.add(shape, colour, 0.78 * np.sin(angle), y, narrow)


def _head(actor, pose, centre):
    face = Face(actor, pose, centre)
    _hair_behind(face, actor)
    skull = drawing.ellipse(20) * (0.84, 1.02)
    face.add(skull * 1.07, drawing.shade(actor.skin, 0.5), face.side(0.05))
    face.add(skull, actor.skin, face.side(0.05))
    if actor.style not in ("long", "afro"):
        face.spot(-1.75, -0.05, 0.3, 0.2, drawing.shade(actor.skin, 0.8))
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
        face.spot(angle, 0.45, 0.28, actor.brows, drawing.shade(hair, 0.7))
    if actor.glasses:
        face.spot(0, 0.14, 0.2, 0.05, (24, 24, 28))
    face.spot(0.05, -0.15, 0.11, 0.2, drawing.shade(actor.skin, 0.8))
    face.spot(0, -0.55, 0.3, 0.09, actor.lips)


def _beard(face, actor):
    if actor.beard == "full":
        jaw = drawing.ellipse(12, np.pi * 1.0, np.pi * 2.0) * (0.86, 1.12)
        face.add(jaw, actor.hair, face.side(0.05), -0.1)
    elif actor.beard == "goatee":
        face.spot(0, -0.72, 0.34, 0.36, actor.hair)
    elif actor.beard == "moustache":
        face.spot(0, -0.38, 0.46, 0.12, drawing.shade(actor.hair, 0.8))


def _hair_behind(face, actor):
    if actor.style == "bald":
        return
    circle = drawing.ellipse(20)
    if actor.style == "afro":
        face.add(circle * 1.45, actor.hair, face.side(-0.25), 0.3)
    elif actor.style == "long":
        fall = np.array(
            ((-0.95, 0.2), (0.95, 0.2), (0.8, -1.5), (0, -1.75), (-1.0, -1.5))
        )
        face.add(fall, actor.hair, face.side(-0.4))
    elif actor.style == "bun":
        face.add(circle * 0.5, actor.hair, face.side(-1.0), 0.85)
    elif actor.style == "spiky":
        spikes = np.where(np.arange(20) % 2, 1.5, 1.05)[:, None]
        face.add(circle * spikes, actor.hair, face.side(-0.2), 0.15)
    face.add(circle * (0.95, 1.02), actor.hair, face.side(-0.22), 0.1)


def _hair_before(face, actor):
    if actor.style == "bald":
        return
    crown = drawing.ellipse(14, 0.2 * np.pi, 0.97 * np.pi) * (0.92, 1.1)
    if actor.style != "cap":
        face.add(crown, actor.hair, face.side(-0.03))
        return
    felt = (60, 66, 84)
    face.add(crown * (1.08, 1.12), felt, face.side(-0.03), 0.05)
    brim = drawing.ellipse(12) * (0.62, 0.11)
    face.add(brim, drawing.shade(felt, 0.7), face.side(0.95), 0.62)
