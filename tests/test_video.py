import numpy as np
import tensorflow as tf

from priv_keras import video


def test_pixels_round_and_clip():
    frames = np.array([-0.1, 0.0, 0.499 / 255, 0.501 / 255, 1.0, 1.2])
    assert list(video.to_uint8(frames.astype("float32")).numpy()) == [
        0, 0, 0, 1, 255, 255,
    ]  # fmt: skip
    every = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(video.to_uint8(video.to_float(every)), every)


def test_before_stands_above_after(tmp_path):
    before, after = np.zeros((3, 5, 6, 3)), np.ones((3, 5, 6, 3)) / 2
    picture = video.sheet(before, after)
    assert picture.shape == (2 * (10 + 4), 3 * (12 + 4), 3)
    assert picture[7, 8].tolist() == [0, 0, 0]
    assert picture[21, 8].tolist() == [128, 128, 128]
    assert picture[0, 0].tolist() == [255, 255, 255]
    video.write_png(picture, tmp_path / "p.png")
    png = tf.io.decode_png((tmp_path / "p.png").read_bytes())
    np.testing.assert_array_equal(png, picture)


def test_a_loop_is_read_back(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 8, 12, 3), "uint8")
    video.write_loop(pictures, tmp_path / "a.webp", frames_per_second=10)
    with Image.open(tmp_path / "a.webp") as found:
        assert found.n_frames == 3
        assert found.info["loop"] == 0  # for ever
        for i, picture in enumerate(pictures):
            found.seek(i)
            found.load()
            assert found.info["duration"] == 100
            np.testing.assert_array_equal(found.convert("RGB"), picture)
