"""`anonymize` and `build` decode films and pictures by code of their own."""

import numpy as np

from priv_keras.films import moving_picture
from priv_keras.films import picture
from priv_keras.films import video
from tfrecords_tools import decode


def read_by_anonymize(path):
    reader = picture.Picture if picture.is_picture(path) else video.Video
    if moving_picture.is_one(path):
        reader = moving_picture.MovingPicture
    with reader(str(path)) as film:
        return np.stack([f.pixels for f in film.frames(film.format.size)])


def read_by_build(path, size=(64, 48)):
    return decode.frames(path, size)


READERS = [read_by_anonymize, read_by_build]
