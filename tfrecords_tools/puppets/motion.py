"""How each action moves the puppets."""

import numpy as np

from tfrecords_tools.puppets import scene
from tfrecords_tools.puppets.drawing import Part
from tfrecords_tools.puppets.pose import FAR
from tfrecords_tools.puppets.pose import NEAR
from tfrecords_tools.puppets.pose import TURN
from tfrecords_tools.puppets.pose import Pose


def perform(rng, action, cast, count):
    """Returns poses of both actors, and the parts of what they handle."""
    time = np.linspace(0, 1, count)
    phase = _timing(rng, time)
    poses = [Pose(actor.height, count) for actor in cast]
    roles = rng.permutation(2)
    near = rng.permutation(2)
    colours = [
        rng.permutation((245, rng.uniform(30, 245), 30)),
        scene.tint(rng, 40, 230),
    ]
    scale = rng.uniform(0.85, 1.15)
    idle = [[scene.wander(rng, time, 2) for _ in range(5)] for _ in poses]
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
    """Returns the phase of the action in [0, 1]: its start, end and pace."""
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
    """Adds the steps that it takes for an actor to move as it does."""
    ahead = -np.gradient(pose.away) * np.sign(np.cos(pose.turn))
    if np.ptp(pose.away) < 0.12:
        pose.feet += np.array(((-0.05, 0), (0.05, 0)))
        return
    speed = np.abs(ahead)
    vigour = np.clip(1.6 * speed / speed.max(), 0.15, 1)
    stride = min(0.26, 0.5 * np.ptp(pose.away))
    angle = np.pi * np.cumsum(ahead) / (2 * stride) + np.pi / 2
    for side, offset in ((NEAR, 0), (FAR, np.pi)):
        swing = np.cos(angle + offset) * vigour
        lift = np.maximum(0, -np.sin(angle + offset)) * vigour
        pose.feet[:, side, 0] += stride * swing
        pose.feet[:, side, 1] += 0.12 * (stride / 0.26) * lift
        pose.swing[:, side] -= 0.55 * (stride / 0.26) * swing


def _hold(pose, side, grip, ahead, up):
    """Puts a hand at a place, which is given as the camera sees it."""
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
        pose.turn = TURN + (np.pi - 2 * TURN) * _ramp(
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
    for side in (NEAR, FAR):
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
    for side in (NEAR, FAR):
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
        _hold(pose, NEAR, grip, pose.away, up)
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
    for side, drop in ((NEAR, -0.05), (FAR, -0.08)):
        _hold(active, side, 1 - back, given - 0.05, up + drop)
        _hold(passive, side, take, taken - 0.05, up + drop)
    active.lean = 0.14 * (offer - back) * scale
    passive.lean = 0.14 * (take - back) * scale
    x = np.where(phase < 0.5, given - active.away, passive.away - taken)
    return np.stack([x, np.full(len(phase), up)], -1)


# In the order of `cast.ACTIONS`. Each changes both poses; the one that hands
# over a parcel returns its path, (n, 2).
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
    """Returns the parts of a box with a ribbon, moved along `path`, (n, 2)."""
    depth = np.full(len(path), 2.6)
    parts = []
    for width, height, colour in (
        (0.33, 0.29, 0.4 * colours[0]),
        (0.3, 0.26, colours[0]),
        (0.08, 0.26, colours[1]),
    ):
        box = scene.box(0, -height / 2, width, height)
        parts.append(Part(depth, path[:, None, None] + box, colour))
    return parts
