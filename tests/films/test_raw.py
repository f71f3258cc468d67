import io

import numpy as np
import pytest
from made_films import SIZE
from made_films import inverted
from made_films import read_film
from made_films import scenes

from priv_keras.films import encode
from priv_keras.films import pipeline
from priv_keras.films import raw


def through(content, own=SIZE, **options):
    out = io.BytesIO()
    with raw.RawInput(io.BytesIO(content), own, 25.0) as source:
        sink = raw.RawOutput(out, source.format)
        pipeline.run(source, sink, inverted, **options)
    return out.getvalue()


def test_frames_pass_through_pipes():
    pictures = np.stack(scenes(20))
    found = np.frombuffer(through(pictures.tobytes()), "uint8")
    np.testing.assert_array_equal(found.reshape(pictures.shape), 255 - pictures)


def test_their_size_stays_when_they_are_anonymized_at_another():
    pictures = np.stack(scenes(3, (128, 96)))
    found = through(pictures.tobytes(), (128, 96), size=(64, 48))
    found = np.frombuffer(found, "uint8").reshape(pictures.shape).astype(int)
    assert np.abs(found - (255 - pictures.astype(int))).mean() < 4


def test_their_rate_is_that_of_the_film(tmp_path):
    file = io.BytesIO(np.stack(scenes(10)).tobytes())
    with raw.RawInput(file, SIZE, 29.97) as source:
        path = tmp_path / "out.mp4"
        with encode.Encoder(path, ".mp4", source.format) as sink:
            pipeline.run(source, sink, inverted)
    _, at = read_film(path)
    np.testing.assert_allclose(at, np.arange(10) / 29.97, atol=1e-3)


def test_they_end_after_so_many_seconds():
    file = io.BytesIO(np.stack(scenes(30)).tobytes())
    with raw.RawInput(file, SIZE, 10.0, seconds=0.5) as source:
        assert len(list(source.frames(SIZE))) == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Standard input has no frames"),
        (bytes(SIZE[0] * SIZE[1] * 3 + 7), "Frame 1 .* has 7 bytes of 9216"),
    ],
)
def test_half_a_frame_is_an_error(content, message):
    with pytest.raises(ValueError, match=message):
        through(content)


def test_nothing_is_written_for_a_preview_alone():
    sink = raw.RawOutput(None, None)
    with sink:
        sink.write(None)
        sink.finish()
    assert sink.written == 1
