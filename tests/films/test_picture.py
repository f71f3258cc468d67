import io
import struct

import numpy as np
import pytest
from made_films import inverted
from made_films import scene
from PIL import Image

from priv_keras.films import picture
from priv_keras.films import pipeline

CAMERA, GPS, ORIENTATION, MAKER = 0x0110, 0x8825, 0x0112, 0x927C


def exif_bytes(orientation=1):
    exif = Image.Exif()
    exif[CAMERA] = "Annas camera"
    exif[ORIENTATION] = orientation
    exif.get_ifd(0x8769)[MAKER] = b"raw preview"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    return exif.tobytes()


def write(path, pixels=None, **options):
    pixels = scene(3) if pixels is None else pixels
    Image.fromarray(pixels).save(path, **options)
    return path


def convert(path, output, exif=False, size=None):
    with picture.Picture(str(path), exif=exif) as source:
        kept = source.metadata.get("exif")
        sink = picture.PictureFile(output, output.suffix, source.format, kept)
        with sink:
            pipeline.run(source, sink, inverted, size=size)
    assert sink.written == 1
    return source


@pytest.mark.parametrize("suffix", picture.FORMATS)
def test_a_picture_is_a_film_of_one_frame(tmp_path, suffix):
    path = write(tmp_path / f"in{suffix}")
    raw = np.asarray(Image.open(path).convert("RGB"))
    convert(path, tmp_path / f"out{suffix}")
    found = np.asarray(Image.open(tmp_path / f"out{suffix}"))
    assert np.abs(found.astype(int) - (255 - raw)).mean() < 4


def test_exif_goes(tmp_path):
    path = write(tmp_path / "in.jpg", exif=exif_bytes(), comment=b"Anna")
    source = convert(path, tmp_path / "out.jpg")
    assert "exif of the file" in source.dropped
    assert not Image.open(tmp_path / "out.jpg").getexif()
    assert b"Anna" not in (tmp_path / "out.jpg").read_bytes()


def test_exif_is_kept_on_request_but_for_pictures_within(tmp_path):
    exif = exif_bytes(orientation=6)
    path = write(tmp_path / "in.jpg", exif=exif)
    assert b"raw preview" in path.read_bytes()
    convert(path, tmp_path / "out.jpg", exif=True)
    kept = Image.open(tmp_path / "out.jpg").getexif()
    assert kept[CAMERA] == "Annas camera"
    assert kept.get_ifd(GPS)[2] == (52.0, 31.0, 12.0)
    assert kept.get(ORIENTATION, 1) == 1  # the picture is upright already
    assert b"raw preview" not in (tmp_path / "out.jpg").read_bytes()


def with_thumbnail(thumbnail):
    """Returns EXIF data of two folders: a camera's name and a thumbnail."""

    def folder(entries, following):
        packed = [struct.pack("<HHI4s", *entry) for entry in entries]
        count = struct.pack("<H", len(packed))
        return count + b"".join(packed) + struct.pack("<I", following)

    camera = [(CAMERA, 2, 4, b"Cam\0")]
    second = 8 + len(folder(camera, 0))
    place = second + 2 + 2 * 12 + 4
    entries = [
        (0x0201, 4, 1, struct.pack("<I", place)),
        (0x0202, 4, 1, struct.pack("<I", len(thumbnail))),
    ]
    tiff = b"II*\0" + struct.pack("<I", 8) + folder(camera, second)
    return b"Exif\0\0" + tiff + folder(entries, 0) + thumbnail


def test_a_thumbnail_goes_in_any_case(tmp_path):
    small = io.BytesIO()
    Image.fromarray(scene(3)[::4, ::4]).save(small, "JPEG")
    exif = with_thumbnail(small.getvalue())
    path = write(tmp_path / "in.jpg", exif=exif)
    assert small.getvalue() in path.read_bytes()
    convert(path, tmp_path / "out.jpg", exif=True)
    assert small.getvalue() not in (tmp_path / "out.jpg").read_bytes()
    assert Image.open(tmp_path / "out.jpg").getexif()[CAMERA] == "Cam"


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (6, lambda p: np.rot90(p, -1)),
        (3, lambda p: np.rot90(p, 2)),
        (2, np.fliplr),
    ],
)
def test_a_picture_is_upright(tmp_path, orientation, turned):
    path = write(tmp_path / "in.png", exif=exif_bytes(orientation))
    convert(path, tmp_path / "out.png")
    found = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(found, 255 - turned(scene(3)))


def test_16_bits_grey_palettes_and_alpha_are_read(tmp_path):
    grey = (np.arange(64 * 48).reshape(48, 64) * 21).astype("uint16")
    write(tmp_path / "16.png", grey)
    write(tmp_path / "8.png", scene(0)[..., 0])
    Image.fromarray(scene(0)).quantize(16).save(tmp_path / "p.png")
    Image.fromarray(scene(0)).convert("RGBA").save(tmp_path / "a.png")
    for name in ("16", "8", "p", "a"):
        convert(tmp_path / f"{name}.png", tmp_path / f"{name}_out.png")
        out = np.asarray(Image.open(tmp_path / f"{name}_out.png"))
        assert out.shape == (48, 64, 3)
        if name == "16":
            expected = 255 - grey // 257
            np.testing.assert_array_equal(out[..., 1], expected)


def test_a_picture_is_anonymized_at_another_size_and_keeps_its_own(tmp_path):
    path = write(tmp_path / "in.png", scene(3, (256, 192)))
    convert(path, tmp_path / "out.png", size=(128, 96))
    found = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    expected = 255 - scene(3, (256, 192)).astype(int)
    assert np.abs(found - expected).mean() < 3


def test_what_is_no_whole_picture_is_refused(tmp_path):
    whole = write(tmp_path / "in.png").read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    for content in (b"", b"text", whole[: len(whole) // 2], bytes(damaged)):
        (tmp_path / "in.png").write_bytes(content)
        with pytest.raises(ValueError, match="is not a picture|be decoded"):
            picture.Picture(str(tmp_path / "in.png"))


def test_of_several_pictures_the_first(tmp_path):
    pages = [Image.fromarray(scene(i)) for i in range(3)]
    pages[0].save(tmp_path / "in.tif", save_all=True, append_images=pages[1:])
    source = convert(tmp_path / "in.tif", tmp_path / "out.png")
    assert source.warnings == ["only the first of several pictures"]
