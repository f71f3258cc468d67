import importlib.util
import io
import struct
import sys

import cv2
import numpy as np
import pytest
from made_films import inverted
from made_films import scene
from made_heif import write_heif
from odd_pictures import CAMERA
from odd_pictures import GPS
from odd_pictures import ORIENTATION
from odd_pictures import exif_bytes
from odd_pictures import swapped
from odd_pictures import twelve_bits
from odd_pictures import write_16_bits
from odd_pictures import write_picture
from PIL import Image
from PIL import PngImagePlugin
from PIL import TiffImagePlugin

from priv_keras.films import picture
from priv_keras.films import pipeline
from priv_keras.films.video import Video


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
    path = write_picture(tmp_path / f"in{suffix}")
    raw = np.asarray(Image.open(path).convert("RGB"))
    convert(path, tmp_path / f"out{suffix}")
    found = np.asarray(Image.open(tmp_path / f"out{suffix}").convert("RGB"))
    assert np.abs(found.astype(int) - (255 - raw)).mean() < 4


def test_exif_goes(tmp_path):
    path = write_picture(
        tmp_path / "in.jpg", exif=exif_bytes(), comment=b"Anna"
    )
    source = convert(path, tmp_path / "out.jpg")
    assert "exif of the file" in source.dropped
    assert not Image.open(tmp_path / "out.jpg").getexif()
    assert b"Anna" not in (tmp_path / "out.jpg").read_bytes()


def test_exif_is_kept_on_request_but_for_pictures_within(tmp_path):
    exif = exif_bytes(orientation=6)
    path = write_picture(tmp_path / "in.jpg", exif=exif)
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
    path = write_picture(tmp_path / "in.jpg", exif=exif)
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
    path = write_picture(tmp_path / "in.png", exif=exif_bytes(orientation))
    convert(path, tmp_path / "out.png")
    found = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(found, 255 - turned(scene(3)))


def test_16_bits_grey_palettes_and_alpha_are_read(tmp_path):
    grey = (np.arange(64 * 48).reshape(48, 64) * 21).astype("uint16")
    write_picture(tmp_path / "16.png", grey)
    write_picture(tmp_path / "8.png", scene(0)[..., 0])
    Image.fromarray(scene(0)).quantize(16).save(tmp_path / "p.png")
    Image.fromarray(scene(0)).convert("RGBA").save(tmp_path / "a.png")
    for name in ("16", "8", "p", "a"):
        convert(tmp_path / f"{name}.png", tmp_path / f"{name}_out.png")
        out = np.asarray(Image.open(tmp_path / f"{name}_out.png"))
        assert out.shape == (48, 64, 3)
        if name == "16":
            expected = 255 - np.rint(grey / 257)
            np.testing.assert_array_equal(out[..., 1], expected)


def test_a_picture_is_anonymized_at_another_size_and_keeps_its_own(tmp_path):
    path = write_picture(tmp_path / "in.png", scene(3, (256, 192)))
    convert(path, tmp_path / "out.png", size=(128, 96))
    found = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    expected = 255 - scene(3, (256, 192)).astype(int)
    assert np.abs(found - expected).mean() < 3


def test_what_is_no_whole_picture_is_refused(tmp_path):
    whole = write_picture(tmp_path / "in.png").read_bytes()
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


def pixels_of(path, **options):
    with picture.Picture(str(path), **options) as source:
        return next(source.frames(source.format.size)).pixels.astype(int)


HIDDEN, SEEN = (250, 10, 10), (20, 60, 200)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "a.avif"])
def test_what_was_transparent_does_not_come_back(tmp_path, name):
    pixels = np.empty((48, 64, 4), "uint8")
    pixels[:, :32], pixels[:, 32:] = (*HIDDEN, 0), (*SEEN, 255)
    lossless = {"lossless": True, "exact": True} if name == "a.webp" else {}
    Image.fromarray(pixels).save(tmp_path / name, **lossless)
    source = picture.Picture(str(tmp_path / name))
    found = next(source.frames((64, 48))).pixels.astype(int)
    assert "transparency" in source.dropped
    assert np.abs(found[:, :28] - 255).max() < 8
    assert np.abs(found[:, 36:] - SEEN).max() < 8


def test_one_colour_of_a_palette_may_be_transparent(tmp_path):
    image = Image.new("P", (64, 48), 1)
    image.putpalette([*SEEN, *HIDDEN])
    image.paste(0, (0, 0, 20, 48))
    image.save(tmp_path / "in.png", transparency=1)
    found = pixels_of(tmp_path / "in.png")
    np.testing.assert_array_equal(found[5, 5], SEEN)
    np.testing.assert_array_equal(found[5, 40], (255, 255, 255))


def test_an_opaque_picture_has_no_transparency_to_drop(tmp_path):
    Image.fromarray(scene(0)).convert("RGBA").save(tmp_path / "in.png")
    assert picture.Picture(str(tmp_path / "in.png")).dropped == []


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_a_colour_profile_is_applied(tmp_path, name):
    flat = np.full((48, 64, 3), (200, 60, 20), "uint8")
    write_picture(tmp_path / name, flat, icc_profile=swapped(), quality=95)
    found = pixels_of(tmp_path / name)
    assert np.abs(found - (60, 200, 20)).max() < 10
    convert(tmp_path / name, tmp_path / f"out_{name}")
    assert "icc_profile" not in Image.open(tmp_path / f"out_{name}").info


def test_a_profile_of_grey_or_of_no_use_does_no_harm(tmp_path):
    grey = Image.fromarray(scene(3)[..., 0])
    grey.save(tmp_path / "grey.png", icc_profile=swapped())
    np.testing.assert_array_equal(
        pixels_of(tmp_path / "grey.png")[..., 2], scene(3)[..., 0]
    )
    write_picture(tmp_path / "bad.png", icc_profile=b"no profile at all")
    source = picture.Picture(str(tmp_path / "bad.png"))
    np.testing.assert_array_equal(source._pixels, scene(3))
    assert source.warnings == ["its colour profile is damaged; it is ignored"]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_as_bright_as_they_were(tmp_path, suffix, channels):
    values = twelve_bits() * 10
    path = write_16_bits(tmp_path / f"in{suffix}", values, channels)
    found = pixels_of(path)
    alpha = values / 65535 if channels == 4 else 1
    right = values / 257 * alpha + 255 * (1 - alpha)
    assert np.abs(found[..., 1] - right).max() < 1.5
    write_16_bits(path, np.zeros_like(values), min(channels, 3))
    assert pixels_of(path).max() == 0


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_of_sixteen_bits_are_refused(tmp_path, suffix, channels):
    path = write_16_bits(tmp_path / f"in{suffix}", twelve_bits(), channels)
    with pytest.raises(ValueError, match="of 16 bits that end at 4071, and"):
        picture.Picture(str(path))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_so_are_fifteen(tmp_path, suffix, channels):
    values = twelve_bits() * 8
    path = write_16_bits(tmp_path / f"in{suffix}", values, channels)
    with pytest.raises(ValueError, match="of 16 bits that end at 32568, and"):
        picture.Picture(str(path))


@pytest.mark.parametrize("white_is_zero", [False, True])
def test_twelve_of_sixteen_bits_are_scaled_if_the_file_tells(
    tmp_path, white_is_zero
):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[281] = 4095
    image = Image.fromarray(twelve_bits())
    image.save(tmp_path / "in.tif", tiffinfo=tags)
    if white_is_zero:
        content = (tmp_path / "in.tif").read_bytes()
        entry = struct.pack("<HHII", 262, 3, 1, 1)
        assert entry in content
        content = content.replace(entry, entry[:8] + bytes(4))
        (tmp_path / "in.tif").write_bytes(content)
    right = np.rint(twelve_bits() / 4095 * 255)
    right = 255 - right if white_is_zero else right
    found = pixels_of(tmp_path / "in.tif")[..., 0]
    assert np.abs(found - right).max() <= 1


def test_a_picture_of_16_bits_is_turned_upright(tmp_path):
    image = Image.fromarray(twelve_bits() * 10)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image.save(tmp_path / "in.png", exif=exif.tobytes())
    assert pixels_of(tmp_path / "in.png").shape == (64, 48, 3)


@pytest.mark.parametrize("kind", ["float32", "int32", "uint32", "int16"])
def test_values_of_an_unknown_range_are_refused(tmp_path, kind):
    values = np.linspace(0, 1000, 64 * 48).reshape(48, 64).astype(kind)
    mode = {"float32": "F", "int16": "I;16S"}.get(kind, "I")
    if kind == "int16":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[339] = 2
        Image.fromarray(values.astype("uint16")).save(
            tmp_path / "in.tif", tiffinfo=tags
        )
    else:
        image = Image.frombytes(mode, (64, 48), values.tobytes())
        image.save(tmp_path / "in.tif")
    with pytest.raises(ValueError, match="in.tif has signed, floating or 32"):
        picture.Picture(str(tmp_path / "in.tif"))


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_a_jpeg_that_ends_early_is_refused(tmp_path, share, options, end):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (48, 64, 3), "uint8")
    path = write_picture(tmp_path / "in.jpg", noise, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)] + end)
    with pytest.raises(ValueError, match="in.jpg cannot be decoded"):
        picture.Picture(str(path))


@pytest.mark.parametrize("sampling", ["411", "420", "422", "440", "444"])
def test_whole_jpegs_are_read(tmp_path, sampling):
    path = tmp_path / "in.jpg"
    factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
    cv2.imwrite(str(path), scene(3)[..., ::-1], options)
    path.write_bytes(path.read_bytes() + b"a film may follow" * 9)
    assert np.abs(pixels_of(path) - scene(3)).mean() < 6
    Image.fromarray(scene(3)).convert("CMYK").save(path)
    assert np.abs(pixels_of(path) - scene(3)).mean() < 6


@pytest.mark.parametrize("name", ["out.tif", "out.jpg", "out.png"])
def test_the_description_of_a_tiff_is_kept_on_request(tmp_path, name):
    exif = Image.Exif()
    exif[0x010E], exif[CAMERA] = "Annas garden", "Annas camera"
    write_picture(tmp_path / "in.tif", exif=exif)
    convert(tmp_path / "in.tif", tmp_path / name, exif=True)
    with Image.open(tmp_path / name) as out:
        kept = out.getexif()
        assert (kept[0x010E], kept[CAMERA]) == ("Annas garden", "Annas camera")
        assert np.asarray(out).shape == (48, 64, 3)


def texts():
    content = PngImagePlugin.PngInfo()
    content.add_text("Author", "Anna")
    content.add_text("Place", "Annas garden")
    return content


@pytest.mark.parametrize(
    ("name", "options", "lost"),
    [
        ("in.png", {"pnginfo": texts()}, "text (2 entries)"),
        ("in.jpg", {"comment": b"Anna"}, "comment of the file"),
        ("in.gif", {"comment": b"Anna"}, "comment of the file"),
        ("in.webp", {"xmp": b"<x:xmpmeta/>"}, "xmp of the file"),
        ("in.jpg", {"xmp": b"<x:xmpmeta/>"}, "xmp of the file"),
    ],
)
def test_what_is_no_exif_data_is_told_as_lost(tmp_path, name, options, lost):
    path = write_picture(tmp_path / name, **options)
    for exif in (False, True):
        source = convert(path, tmp_path / f"out{path.suffix}", exif=exif)
        assert lost in source.dropped
        told = [f"--keep_metadata does not keep {lost}"]
        assert source.warnings == (told if exif else [])


def test_what_heif_tells_is_kept_or_told_as_lost(tmp_path):
    path = write_heif(tmp_path / "in.heic", scene(3, (128, 64)))
    (told,) = picture.Picture(str(path), exif=True).warnings or [""]
    has_reader = importlib.util.find_spec("pillow_heif")
    assert has_reader or told.startswith("--keep_metadata keeps nothing")
    assert picture.Picture(str(path)).warnings == []


@pytest.mark.parametrize("suffix", [".bmp", ".gif"])
def test_what_holds_no_exif_data_is_not_asked_to(tmp_path, suffix):
    path = write_picture(tmp_path / "in.jpg", exif=exif_bytes())
    with pytest.raises(ValueError, match=f"A {suffix} holds no EXIF data"):
        convert(path, tmp_path / f"out{suffix}", exif=True)


def test_damaged_exif_data_do_no_harm_and_are_told(tmp_path):
    path = write_picture(tmp_path / "in.jpg", exif=exif_bytes())
    content = path.read_bytes()
    start = content.index(b"Exif\0\0") + 6
    path.write_bytes(content[:start] + b"\xff" * 8 + content[start + 8 :])
    for exif in (False, True):
        source = convert(path, tmp_path / "out.jpg", exif=exif)
    assert source.warnings == ["its EXIF data are damaged and were not kept"]


@pytest.mark.parametrize("exif", [False, True])
def test_a_second_picture_that_is_damaged_does_no_harm(tmp_path, exif):
    pages = [Image.fromarray(scene(i)) for i in range(2)]
    path = tmp_path / "in.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    whole = path.read_bytes()
    (first,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, first)
    place = first + 2 + 12 * count
    for following in (9, len(whole) - 5, len(whole) + 1000):
        content = bytearray(whole)
        struct.pack_into("<I", content, place, following)
        path.write_bytes(content)
        np.testing.assert_array_equal(pixels_of(path, exif=exif), scene(0))


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_a_tiff_that_is_cut_off_is_refused_in_one_line(tmp_path, share):
    pages = [Image.fromarray(scene(i)) for i in range(2)]
    path = tmp_path / "in.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="in.tif (cannot|is not)") as error:
        picture.Picture(str(path), exif=True)
    assert "\n" not in str(error.value)


def test_what_a_picture_calls_its_texts_is_not_told(tmp_path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Annas address", "Garden Lane 1")
    path = write_picture(tmp_path / "in.png", pnginfo=texts)
    assert picture.Picture(str(path)).dropped == ["text (1 entries)"]


def test_pictures_stay_pictures_and_what_moves_is_a_film(tmp_path):
    still, *others = [Image.fromarray(scene(i)) for i in range(3)]
    for suffix in (".gif", ".png", ".avif"):
        path = tmp_path / f"in{suffix}"
        still.save(path)
        assert picture.is_picture(path), suffix
        still.save(path, save_all=True, append_images=others, duration=100)
        assert not picture.is_picture(path), suffix
        with Video(str(path)) as film:
            frames = list(film.frames(film.format.size))
        assert len(frames) == 3
        times = [float(f.time * film.format.time_base) for f in frames]
        np.testing.assert_allclose(times, [0, 0.1, 0.2])
    assert not picture.is_picture("film.mp4")
    assert picture.is_picture("missing.png")


@pytest.mark.parametrize("name", ["in.heic", "in.jpg"])
def test_heif_is_a_picture(tmp_path, name):
    path = write_heif(tmp_path / name, scene(3, (128, 64)))
    assert picture.is_picture(path)
    found = pixels_of(path)
    assert np.abs(found - scene(3, (128, 64))).mean() < 4


def test_tiles_are_put_together_or_refused(tmp_path, monkeypatch):
    pixels = scene(3, (192, 64))
    path = write_heif(tmp_path / "in.heic", pixels, columns=3)
    if importlib.util.find_spec("pillow_heif"):
        assert np.abs(pixels_of(path) - pixels).mean() < 4
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(Image, "OPEN", {**Image.OPEN})
    Image.OPEN.pop("HEIF", None)
    for reader in (picture.Picture, Video):
        with pytest.raises(ValueError, match="in.heic is a picture in tiles"):
            reader(str(path))


def test_transparency_in_a_track_of_its_own_does_not_come_back(tmp_path):
    pixels = np.empty((48, 64, 4), "uint8")
    pixels[:, :32], pixels[:, 32:] = (*HIDDEN, 0), (*SEEN, 255)
    frames = [Image.fromarray(pixels)] * 3
    path = tmp_path / "in.avif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    assert not picture.is_picture(path)
    with pytest.raises(ValueError, match="in.avif has several pictures in one"):
        Video(str(path))
