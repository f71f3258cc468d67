import functools

import numpy as np
import pytest
import tensorflow as tf
from made_videos import gray
from made_videos import sbu_folder

from tfrecords_tools import read
from tfrecords_tools import write

clips = functools.partial(
    read.clips,
    labels=("action", "actors"),
    frames=4,
    frame_size=(32, 24),
    size=16,
)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write.build(
        "sbu", sbu_folder(folder / "raw"), folder, encoding="raw", size=(32, 24)
    )
    return folder / "sbu"


@pytest.mark.parametrize(
    ("length", "offset", "expected"),
    [
        (20, 0.5, [2, 7, 12, 17]),  # the centre of each quarter
        (20, 0.0, [0, 5, 10, 15]),
        (4, 0.5, [0, 1, 2, 3]),
        (2, 0.5, [0, 1, 1, 1]),  # too short: the last frame again
    ],
)
def test_strata(length, offset, expected):
    np.testing.assert_array_equal(read.strata(length, 4, offset), expected)


def test_random_offsets_stay_in_their_stratum():
    for offset in np.random.rand(50, 4).astype("float32"):
        chosen = read.strata(20, 4, tf.constant(offset))
        np.testing.assert_array_equal(np.asarray(chosen) // 5, [0, 1, 2, 3])


def test_evaluation_takes_even_frames_and_the_centre(shards):
    found = next(iter(clips(str(shards / "test-*"))))
    level = 10 * (int(found["action"]) + 1)
    expected = [gray(t, level=level)[4:20, 8:24] for t in (2, 7, 12, 17)]
    np.testing.assert_allclose(found["clips"], np.array(expected) / 255)


def test_several_clips_of_a_video_share_no_frame(shards):
    both = list(clips(str(shards / "test-*"), clips_per_video=2))
    assert both[0]["video"] == both[1]["video"]
    first, second = (np.asarray(clip["clips"]) for clip in both[:2])
    for frame in first:
        assert not any(np.array_equal(frame, other) for other in second)


def test_training_crops_all_frames_of_a_clip_at_one_place(shards):
    places = set()
    for found in clips(str(shards / "train-*"), training=True):
        clip = np.asarray(found["clips"]) * 255
        np.testing.assert_allclose(
            np.ptp(clip - clip[:, :1, :1], axis=0), 0, atol=0.01
        )
        places.add(round(float(clip[0, 0, 0, 1])) % 4)
    assert len(places) > 1


def test_flip_mirrors_some_clips(shards):
    signs = {
        float(np.sign(found["clips"][0, 0, 1, 0] - found["clips"][0, 0, 0, 0]))
        for found in clips(str(shards / "train-*"), training=True, flip=True)
    }
    assert signs == {1.0, -1.0}


def test_seed_repeats_a_run_but_not_an_epoch(shards):
    def epochs(seed):
        data = clips(str(shards / "train-*"), training=True, seed=seed)
        return [
            [float(found["clips"][0, 0, 0, 0]) for found in data]
            for _ in range(2)
        ]

    assert epochs(7) == epochs(7)
    assert epochs(7) != epochs(8)
    first, second = epochs(7)
    assert first != second


def test_frames_are_resized_before_the_crop(shards):
    found = next(
        iter(clips(str(shards / "test-*"), frame_size=(16, 12), size=12))
    )
    assert found["clips"].shape == (4, 12, 12, 3)
    # Half the size: a step of one pixel is a step of two grey levels.
    step = np.diff(found["clips"][0, 5, :, 1]) * 255
    np.testing.assert_allclose(step, 2, atol=0.01)


def test_no_shard_names_the_remedy(shards):
    with pytest.raises(
        FileNotFoundError, match="tfrecords_tools.build --datas"
    ):
        clips(str(shards / "nowhere-*"))


def test_a_damaged_shard_is_named_with_its_record(shards, tmp_path):
    assert sum(read.check(shards).values()) == 24
    copy = tmp_path / "sbu"
    copy.mkdir()
    for path in shards.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    path = next(copy.glob("train-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=rf"{path.name} is damaged, record \d+"
    ):
        read.check(copy)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path.name} is missing"):
        read.check(copy)
