import itertools
import pathlib

import numpy as np
import pytest
from made_videos import gray
from made_videos import turn
from made_videos import write_avi
from made_videos import write_pngs
from made_videos import write_video

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
    stripes[:, ::2] = 200  # any other interpolation would keep or drop a stripe
    cv2.imwrite(str(tmp_path / "f1.png"), stripes)
    np.testing.assert_array_equal(decode.frames(tmp_path, (32, 24)), 100)


def test_a_video_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / "v.avi"
    write_avi(path, 40, size=(320, 240))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ValueError, match=r"v.avi is cut off at 0.5"):
        decode.frames(path, (64, 48))


def test_a_file_without_pictures_is_named(tmp_path):
    import av

    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), "int16"), format="s16", layout="mono"
        )
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(ValueError, match="sound.mkv has no video stream"):
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
    with pytest.raises(ValueError, match="empty holds no numbered pictures"):
        decode.frames(tmp_path / "empty", (64, 48))
    with pytest.raises(ValueError, match="nowhere does not exist"):
        decode.frames(tmp_path / "nowhere", (64, 48))


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((1, 0, 0, 1), lambda p: p),
        ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),  # a phone held upright
        ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
        ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1]),  # a front camera
        ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
        ((0, 0, 0, 0), lambda p: p),  # not a rotation
    ],
)
def test_a_video_is_turned_as_its_display_matrix_says(
    tmp_path, matrix, upright
):
    picture = gray(0, 48, 64)
    path = write_video(tmp_path / "v.mp4", [picture] * 2, codec="libx264")
    turn(path, *matrix)
    expected = upright(picture)
    frames = decode.frames(path, (expected.shape[1], expected.shape[0]))
    assert np.abs(frames.astype(int) - expected).mean() < 4


def steps(count):
    return [np.full((24, 32, 3), 16 + 20 * i, "uint8") for i in range(count)]


def levels(path):
    frames = decode.frames(path, (32, 24))
    return [round((frame[0, 0, 1] - 16) / 20) for frame in frames.astype(int)]


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_frames_of_a_varying_rate_are_taken_at_even_instants(tmp_path, name):
    even = write_video(tmp_path / f"even{name}", steps(8), codec="libx264")
    assert levels(even) == list(range(8))
    # Four at 25 a second, then four at 5 a second: 134 ms apart on average.
    times = [0, 40, 80, 120, 320, 520, 720, 940]
    path = write_video(tmp_path / name, steps(8), codec="libx264", times=times)
    assert levels(path) == [1, 3, 4, 4, 5, 6, 6, 7]


@pytest.mark.parametrize("jitter", [0, 1, 15])
def test_rounded_timestamps_lose_and_repeat_no_frame(tmp_path, jitter):
    times = [33 * i + jitter * (i % 2) for i in range(8)]
    path = write_video(
        tmp_path / "v.mkv", steps(8), codec="libx264", times=times
    )
    assert levels(path) == list(range(8))


def test_avi_frames_are_taken_as_they_are_though_some_were_dropped(tmp_path):
    path = write_video(
        tmp_path / "v.avi", steps(5), codec="mpeg4", times=[0, 1, 2, 10, 11]
    )
    assert levels(path) == list(range(5))


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("libx265", "yuv420p10le"),
        ("ffv1", "yuv444p10le"),
        ("ffv1", "gray"),
        ("ffv1", "gray16le"),
        ("ffv1", "bgra"),
        ("mjpeg", "yuvj420p"),
    ],
)
def test_depths_and_grey_are_decoded_to_rgb(tmp_path, codec, pix_fmt):
    grey = "gray" in pix_fmt
    pictures = [np.full((48, 64, 3), 20 + 70 * i, "uint8") for i in range(3)]
    pictures += [] if grey else [gray(i, 48, 64) for i in range(3)]
    path = write_video(
        tmp_path / "v.mkv", pictures, codec=codec, pix_fmt=pix_fmt
    )
    frames = decode.frames(path, (64, 48))
    assert frames.dtype == "uint8"
    assert np.abs(frames.astype(int) - np.stack(pictures)).mean() < 4


def test_a_title_that_is_not_utf8_does_no_harm(tmp_path):
    import av

    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Cafe noir"
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(gray(0, 48, 64))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    content = path.read_bytes()
    assert b"Cafe" in content
    path.write_bytes(content.replace(b"Cafe", b"Caf\xe9"))
    assert len(decode.frames(path, (64, 48))) == 1


def test_a_video_is_closed_also_where_it_is_not_read_to_the_end(tmp_path):
    def is_open(path):
        fds = pathlib.Path("/proc/self/fd").iterdir()
        return path in [fd.resolve() for fd in fds if fd.is_symlink()]

    path = tmp_path / "v.avi"
    write_avi(path, 30)
    frames = decode.stream(path, (64, 48))
    next(frames)
    assert is_open(path)
    frames.close()
    assert not is_open(path)
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(ValueError, match=r"v\.avi"):
        decode.frames(path, (64, 48))
    assert not is_open(path)


def test_frames_beyond_those_asked_for_are_not_decoded(tmp_path):
    path = tmp_path / "v.avi"
    write_avi(path, 40, size=(320, 240))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    # Whether it is cut off would only be seen at the end.
    assert len(list(itertools.islice(decode.stream(path, (64, 48)), 5))) == 5
