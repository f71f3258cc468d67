"""Puppets: a small drawn stand-in for the SBU Kinect Interaction dataset.

Seven articulated actors meet in pairs and carry out SBU's eight interactions.
The files are laid out like SBU's, so whatever reads SBU reads puppets too.

Two things are kept apart on purpose, so that a privacy experiment has a known
answer. *Who* is visible is carried by the look of an actor alone (face, hair,
skin, cloth colours and textures, height, build); `cast.ACTORS` fixes it and no
seed changes it. *What* happens is carried by the body motion alone. All the
rest (camera, light, room, side, timing) is drawn from the seed and from nothing
else: with the same seed, the room is the same whoever is in it.

Lengths are metres, angles radians, colours RGB. An actor is built looking
along +x ("ahead"), `away` metres left of the centre, and mirrored if it stands
on the right. `turn` is 0 for a profile and pi/2 for a look into the camera.
"""
