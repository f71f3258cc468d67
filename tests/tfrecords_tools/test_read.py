import functools

import numpy as np
import pytest
import tensorflow as tf
from made_videos import gray
from made_videos import sbu_folder

from tfrecords_tools import integrity
from tfrecords_tools import manifest
from tfrecords_tools import read
from tfrecords_tools import schema
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
        (2, 0.5, [0, 1, 1, 1]),  # too short: the last frame is repeated
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


@pytest.mark.parametrize("training", [False, True])
def test_no_tuner_is_started_that_a_run_would_wait_for(shards, training):
    data = clips(str(shards / "train-*"), training=training).batch(2)
    assert data.prefetch(tf.data.AUTOTUNE).options().autotune.enabled is False


def test_frames_are_resized_before_the_crop(shards):
    found = next(
        iter(clips(str(shards / "test-*"), frame_size=(16, 12), size=12))
    )
    assert found["clips"].shape == (4, 12, 12, 3)
    # Half the size: a step of one pixel is a step of two grey levels.
    step = np.diff(found["clips"][0, 5, :, 1]) * 255
    np.testing.assert_allclose(step, 2, atol=0.01)


def test_frames_are_as_stored_unless_a_size_is_given(shards):
    as_stored, resized = (
        next(iter(clips(str(shards / "test-*"), frame_size=size)))["clips"]
        for size in (None, (32, 24))
    )
    np.testing.assert_array_equal(as_stored, resized)
    with pytest.raises(ValueError, match=r"size=16 .* frame_size=\(20, 15\)"):
        clips(str(shards / "test-*"), frame_size=(20, 15))


def test_a_crop_larger_than_the_stored_frames_is_named(shards):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="size=30 does not fit into"
    ):
        list(clips(str(shards / "test-*"), frame_size=None, size=30))


def record_of(frames, video="v"):
    labels = {"action": 1, "actors": 2}
    return schema.encode(np.stack(list(frames)), video=video, labels=labels)


def write_records(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def test_only_frames_that_are_taken_are_decoded(tmp_path):
    example = tf.train.Example.FromString(record_of(map(gray, range(20))))
    jpegs = example.features.feature["frames"].bytes_list.value
    for t in set(range(20)) - {2, 7, 12, 17}:
        jpegs[t] = b"no JPEG"
    path = write_records(tmp_path / "s", [example.SerializeToString()])
    (found,) = clips(path)
    expected = [gray(t)[4:20, 8:24] / 255 for t in (2, 7, 12, 17)]
    np.testing.assert_allclose(found["clips"], expected, atol=0.05)
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(clips(path, clips_per_video=2))


def test_some_frames_of_a_clip_are_drawn_and_only_they_are_decoded(tmp_path):
    example = tf.train.Example.FromString(record_of(map(gray, range(20))))
    jpegs = example.features.feature["frames"].bytes_list.value
    for t in set(range(20)) - {2, 7, 12, 17}:
        jpegs[t] = b"no JPEG"
    videos = [example.SerializeToString()] * 60
    path = write_records(tmp_path / "s", videos)
    whole = np.asarray(next(iter(clips(path)))["clips"])
    seen = set()
    for found in clips(path, kept=2):
        assert found["clips"].shape == (2, 16, 16, 3)
        first, second = (
            int(np.abs(whole - frame).max((1, 2, 3)).argmin())
            for frame in np.asarray(found["clips"])
        )
        assert first < second
        seen.add((first, second))
    assert len(seen) == 6


@pytest.mark.parametrize("training", [False, True])
def test_a_short_video_repeats_its_last_frame(tmp_path, training):
    path = write_records(tmp_path / "s", [record_of([gray(0), gray(9)])])
    (found,) = clips(path, training=training)
    clip = np.asarray(found["clips"])
    np.testing.assert_array_equal(clip[1], clip[2])
    np.testing.assert_array_equal(clip[1], clip[3])
    assert clip[1].mean() - clip[0].mean() > 30 / 255


def test_every_clip_of_an_epoch_has_its_own_frames_and_place(tmp_path):
    videos = [record_of(map(gray, range(20)), str(i)) for i in range(40)]
    path = write_records(tmp_path / "s", videos)
    found = list(clips(path, training=True, frames=1))
    order = [int(clip["video"].numpy()) for clip in found]
    assert sorted(order) == list(range(40))
    assert order != sorted(order)
    corners = {round(255 * float(clip["clips"][0, 0, 0, 1])) for clip in found}
    assert len(corners) > 10


def test_epochs_of_training_read_every_video(shards):
    data = clips(str(shards / "train-*"), training=True)
    videos = {clip["video"].numpy().decode() for clip in data}
    assert videos == set(manifest.load(shards)["splits"]["train"]["videos"])


def video_of(count):
    return np.stack([gray(i) for i in range(count)])


def test_consecutive_clips_cover_a_video_once(tmp_path):
    lengths = {"a": 11, "b": 3, "c": 8}
    records = [
        schema.encode(video_of(n), video=v, labels={}, encoding="raw")
        for v, n in lengths.items()
    ]
    path = write_records(tmp_path / "s", records)
    find = functools.partial(
        clips, path, labels=(), frame_size=None, clips_per_video=None
    )
    expected = [
        ("a", [0, 1, 2, 3]),
        ("a", [4, 5, 6, 7]),  # 8, 9 and 10 do not fill a clip
        ("b", [0, 1, 2, 2]),
        ("c", [0, 1, 2, 3]),
        ("c", [4, 5, 6, 7]),
    ]
    found = [(c["video"].numpy().decode(), c["clips"]) for c in find()]
    assert [video for video, _ in found] == [video for video, _ in expected]
    for (_, clip), (_, times) in zip(found, expected, strict=True):
        pixels = video_of(11)[times, 4:20, 8:24]
        np.testing.assert_allclose(clip, pixels / 255, atol=1e-6)

    middle = [clip["clips"] for clip in find(middle=True)]
    for clip, i in zip(middle, (1, 2, 4), strict=True):
        np.testing.assert_array_equal(clip, found[i][1])

    content = {
        "clips_per_video": None,
        "splits": {"test": {"frames": list(lengths.values())}},
    }
    assert read.count(content, "test", 4) == len(expected)
    assert read.count({**content, "clips_per_video": 2}, "test", 4) == 6
    in_training = sorted(
        (
            clip["video"].numpy().decode(),
            round(np.ptp(clip["clips"][:, 0, 0, 1]) * 255),
        )
        for clip in find(training=True)
    )
    assert in_training == [(v, 4 * np.ptp(times)) for v, times in expected]


def test_multi_label_clips_are_batched_vectors(tmp_path):
    frames = np.stack([gray(i) for i in range(4)])
    labels = [(0, 1, 1), (0, 0, 0)]
    records = [
        schema.encode(frames, video="v", labels={"attributes": label})
        for label in labels
    ]
    path = write_records(tmp_path / "s", records)
    data = read.clips(
        path,
        labels=("attributes",),
        shapes={"attributes": (3,)},
        frames=4,
        size=16,
    )
    assert data.element_spec["attributes"].shape == (3,)
    (batch,) = data.batch(2)
    assert batch["attributes"].numpy().tolist() == list(map(list, labels))


def test_no_shard_names_what_there_is_and_the_remedy(shards):
    with pytest.raises(FileNotFoundError) as error:
        clips(str(shards / "nowhere-*"))
    assert "holds: manifest.json, test-00000-of-00001" in str(error.value)
    assert "tfrecords_tools.build --dataset=sbu" in str(error.value)
    with pytest.raises(FileNotFoundError) as error:
        clips(str(shards.parent / "train-*"))
    assert "There are shards in its folders sbu." in str(error.value)
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        clips(str(shards / "none" / "train-*"))


def test_another_format_or_a_damaged_manifest_is_named(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text('{"format": 1, "command": "python -m build"}')
    with pytest.raises(ValueError, match="format 1; .* with `python -m build`"):
        manifest.load(tmp_path)
    for text in ("{", "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match="manifest.json is damaged"):
            manifest.load(tmp_path)


def test_a_damaged_shard_is_named_with_its_record(shards, tmp_path):
    assert sum(integrity.check_folder(shards).values()) == 24
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
        integrity.check_folder(copy)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=f"{path.name} is missing"):
        integrity.check_folder(copy)
