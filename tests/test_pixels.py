import numpy as np
import pytest
import tensorflow as tf

from priv_keras import pixels


def test_pixels_round_and_clip():
    frames = np.array([-0.1, 0.0, 0.499 / 255, 0.501 / 255, 1.0, 1.2])
    assert list(pixels.to_uint8(frames.astype("float32")).numpy()) == [
        0, 0, 0, 1, 255, 255,
    ]  # fmt: skip
    every = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(
        pixels.to_uint8(pixels.to_float(every)), every
    )


def test_before_stands_above_after_each_below_its_name(tmp_path):
    before, after = np.zeros((3, 35, 46, 3)), np.ones((3, 35, 46, 3)) / 2
    picture = pixels.sheet({"raw": before, "anonymized": after})
    width = 3 * (92 + 4)
    names = [pixels.caption(name, width) for name in ("raw", "anonymized")]
    strip = len(names[0])
    row = strip + 70 + 4
    assert picture.shape == (2 * row, width, 3)
    for i, (name, pixel) in enumerate(zip(names, (0, 128), strict=True)):
        np.testing.assert_array_equal(picture[i * row :][:strip], name)
        assert picture[i * row + strip + 40, 40].tolist() == [pixel] * 3
    assert picture[strip, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("width", [96, 400, 1400])
def test_a_caption_is_whole_and_no_larger_than_it_needs_to_be(width):
    strips = {
        name: pixels.caption(name, width)
        for name in ("raw", "anonymized", "difference")
    }
    assert {len(strip) for strip in strips.values()} == {len(strips["raw"])}
    for strip in strips.values():
        inked = np.argwhere(strip.min(axis=2) < 128)
        low, high = inked.min(axis=0), inked.max(axis=0)
        assert (low > 0).all()
        assert (high < np.array(strip.shape[:2]) - 1).all()
        # Scaled down to the 400 pixels of a card in TensorBoard.
        assert (high - low)[0] / width * 400 > 5


def test_a_sheet_is_written_as_png(tmp_path):
    picture = pixels.sheet({"raw": np.zeros((3, 5, 6, 3))})
    pixels.write_png(picture, tmp_path / "p.png")
    png = tf.io.decode_png((tmp_path / "p.png").read_bytes())
    np.testing.assert_array_equal(png, picture)


def test_a_loop_is_read_back(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 8, 12, 3), "uint8")
    pixels.write_loop(pictures, tmp_path / "a.webp", frames_per_second=10)
    with Image.open(tmp_path / "a.webp") as found:
        assert found.n_frames == 3
        assert found.info["loop"] == 0  # for ever
        for i, picture in enumerate(pictures):
            found.seek(i)
            found.load()
            assert found.info["duration"] == 100
            np.testing.assert_array_equal(found.convert("RGB"), picture)
