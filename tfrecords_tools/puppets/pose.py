"""Where a puppet's limbs are in a frame."""

import numpy as np

TURN = 0.5
NEAR, FAR = 0, 1


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
        self.turn = np.full(count, TURN)
        self.lean = np.zeros(count)
        self.nod = np.zeros(count)
        self.swing = np.zeros((count, 2))
        self.reach = np.zeros((count, 2, 2))
        self.grip = np.zeros((count, 2))
        self.feet = np.zeros((count, 2, 2))
