"""What an encoded film keeps of its input, and what it leaves out."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from made_films import PLACE
from made_films import SIZE
from made_films import convert
from made_films import inverted
from made_films import read_film
from made_films import scenes
from made_films import seconds_of
from made_films import write_film
from made_videos import turn
from odd_films import join

from priv_keras.films import encode
from priv_keras.films.frame import Format
from priv_keras.films.frame import Frame
from priv_keras.films.video import Video

LOSSY = 14  # grey levels that encoding may change a frame by, on average
VARIABLE = [0, 40, 80, 500, 520, 560, 1000, 1900, 1950, 2000]


def inverses(pictures):
    return 255 - np.stack(pictures).astype(int)


def assert_alike(found, expected):
    assert found.shape == expected.shape
    worst = np.abs(found.astype(int) - expected).mean(axis=(1, 2, 3)).max()
    assert worst < LOSSY


@pytest.mark.parametrize("output", [".mp4", ".mov", ".mkv", ".webm", ".m4v"])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("in.mp4", "libx264"),
        ("in.avi", "mpeg4"),
        ("in.mkv", "ffv1"),
        ("in.webm", "libvpx-vp9"),
        ("in.ts", "libx264"),
    ],
)
def test_frames_times_and_length_stay(tmp_path, name, codec, output):
    source = write_film(tmp_path / name, codec=codec)
    raw, times = read_film(source)
    out = tmp_path / f"out{output}"
    film = convert(source, out)
    found, at = read_film(out)
    assert_alike(found, inverses(raw))
    np.testing.assert_allclose(at, times - times[0], atol=0.001)
    assert seconds_of(out) == pytest.approx(30 / 25, abs=1 / 25)
    assert film.count == 30
    assert film.warnings == []


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out.webm"])
def test_a_variable_frame_rate_stays(tmp_path, name, output):
    pictures = scenes(len(VARIABLE))
    source = write_film(tmp_path / name, pictures, times=VARIABLE)
    convert(source, tmp_path / output)
    found, at = read_film(tmp_path / output)
    assert_alike(found, inverses(pictures))
    np.testing.assert_allclose(at * 1000, VARIABLE, atol=1)
    length = seconds_of(source)
    assert seconds_of(tmp_path / output) == pytest.approx(length, abs=0.2)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), 1, 120])
def test_rates_of_television_and_of_slow_motion_stay(tmp_path, rate):
    source = write_film(tmp_path / "in.mp4", scenes(8), rate=rate)
    convert(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].average_rate == rate
        assert container.duration == pytest.approx(8e6 / rate, rel=1e-3)


# (a, b, c, d) of the matrix, and what numpy does to a picture for it.
TURNS = {
    "quarter": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "half": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "three quarters": ((0, -1, 1, 0), np.rot90),
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
}


@pytest.mark.parametrize("name", TURNS)
def test_what_a_phone_turned_is_upright(tmp_path, name):
    matrix, turned = TURNS[name]
    pictures = scenes(3)
    source = write_film(tmp_path / "in.mp4", pictures, aspect=Fraction(4, 3))
    turn(source, *matrix)
    film = convert(source, tmp_path / "out.mp4")
    found, _ = read_film(tmp_path / "out.mp4")
    assert_alike(found, np.stack([turned(p) for p in inverses(pictures)]))
    sideways = matrix[0] == 0
    assert film.format.size == (SIZE[::-1] if sideways else SIZE)
    aspect = Fraction(3, 4) if sideways else Fraction(4, 3)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == aspect
        frame = next(container.decode(stream))
        assert frame.rotation == 0


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (33, 21), (2, 2), (1, 1)])
@pytest.mark.parametrize("output", ["out.mp4", "out.webm"])
def test_odd_sizes_stay(tmp_path, size, output):
    pictures = scenes(3, size)
    source = write_film(
        tmp_path / "in.mkv", pictures, codec="ffv1", pix_fmt="yuv444p"
    )
    convert(source, tmp_path / output)
    found, _ = read_film(tmp_path / output)
    assert found.shape == (3, *size[::-1], 3)


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv", "out.mov"])
def test_pixel_aspect_stays(tmp_path, output):
    source = write_film(tmp_path / "in.mp4", aspect=Fraction(16, 11))
    convert(source, tmp_path / output)
    with av.open(str(tmp_path / output)) as container:
        aspect = container.streams.video[0].sample_aspect_ratio
    assert aspect == Fraction(16, 11)


def test_a_webm_that_cannot_tell_pixel_aspect_is_refused(tmp_path):
    source = write_film(tmp_path / "in.mp4", aspect=Fraction(16, 11))
    with pytest.raises(ValueError, match="16/11 as wide as high. Write to"):
        convert(source, tmp_path / "out.webm")


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("ffv1", "yuv420p10le"),
        ("ffv1", "gray"),
        ("ffv1", "gray10le"),
        ("ffv1", "bgr0"),
        ("libx264", "yuvj420p"),
        ("libx264", "yuv422p10le"),
    ],
)
def test_10_bits_grey_and_others_are_read(tmp_path, codec, pix_fmt):
    source = write_film(tmp_path / "in.mkv", codec=codec, pix_fmt=pix_fmt)
    raw, _ = read_film(source)
    convert(source, tmp_path / "out.mp4")
    assert_alike(read_film(tmp_path / "out.mp4")[0], inverses(raw))


@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_colours_are_coded_as_in_the_input(tmp_path, matrix):
    if matrix == 9 and not hasattr(Colorspace, "BT2020"):
        pytest.skip("PyAV 17 takes BT.2020 for BT.601")
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "1"})
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.colorspace = matrix
        video.codec_context.color_range = 1
        flat = np.full((48, 64, 3), (200, 60, 20), "uint8")
        frame = av.VideoFrame.from_ndarray(flat).reformat(
            format="yuv420p", dst_colorspace=matrix, dst_color_range=1
        )
        container.mux(video.encode(frame))
        container.mux(video.encode())
    convert(path, tmp_path / "out.mp4", stream=lambda batches: batches)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].colorspace == matrix
        found = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(found.astype(int) - (200, 60, 20)).max() <= 6


@pytest.mark.parametrize(
    ("output", "codec", "pix_fmt"),
    [
        ("out.mp4", None, "yuv420p10le"),
        ("out.mkv", "libx265", "yuv420p10le"),
        ("out.mkv", "ffv1", "yuv420p10le"),
    ],
)
@pytest.mark.parametrize("size", [SIZE, (65, 49)])
def test_ten_bits_stay_where_the_encoder_has_them(
    tmp_path, output, codec, pix_fmt, size
):
    deep = write_film(
        tmp_path / "in.mkv",
        scenes(3, size),
        codec="ffv1",
        pix_fmt="yuv444p10le",
    )
    raw, _ = read_film(deep)
    convert(deep, tmp_path / output, codec=codec)
    with av.open(str(tmp_path / output)) as container:
        found = container.streams.video[0].codec_context.pix_fmt
    assert found == (pix_fmt if size == SIZE else "yuv444p10le")
    assert_alike(read_film(tmp_path / output)[0], inverses(raw))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_the_shortest_films_are_written(tmp_path, count, codec):
    source = write_film(tmp_path / "in.mkv", scenes(count), codec="ffv1")
    for _ in range(3):
        convert(source, tmp_path / "out.mp4", codec=codec)
        found, at = read_film(tmp_path / "out.mp4")
        assert len(found) == count
        np.testing.assert_allclose(at, np.arange(count) / 25, atol=1e-3)
        with av.open(str(tmp_path / "out.mp4")) as container:
            packets = [p for p in container.demux(video=0) if p.size]
        assert all(p.dts * p.time_base > -1 for p in packets)


def test_ten_bits_become_eight_where_it_has_not(tmp_path):
    deep = write_film(
        tmp_path / "in.mkv", scenes(3), codec="ffv1", pix_fmt="yuv420p10le"
    )
    convert(deep, tmp_path / "out.mkv", codec="mpeg4")
    with av.open(str(tmp_path / "out.mkv")) as container:
        found = container.streams.video[0].codec_context.pix_fmt
    assert found == "yuv420p"


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_players_of_apple_find_hevc(tmp_path, suffix):
    source = write_film(tmp_path / "in.mp4", scenes(3))
    convert(source, tmp_path / f"out{suffix}", codec="libx265")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


def streams(path):
    with av.open(str(path)) as container:
        kinds = [stream.type for stream in container.streams]
        return kinds, dict(container.metadata)


def everything(path, **options):
    return write_film(
        path,
        audio="aac",
        metadata={"title": "Anna", "location": PLACE, "comment": "Anna's"},
        options={"movflags": "+use_metadata_tags"},
        **options,
    )


@pytest.mark.parametrize("output", ["out.mp4", "out.mov", "out.mkv"])
def test_nothing_but_frames_is_written(tmp_path, output):
    source = everything(tmp_path / "in.mp4")
    traces = (b"Anna", PLACE.encode(), b"Lavf6")  # Matroska names FFmpeg
    for trace in traces:
        assert trace in source.read_bytes(), trace
    film = convert(source, tmp_path / output)
    kinds, metadata = streams(tmp_path / output)
    assert kinds == ["video"]
    for trace in traces:
        assert trace not in (tmp_path / output).read_bytes(), trace
    fixed = {"major_brand", "minor_version", "compatible_brands", "encoder"}
    assert set(metadata) <= fixed
    assert film.dropped == ["audio (aac)"]
    assert film.metadata["title"] == "Anna"


def test_a_cover_picture_is_no_film_and_goes(tmp_path):
    source = write_film(tmp_path / "in.mp4", cover=True)
    assert b"JFIF" in source.read_bytes() or b"\xff\xd8" in source.read_bytes()
    film = convert(source, tmp_path / "out.mp4")
    assert streams(tmp_path / "out.mp4")[0] == ["video"]
    assert film.dropped == ["cover picture"]
    assert len(read_film(tmp_path / "out.mp4")[0]) == 30


@pytest.mark.parametrize("output", ["out.mp4", "out.mkv"])
def test_audio_is_copied_on_request_alone(tmp_path, output):
    source = everything(tmp_path / "in.mp4")
    film = convert(source, tmp_path / output, audio=True)
    assert streams(tmp_path / output)[0] == ["video", "audio"]
    assert film.dropped == []
    before, starts = sound_of(source)
    after, ends = sound_of(tmp_path / output)
    assert before == after
    # The audio is in step with the pictures.
    offsets = [
        read_film(path)[1][0] - first
        for path, first in ((source, starts[0]), (tmp_path / output, ends[0]))
    ]
    assert offsets[0] == pytest.approx(offsets[1], abs=0.002)
    np.testing.assert_allclose(np.diff(starts), np.diff(ends), atol=0.002)


def sound_of(path):
    """Returns the packets of the audio, and their times in seconds."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(audio=0) if p.size]
        return (
            [bytes(packet) for packet in packets],
            np.array([float(p.pts * p.time_base) for p in packets]),
        )


def test_audio_that_a_container_cannot_hold_is_refused(tmp_path):
    source = write_film(tmp_path / "in.mkv", audio="aac")
    with pytest.raises(ValueError, match="The audio cannot be kept: 'webm'"):
        convert(source, tmp_path / "out.webm", audio=True)


@pytest.fixture(params=["libx264", "mpeg2video"])
def late(tmp_path, request):
    """Two recordings in one file, of which the second has sound."""
    codec = request.param
    parts = [
        write_film(tmp_path / "1.ts", scenes(50), codec=codec),
        write_film(tmp_path / "2.ts", scenes(30), codec=codec, audio="aac"),
    ]
    return join(tmp_path / "in.ts", *parts)


def test_audio_that_begins_in_a_second_recording_is_told(late):
    out = late.with_name("out.mp4")
    film = convert(late, out, audio=True)
    told = "a stream that begins late, such as audio, is not read"
    assert told in film.warnings
    assert film.dropped == ["audio (aac)"]
    assert streams(out)[0] == ["video"]
    assert len(read_film(out)[0]) > 70


def test_audio_that_cannot_be_written_is_named(late):
    with av.open(str(late)) as container:
        audio = container.streams.audio
        with pytest.raises(ValueError, match=r"as \.mp4, with its audio: Inv"):
            sink(late.with_name("out.mp4"), audio=audio)


def test_metadata_is_written_on_request(tmp_path):
    source = everything(tmp_path / "in.mp4")
    _, metadata = streams(source)
    convert(source, tmp_path / "out.mkv", metadata=metadata)
    _, kept = streams(tmp_path / "out.mkv")
    assert "major_brand" not in {name.lower() for name in kept}
    assert {PLACE, "Anna", "Anna's"} <= set(kept.values())


def test_a_title_that_is_not_utf8_is_written_on_request(tmp_path):
    path = write_film(tmp_path / "in.mkv", metadata={"title": "Cafe Anna"})
    path.write_bytes(path.read_bytes().replace(b"Cafe", b"Caf\xe9"))
    with Video(str(path)) as film:
        assert film.metadata["title"] == "Caf\N{REPLACEMENT CHARACTER} Anna"
    convert(path, tmp_path / "without.mp4")
    assert b"Anna" not in (tmp_path / "without.mp4").read_bytes()
    convert(path, tmp_path / "with.mp4", metadata=film.metadata)
    _, kept = streams(tmp_path / "with.mp4")
    assert kept["title"] == film.metadata["title"]


def test_frames_are_anonymized_at_another_size_and_keep_theirs(tmp_path):
    seen = []

    def looked_at(batches):
        for frames in batches:
            seen.append(frames.shape[1:])
            yield 255 - frames

    source = write_film(tmp_path / "in.mp4", scenes(5, (160, 120)))
    turn(source, 0, 1, -1, 0)
    out = tmp_path / "out.mp4"
    convert(source, out, stream=looked_at, size=(60, 80))
    assert set(seen) == {(80, 60, 3)}
    found, _ = read_film(out)
    expected = np.rot90(inverses(scenes(5, (160, 120))), -1, axes=(1, 2))
    assert_alike(found, expected)


def sink(path, **options):
    return encode.Encoder(path, path.suffix, Format(SIZE), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codec": "h265"}, "There is no encoder of films 'h265'"),
        ({"config": {"presett": "fast"}}, "libx264 has no option presett"),
        ({"config": {"preset": "fastest"}}, "libx264 refuses preset=fastest:"),
        ({"config": {"crf": "x"}}, "libx264 refuses crf=x: Invalid argument."),
        (
            {"config": {"threads": "two", "tune": "x", "preset": "fast"}},
            "libx264 refuses threads=two, tune=x: Invalid argument.",
        ),
        (
            {"codec": "libvpx-vp9", "config": {"cpu-used": 99}},
            "libvpx-vp9 refuses cpu-used=99",
        ),
        ({"config": {"pixelformat": "yuv999p"}}, "yuv999p"),
    ],
)
def test_what_an_encoder_refuses_is_said(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        sink(tmp_path / "out.mp4", **options)


def test_a_size_that_an_encoder_refuses_is_said(tmp_path):
    with pytest.raises(ValueError, match="refuses frames of 17000x48 in yuv"):
        encode.Encoder(tmp_path / "out.mp4", ".mp4", Format((17000, 48)))


def test_quality_is_an_option(tmp_path):
    source = write_film(tmp_path / "in.mp4")
    sizes = []
    for crf in (10, 40):
        out = tmp_path / f"{crf}.mp4"
        convert(source, out, config={"crf": crf, "preset": "fast"})
        sizes.append(out.stat().st_size)
    assert sizes[0] > 2 * sizes[1]


def test_an_output_that_lost_a_frame_is_not_trusted(tmp_path):
    with sink(tmp_path / "out.mp4") as output:
        for i, pixels in enumerate(scenes(4)):
            output.write(Frame(pixels, i, 1))
        output.written += 1
        with pytest.raises(OSError, match="holds 4 frames of 5"):
            output.finish()


def similarity(a, b):
    """Returns the mean SSIM of two pictures."""
    import tensorflow as tf

    a, b = (tf.constant(x.astype("float32")) for x in (a, b))
    return float(tf.image.ssim(a, b, 255.0))


def test_no_frame_of_the_output_is_like_its_raw_one(tmp_path):
    some = scenes(9)
    # They include the first and last ones, and a frame that is repeated.
    pictures = [some[0]] + [some[1]] * 5 + some[2:] + [some[-1]] * 3
    source = write_film(tmp_path / "in.mp4", pictures)
    raw, _ = read_film(source)
    convert(source, tmp_path / "out.mp4")
    found, _ = read_film(tmp_path / "out.mp4")
    expected = inverses(raw).astype("uint8")
    assert len(found) == len(raw)
    for before, after, right in zip(raw, found, expected, strict=True):
        assert similarity(after, right) > 0.8
        assert similarity(after, before) < 0.3


@pytest.mark.parametrize("delay", [1, 7])
def test_an_anonymizer_may_delay_frames(tmp_path, delay):
    def late(batches):
        waiting = []
        for frames in inverted(batches):
            waiting.extend(frames)
            if len(waiting) > delay:
                yield np.stack(waiting[:-delay])
                waiting = waiting[-delay:]
        yield np.stack(waiting)

    pictures = scenes(len(VARIABLE))
    source = write_film(tmp_path / "in.mp4", pictures, times=VARIABLE)
    convert(source, tmp_path / "out.mp4", stream=late)
    found, at = read_film(tmp_path / "out.mp4")
    assert_alike(found, inverses(pictures))
    np.testing.assert_allclose(at * 1000, VARIABLE, atol=1)
