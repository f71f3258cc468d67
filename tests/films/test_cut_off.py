import struct

import pytest
from made_films import write_film

from priv_keras.films import cut_off
from priv_keras.films import video

FILMS = {
    "a.mp4": {},
    "fast.mp4": {"options": {"movflags": "faststart"}},
    "a.mov": {},
    "a.mkv": {},
    "a.webm": {"codec": "libvpx-vp9"},
    "a.avi": {"codec": "mpeg4"},
}


QUICK, *OTHERS = FILMS


@pytest.mark.parametrize(
    "name",
    [QUICK, *(pytest.param(x, marks=pytest.mark.slow) for x in OTHERS)],
)
def test_every_cut_shows(tmp_path, name):
    path = write_film(tmp_path / name, **FILMS[name])
    cut_off.check(path)
    content = path.read_bytes()
    for length in range(64, len(content)):
        path.write_bytes(content[:length])
        try:
            cut_off.check(path)
        except ValueError as error:
            assert f"{path} is cut off" in str(error)
        else:  # between two boxes of an MP4: then there is nothing to read
            with pytest.raises(ValueError, match="opened|has no frames"):
                video.Video(str(path))


def test_a_stream_of_packets_is_cut_within_one(tmp_path):
    path = write_film(tmp_path / "a.ts")
    content = path.read_bytes()
    cut_off.check(path)
    for length in (188 * 4 - 1, 188 * 4 + 1, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=f"and has {length}. Get the"):
            cut_off.check(path)
    path.write_bytes(content[: 188 * 4])  # nothing in it tells
    cut_off.check(path)


def test_what_comes_after_does_no_harm(tmp_path):
    tag = b"TAG" + b"A title of a song, an artist".ljust(125, b"\0")
    for name in FILMS:
        path = write_film(tmp_path / name, **FILMS[name])
        content = path.read_bytes()
        for rubbish in (b"rub", b"rubbish", tag, bytes(500), b"\xff" * 500):
            path.write_bytes(content + rubbish)
            assert cut_off.check(path) == []
            with video.Video(str(path)) as film:
                assert len(list(film.frames(film.format.size))) == 30


@pytest.mark.parametrize("rubbish", [b"rub", b"TAG".ljust(128), bytes(500)])
def test_what_comes_after_packets_does_no_harm(tmp_path, rubbish):
    path = write_film(tmp_path / "a.ts")
    path.write_bytes(path.read_bytes() + rubbish)
    assert cut_off.check(path) == []
    with video.Video(str(path)) as film:
        assert len(list(film.frames(film.format.size))) == 30


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
@pytest.mark.parametrize("kind", [b"uuid", b"free", b"udta", b"meta"])
def test_a_box_after_the_film_may_be_unfinished(tmp_path, kind, options):
    path = write_film(tmp_path / "a.mp4", options=options)
    content = path.read_bytes()
    path.write_bytes(content + struct.pack(">I4s", 200, kind) + b"x" * 50)
    assert cut_off.check(path) == []
    with video.Video(str(path)) as film:
        assert len(list(film.frames(film.format.size))) == 30
    more = struct.pack(">I4s", 200, b"mdat") + b"x" * 50
    path.write_bytes(content + more)
    with pytest.raises(ValueError, match="a.mp4 is cut off"):
        cut_off.check(path)


def test_but_not_after_a_fragment_where_others_may_be_missing(tmp_path):
    path = write_film(tmp_path / "in.mp4", options=FRAGMENTS)
    content = path.read_bytes()
    path.write_bytes(content + struct.pack(">I4s", 200, b"uuid") + b"x" * 50)
    with pytest.raises(ValueError, match="in.mp4 is cut off"):
        cut_off.check(path)


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
def test_a_second_film_in_the_file_is_told(tmp_path, options):
    first = write_film(tmp_path / "1.mp4", options=options)
    second = write_film(tmp_path / "2.mp4", options=options)
    path = tmp_path / "in.mp4"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    another = ["another film follows in the same file, and is not read"]
    assert cut_off.check(path) == another
    with video.Video(str(path)) as film:
        assert film.warnings == another
        assert len(list(film.frames(film.format.size))) == 30


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.flv", "libx264"), ("a.wmv", "wmv2"), ("a.nut", "mpeg4")],
)
def test_a_second_film_of_another_format_is_told(tmp_path, name, codec):
    path = write_film(tmp_path / name, codec=codec)
    content = path.read_bytes()
    assert cut_off.check(path) == []
    path.write_bytes(content * 2)
    assert cut_off.check(path) == [
        "another film follows in the same file, and is not read"
    ]


def test_several_films_in_fragments_are_refused(tmp_path):
    path = write_film(tmp_path / "in.mp4", options=FRAGMENTS)
    path.write_bytes(path.read_bytes() * 2)
    for accepted in (False, True):
        with pytest.raises(ValueError, match="in.mp4 holds several films in"):
            video.Video(str(path), accept_damaged=accepted)


def test_a_cut_in_a_fragment_shows(tmp_path):
    path = write_film(tmp_path / "in.mp4", options=FRAGMENTS)
    content = path.read_bytes()
    last = content.rindex(b"mdat") - 4
    assert cut_off.check(path) == []
    for length in (last + 3, last + 7, last + 9, last + 100):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="is cut off"):
            cut_off.check(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1a\x45\xdf\xa3",
        b"RIFF",
        b"no film at all",
        struct.pack(">I4s", 0, b"ftyp") + b"to the end",
        struct.pack("<4sI4s", b"RIFF", 0, b"AVI ") + b"never filled in",
        # A live recording in Matroska has a length of ones: not known.
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"more",
    ],
)
def test_what_does_not_tell_passes(tmp_path, content):
    path = tmp_path / "film"
    path.write_bytes(content)
    cut_off.check(path)


def test_a_box_of_64_bits(tmp_path):
    path = tmp_path / "film.mp4"
    head = struct.pack(">I4sQ", 1, b"mdat", 40)
    path.write_bytes(head + bytes(24))
    cut_off.check(path)
    path.write_bytes(head + bytes(23))
    with pytest.raises(ValueError, match="announces 40 bytes and has 39"):
        cut_off.check(path)
