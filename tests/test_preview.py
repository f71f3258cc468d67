import io
import urllib.error
import urllib.request

import numpy as np
import pytest
from made_films import scene
from PIL import Image

from priv_keras.films import preview


def test_the_newest_frame_is_shown_and_the_end_is_one():
    with preview.Preview() as window:
        assert window.url.startswith("http://127.0.0.1:")
        page = urllib.request.urlopen(window.url, timeout=10)
        assert page.headers["Cache-Control"] == "no-store"
        assert b"<img src=frames" in page.read()
        window.show(scene(1))
        window.show(scene(9))
        frames = urllib.request.urlopen(window.url + "frames", timeout=10)
        assert frames.headers["Content-Type"].startswith("multipart/x-mixed")
        assert frames.readline() == b"--frame\r\n"
        frames.readline()
        length = int(frames.readline().split(b": ")[1])
        frames.readline()
        found = np.asarray(Image.open(io.BytesIO(frames.read(length))))
        assert np.abs(found.astype(int) - scene(9)).mean() < 6
    assert frames.read() == b"\r\n"


def test_nothing_else_is_served():
    with (
        preview.Preview() as window,
        pytest.raises(urllib.error.HTTPError, match="404"),
    ):
        urllib.request.urlopen(window.url + "../etc/passwd", timeout=10)


def test_a_port_that_is_taken_is_an_error():
    with preview.Preview() as window:
        port = int(window.url.rpartition(":")[2].strip("/"))
        with pytest.raises(OSError, match="in use"):
            preview.Preview(port)
