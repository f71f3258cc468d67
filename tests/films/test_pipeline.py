import threading
import time

import numpy as np
import pytest
from made_films import SIZE
from made_films import convert
from made_films import inverted
from made_films import read_film
from made_films import write_film

import priv_keras
from priv_keras.films import pipeline
from priv_keras.films.frame import Frame


def frames(count=20, log=None):
    for i in range(count):
        if log is not None:
            log.append(i)
        yield Frame(np.full((4, 6, 3), i, "uint8"), 10 * i, 5)


@pytest.mark.parametrize("batch", [1, 3, 20, 100])
def test_frames_keep_their_order_and_times(batch):
    found = list(pipeline.anonymized(frames(), inverted, batch))
    assert [frame.time for frame in found] == list(range(0, 200, 10))
    assert [frame.pixels[0, 0, 0] for frame in found] == [
        255 - i for i in range(20)
    ]
    assert threading.active_count() == 1 or _settles()


def _settles():
    for _ in range(50):
        names = [t.name for t in threading.enumerate() if "_run" in t.name]
        if not names:
            return True
        time.sleep(0.1)
    return False


def test_no_more_is_read_than_waits():
    read = []
    found = pipeline.anonymized(frames(1000, read), inverted, 4)
    next(found)
    time.sleep(0.5)
    # One batch is being written, each thread has one, and some wait.
    assert len(read) <= 4 * (1 + 2 * pipeline.DEPTH + 4)
    found.close()
    count = len(read)
    time.sleep(0.3)
    assert len(read) <= count + 1
    assert _settles()


def test_a_batch_has_a_million_pixels():
    assert pipeline.batch_size((112, 112)) == 83
    assert pipeline.batch_size((1280, 720)) == 1
    assert pipeline.batch_size((7680, 4320)) == 1


def drops_one(batches):
    for i, pixels in enumerate(batches):
        yield pixels[i == 2 :]


def repeats_one(batches):
    for pixels in batches:
        yield pixels
        yield pixels[:1]


def another_size(batches):
    for pixels in batches:
        yield pixels[:, ::2]


def floats(batches):
    for pixels in batches:
        yield pixels / 255


def fails_at_third(batches):
    for i, pixels in enumerate(batches):
        if i == 2:
            raise RuntimeError("out of memory\nat op")
        yield pixels


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (drops_one, "The anonymizer did not return 1 of its frames"),
        (repeats_one, "The anonymizer returned more frames than it got"),
        (another_size, r"returned uint8 of shape \(4, 2, 6, 3\) for uint8"),
        (floats, "returned float64 of shape"),
        (fails_at_third, "The anonymizer failed: RuntimeError: out of memory$"),
        (lambda batches: iter(()), "The anonymizer did not return .* of its"),
    ],
)
def test_what_is_not_anonymized_stops_the_run(stream, message):
    with pytest.raises(ValueError, match=message):
        list(pipeline.anonymized(frames(), stream, 4))
    assert _settles()


def test_what_cannot_be_read_stops_the_run_in_its_own_words():
    def damaged():
        yield from frames(6)
        raise ValueError("film.mp4 cannot be decoded")

    with pytest.raises(ValueError, match="^film.mp4 cannot be decoded$"):
        list(pipeline.anonymized(damaged(), inverted, 4))
    assert _settles()


def test_steps_overlap():
    def slow(items, seconds=0.02):
        for item in items:
            time.sleep(seconds)
            yield item

    start = time.monotonic()
    for _ in slow(pipeline.anonymized(slow(frames(30)), slow, 1)):
        pass
    assert time.monotonic() - start < 2.2 * 30 * 0.02  # 3 if serial


class Inverter:
    stream = staticmethod(inverted)


def test_an_iterator_over_a_video(tmp_path):
    path = write_film(tmp_path / "in.mp4")
    raw, _ = read_film(path)
    found = list(priv_keras.anonymized_video(path, Inverter))
    np.testing.assert_array_equal(np.stack(found), 255 - raw)
    small = next(priv_keras.anonymized_video(path, Inverter, size=(32, 24)))
    assert small.shape == (24, 32, 3)


def test_leaving_the_iterator_ends_its_threads(tmp_path):
    path = write_film(tmp_path / "in.mp4")
    film = priv_keras.anonymized_video(path, Inverter)
    assert next(film).shape == (*SIZE[::-1], 3)
    film.close()
    assert _settles()


@pytest.mark.parametrize("k", [0, 1, 29])
def test_a_model_that_fails_at_a_frame_ends_the_film(tmp_path, k):
    def fails(batches):
        count = 0
        for pixels in batches:
            for picture in pixels:
                if count == k:
                    raise RuntimeError(f"frame {k}")
                count += 1
                yield 255 - picture[None]

    path = write_film(tmp_path / "in.mp4")
    with pytest.raises(ValueError, match=f"failed: RuntimeError: frame {k}"):
        convert(path, tmp_path / "out.mp4", stream=fails)
    assert _settles()
