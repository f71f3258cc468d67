import json

import numpy as np
import pytest

from priv_keras.baselines import detections

SIZE = (40, 30)
FOUND = [
    np.array([[1.5, 2, 3, 4]]),
    np.empty((0, 4)),
    np.array([[0, 0, 9, 9], [5, 5, 6, 7.25]]),
]


def frames(count):
    return np.zeros((count, 30, 40, 3), "uint8")


@pytest.fixture
def path(tmp_path):
    """A file of detections that a detector wrote."""
    found = iter(FOUND)
    recorded = detections.Recorded(
        lambda frames: [next(found) for _ in frames], tmp_path / "found.json"
    )
    recorded.begin("film", 0.0, SIZE)
    recorded(frames(2))
    recorded(frames(1))
    assert not list(tmp_path.iterdir())  # unless the film ended well
    recorded.finish()
    return tmp_path / "found.json"


def test_what_was_found_is_given_again_however_frames_are_batched(path):
    for sizes in ((1, 1, 1), (3,), (2, 1)):
        given = detections.Given(path)
        given.begin("film", 0.0, SIZE)
        found = [boxes for count in sizes for boxes in given(frames(count))]
        given.finish()
        for boxes, expected in zip(found, FOUND, strict=True):
            np.testing.assert_array_equal(boxes, expected)
            assert boxes.shape == expected.shape


def test_detections_of_another_film_are_refused(path):
    given = detections.Given(path)
    with pytest.raises(ValueError, match="of another film"):
        given.begin("other", 0.0, SIZE)
    with pytest.raises(ValueError, match=r"frames of \[40, 30\], and these"):
        given.begin("film", 0.0, (30, 40))
    with pytest.raises(ValueError, match="from 0.0 s on, and the output"):
        given.begin("film", 2.5, SIZE)
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "film": None}))
    detections.Given(path).begin("any", 0.0, SIZE)


def test_a_film_of_another_length_is_refused(path):
    given = detections.Given(path)
    given(frames(2))
    with pytest.raises(ValueError, match="in 3 frames, and the film has anoth"):
        given.finish()
    with pytest.raises(ValueError, match="in 3 frames, and the film has anoth"):
        given(frames(2))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"film": null, "start": 0, "size": [1, 2], "frames": [[[1, 2]]]}',
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "found.json").write_text(text)
    with pytest.raises(ValueError, match="does not hold detections"):
        detections.Given(tmp_path / "found.json")
