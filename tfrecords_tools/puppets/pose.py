"""What an actor's body does, frame by frame."""

import numpy as np

TURN = 0.5  # radians towards the camera, unless an action turns the actor
NEAR, FAR = 0, 1  # limbs: next to the camera while in profile, or not


class Pose:
    """What one actor does over `n` frames.

    Actions change the attributes, and `figure.parts_of` reads them. Limbs are
    indexed by `NEAR` and `FAR`.

    Attributes:
        height: Float, the actor's height.
        away: (n,), distance from the centre of the scene.
        turn: (n,), 0 for a look at the other actor, pi/2 into the camera.
        lean: (n,), angle of the trunk, positive ahead.
        nod: (n,), angle of the head, on top of `lean`.
        swing: (n, 2), angles of the hanging arms, positive ahead.
        reach: (n, 2, 2), where hands are to be: metres towards the other
            actor as the camera sees it, and above the floor.
        grip: (n, 2), how far the hands are there: 0 hangs, 1 is there.
        feet: (n, 2, 2), the ankles: metres ahead of and above standing.
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
