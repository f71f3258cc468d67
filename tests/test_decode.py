import numpy as np
import pytest
from made_videos import gray
from made_videos import write_avi
from made_videos import write_pngs

from tfrecords_tools import decode


def test_pictures_come_in_the_order_of_their_numbers(tmp_path):
    write_pngs(tmp_path / "v", 12)
    frames = decode.frames(tmp_path / "v", (32, 24))
    np.testing.assert_array_equal(frames, [gray(i) for i in range(12)])


def test_numbers_count_and_not_the_alphabet(tmp_path):
    for name in ("f10.png", "f9.JPG", "f2.jpeg", "cover.png", "f1.txt"):
        (tmp_path / name).touch()
    names = [path.name for path in decode.numbered(tmp_path)]
    assert names == ["f2.jpeg", "f9.JPG", "f10.png"]


def test_video_is_decoded_in_rgb(tmp_path):
    write_avi(tmp_path / "v.avi", 7)
    frames = decode.frames(tmp_path / "v.avi", (64, 48))
    assert frames.shape == (7, 48, 64, 3)
    expected = np.stack([gray(i, 48, 64) for i in range(7)])
    assert np.abs(frames.astype(int) - expected).mean() < 6


def test_another_aspect_ratio_is_fitted_inside(tmp_path):
    write_avi(tmp_path / "v.avi", 1, size=(32, 64))
    (frame,) = decode.frames(tmp_path / "v.avi", (64, 32))
    assert frame.shape == (32, 64, 3)
    # 16 columns of picture in the middle; to their left, the border repeated.
    np.testing.assert_array_equal(frame[:, 0], frame[:, 23])
    assert np.ptp(frame[5, 24:40, 0].astype(int)) > 10


def test_squashing_fills_the_frame(tmp_path):
    write_avi(tmp_path / "v.avi", 1, size=(32, 64))
    (frame,) = decode.frames(tmp_path / "v.avi", (64, 32), squash=True)
    assert frame.shape == (32, 64, 3)
    expected = gray(0, 64, 32).reshape(32, 2, 32, 3).mean(1).repeat(2, axis=1)
    assert np.abs(frame - expected).mean() < 6


def test_a_picture_is_a_video_of_one_frame(tmp_path):
    write_pngs(tmp_path / "v", 1)
    frames = decode.frames(tmp_path / "v" / "rgb_000001.png", (32, 24))
    np.testing.assert_array_equal(frames, [gray(0)])


def test_a_glob_takes_pictures_in_order(tmp_path):
    folder = tmp_path / "v_[HD]"
    write_pngs(folder, 12)
    for i in range(12):
        path = folder / f"rgb_{i + 1:06d}.png"
        path.rename(folder / f"f{i + 1}.png")
    (folder / "f0.txt").touch()
    frames = decode.frames(folder / "f*", (32, 24))
    np.testing.assert_array_equal(frames, [gray(i) for i in range(12)])
    with pytest.raises(ValueError, match=r"g\* does not exist"):
        decode.frames(folder / "g*", (32, 24))


def test_a_name_like_a_glob_is_a_name(tmp_path):
    write_avi(tmp_path / "v_[HD]!_(1).avi", 3)
    assert len(decode.frames(tmp_path / "v_[HD]!_(1).avi", (32, 24))) == 3


def test_shrinking_takes_the_mean_of_an_area(tmp_path):
    import cv2

    stripes = np.zeros((48, 64, 3), "uint8")
    stripes[:, ::2] = 200  # any other way would keep or drop a stripe
    cv2.imwrite(str(tmp_path / "f1.png"), stripes)
    np.testing.assert_array_equal(decode.frames(tmp_path, (32, 24)), 100)


def test_a_video_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / "v.avi"
    write_avi(path, 40, size=(320, 240))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ValueError, match=r"v.avi is cut off: .* of the 40 fr"):
        decode.frames(path, (64, 48))


def test_a_file_without_pictures_is_named(tmp_path):
    import av

    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), "int16"), format="s16", layout="mono"
        )
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(ValueError, match="sound.wav has no video stream"):
        decode.frames(path, (64, 48))


@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_what_is_no_video_is_named(tmp_path, content):
    (tmp_path / "v.avi").write_bytes(content)
    with pytest.raises(ValueError, match="v.avi cannot be decoded"):
        decode.frames(tmp_path / "v.avi", (64, 48))


def test_damaged_and_missing_pictures_are_named(tmp_path):
    write_pngs(tmp_path / "v", 2)
    (tmp_path / "v" / "rgb_000002.png").write_bytes(b"x")
    with pytest.raises(ValueError, match="rgb_000002.png is not a picture"):
        decode.frames(tmp_path / "v", (64, 48))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty has no frames"):
        decode.frames(tmp_path / "empty", (64, 48))
    with pytest.raises(ValueError, match="nowhere does not exist"):
        decode.frames(tmp_path / "nowhere", (64, 48))
