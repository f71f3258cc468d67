"""Pictures are decoded to what people see, or refused in a line."""

import io
import os
import struct
import zlib

import av
import numpy as np
import pytest
from made_videos import gray
from PIL import Image
from PIL import ImageCms

from tfrecords_tools import decode
from tfrecords_tools import picture


@pytest.fixture
def told():
    return []


@pytest.fixture
def read(tmp_path, told):
    """Returns a function that reads a picture of some content."""

    def read(content, name="in.png"):
        path = tmp_path / name
        path.write_bytes(content)
        return picture.read(path, told.append).astype(int)

    return read


def saved(image, kind="PNG", **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def photo(size=(96, 64)):
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([x * 2, y * 3, 128 + 100 * np.sin(x / 5)], -1)
    return Image.fromarray(pixels.astype("uint8"))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("P", "GIF"),
        ("RGBA", "TIFF"),
        ("LA", "TIFF"),
        ("RGBA", "WEBP"),
    ],
)
def test_transparent_parts_are_white_whatever_they_hide(read, mode, kind):
    hidden = np.full((48, 64, 4), (200, 30, 30, 255), "uint8")
    hidden[:, :32, 3] = 0
    image = Image.fromarray(hidden)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    if mode == "P":
        image = Image.new("P", (64, 48), 1)
        image.putpalette([9, 9, 9, 200, 30, 30])
        image.paste(0, (0, 0, 32, 48))
        options["transparency"] = 0
    else:
        image = image.convert(mode)
    pixels = read(saved(image, kind, **options))
    assert np.abs(pixels[:, :31] - 255).max() <= 2
    assert pixels[:, 33:].mean() < 120


def test_half_transparent_parts_are_mixed_with_white(read):
    image = Image.new("RGBA", (8, 8), (100, 0, 0, 128))
    assert read(saved(image))[0, 0].tolist() == [177, 127, 127]


def wide_profile():
    """Returns a profile whose red and green are each other's."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    content = bytearray(profile.tobytes())
    count = struct.unpack(">I", content[128:132])[0]
    for i in range(count):
        entry = 132 + 12 * i
        if content[entry : entry + 4] == b"rXYZ":
            content[entry : entry + 4] = b"gXYZ"
        elif content[entry : entry + 4] == b"gXYZ":
            content[entry : entry + 4] = b"rXYZ"
    return bytes(content)


@pytest.mark.parametrize(
    ("kind", "alpha"),
    [
        ("JPEG", False),
        ("PNG", False),
        ("TIFF", False),
        ("WEBP", False),
        ("PNG", True),
        ("TIFF", True),
        ("WEBP", True),
    ],
)
def test_colours_of_another_profile_become_srgb(read, kind, alpha):
    image = Image.new("RGBA" if alpha else "RGB", (16, 16), (200, 40, 60))
    content = saved(image, kind, icc_profile=wide_profile())
    red, green, blue = read(content)[8, 8]
    assert abs(green - 200) < 8
    assert abs(red - 40) < 8
    assert abs(blue - 60) < 8


def test_grey_may_have_a_profile_of_colours(read, told):
    image = Image.new("L", (16, 16), 90)
    content = saved(image, icc_profile=wide_profile())
    assert not np.ptp(read(content)[..., 2])
    assert not told


@pytest.mark.parametrize("profile", [b"damaged", "GRAY"])
def test_a_profile_that_does_not_fit_is_told_and_not_used(read, told, profile):
    if profile == "GRAY":
        profile = bytearray(
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        )
        profile[16:20] = b"GRAY"
    image = Image.new("RGB", (16, 16), (200, 40, 60))
    content = saved(image, icc_profile=bytes(profile))
    assert read(content)[8, 8].tolist() == [200, 40, 60]
    assert "in.png: its colour profile does not fit" in told[0]


def test_cmyk_is_read_in_colour(read):
    image = Image.new("RGB", (16, 16), (200, 40, 60)).convert("CMYK")
    found = read(saved(image, "JPEG", quality=95), "in.jpg")[8, 8]
    assert np.abs(found - [200, 40, 60]).max() < 10


def grey_ramp(top, dtype="uint16"):
    return np.linspace(0, top, 64).astype(dtype)[None].repeat(16, 0)


RAMP = np.linspace(0, 255, 64)[None, :, None].repeat(16, 0).repeat(3, 2)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(read, kind):
    pixels = read(saved(Image.fromarray(grey_ramp(65535)), kind))
    assert np.abs(pixels - RAMP).max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_in_colour_are_scaled_to_eight(tmp_path, suffix, alpha):
    import cv2

    bgr = np.stack([grey_ramp(65535)] * (4 if alpha else 3), -1)
    bgr[..., 2] //= 2  # red
    if alpha:
        bgr[..., 3] = 65535
    path = tmp_path / f"in{suffix}"
    cv2.imwrite(str(path), bgr)
    pixels = picture.read(path, print).astype(int)
    assert np.abs(pixels - RAMP * [0.5, 1, 1]).max() <= 1


@pytest.mark.parametrize("top", [1023, 4095, 16383])
def test_a_declared_range_scales_what_it_declares(read, top):
    image = Image.fromarray(grey_ramp(top))
    content = saved(image, "TIFF", tiffinfo={picture.MAX_SAMPLE: top})
    assert np.abs(read(content, "in.tif") - RAMP).max() <= 1


@pytest.mark.parametrize("top", [255, 1023, 4095, 16383, 32760, 32767])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_few_bits_in_sixteen_are_refused_and_never_dark(read, top, kind):
    with pytest.raises(ValueError, match=f"16 bits, of at most {top}, and"):
        read(saved(Image.fromarray(grey_ramp(top)), kind))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_few_bits_in_colour_are_refused(tmp_path, suffix):
    import cv2

    path = tmp_path / f"in{suffix}"
    cv2.imwrite(str(path), np.stack([grey_ramp(4095)] * 3, -1))
    with pytest.raises(ValueError, match="16 bits, of at most 4095"):
        picture.read(path, print)


def test_a_black_picture_of_sixteen_bits_is_black(read):
    black = Image.fromarray(np.zeros((16, 64), "uint16"))
    assert read(saved(black)).max() == 0


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_numbers_without_a_range_are_refused(read, dtype):
    content = saved(Image.fromarray(grey_ramp(1000, dtype)), "TIFF")
    with pytest.raises(ValueError, match="in.tif has samples of 32 bits"):
        read(content, "in.tif")


def test_samples_beyond_their_declared_range_are_refused(read):
    image = Image.fromarray(grey_ramp(60000))
    content = saved(image, "TIFF", tiffinfo={picture.MAX_SAMPLE: 4095})
    with pytest.raises(ValueError, match="at most 4095 and has one of 60000"):
        read(content, "in.tif")


def cut(content):
    return content[: len(content) * 6 // 10]


DAMAGE = {
    "cut off": cut,
    "cut off, then ended": lambda c: cut(c) + b"\xff\xd9",
    "a hole": lambda c: c[: len(c) // 2] + c[len(c) // 2 + 100 :],
    "zeros": lambda c: cut(c).ljust(len(c), b"\0"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"mode": "L"}],
    ids=str,
)
def test_a_jpeg_without_all_of_its_data_is_refused(read, damage, options):
    options = dict(options)
    image = photo().convert(options.pop("mode", "RGB"))
    content = saved(image, "JPEG", quality=90, **options)
    assert read(content, "in.jpg").shape == (64, 96, 3)
    with pytest.raises(ValueError, match=r"in\.jpg .*(damaged|truncated)"):
        read(DAMAGE[damage](content), "in.jpg")


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"subsampling": "4:4:4"},
        {"subsampling": "4:1:1"},
        {"restart_marker_rows": 1},
        {"quality": 1},
        {"optimize": True},
        {"comment": b"x" * 60_000},
    ],
    ids=str,
)
def test_whole_jpegs_are_taken(read, options):
    content = saved(photo((97, 63)), "JPEG", **options)
    assert read(content + bytes(1000), "in.jpg").shape == (63, 97, 3)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_other_pictures_that_are_cut_off_are_refused(read, kind):
    with pytest.raises(ValueError, match=r"in\.png (cannot be|is not a pic)"):
        read(cut(saved(photo(), kind)))


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_as_its_exif_data_ask(read, turn):
    upright = photo()
    exif = Image.Exif()
    exif[0x0112] = turn
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(turn, turn)
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    image = upright.transpose(stored[back]) if turn > 1 else upright
    pixels = read(saved(image, exif=exif))
    np.testing.assert_array_equal(pixels, np.asarray(upright))


def test_damaged_exif_data_are_told(read, told):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(photo(), "JPEG", exif=exif)
    start = content.index(b"Exif\0\0") + 6
    content = content[:start] + b"MM\xff*" + content[start + 4 :]
    assert read(content, "in.jpg").shape == (64, 96, 3)
    assert "EXIF data is damaged" in told[0]


def writable():
    Image.init()
    return Image.SAVE


@pytest.mark.skipif("AVIF" not in writable(), reason="Pillow lacks AVIF")
@pytest.mark.parametrize("name", ["in.avif", "in.dat"])
def test_avif_is_a_picture(tmp_path, name):
    path = tmp_path / name
    photo().save(path, "AVIF", quality=95)
    (frame,) = decode.frames(path, (96, 64))
    assert np.abs(frame.astype(int) - np.asarray(photo())).mean() < 4


@pytest.mark.parametrize("brand", ["avif", "heic", "mif1", "isom"])
def test_a_picture_in_tiles_or_layers_is_refused(brand):
    tiled = av.stream.Disposition.dependent

    class Part:
        disposition = tiled if brand == "isom" else av.stream.Disposition(0)

    class Container:
        metadata = {"major_brand": brand}

        class streams:
            video = [Part(), Part()]

    with pytest.raises(ValueError, match="in.heic is a picture in tiles"):
        decode.video._stream(Container(), "in.heic")


def test_whatever_a_library_raises_is_a_line_that_names_the_file(
    tmp_path, monkeypatch
):
    path = tmp_path / "f_1.png"
    photo().save(path)
    for error in (
        IndexError("list index\nout of range"),
        TypeError(),
        SyntaxError("not a TIFF file"),
        RecursionError("maximum depth"),
        MemoryError(),
        struct.error("unpack"),
        zlib.error("-3"),
        OverflowError("too large"),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(Image.Image, "convert", fail)
        with pytest.raises(ValueError, match=r"f_1\.png cannot be") as raised:
            decode.frames(tmp_path, (64, 48))
        assert "\n" not in str(raised.value)


def test_a_picture_with_a_gigabyte_of_metadata_is_not_read(tmp_path):
    path = tmp_path / "in.png"
    path.write_bytes(saved(photo()))
    os.truncate(path, 1 << 30)
    with pytest.raises(ValueError, match="in.png has 1073741824 bytes, and"):
        picture.read(path, print)


def test_a_pipe_is_not_opened_and_a_link_to_nothing_is_named(tmp_path):
    os.mkfifo(tmp_path / "f_1.png")
    with pytest.raises(ValueError, match="f_1.png is not a file"):
        decode.frames(tmp_path, (64, 48))
    with pytest.raises(ValueError, match="f_1.png is not a file"):
        decode.frames(tmp_path / "f_1.png", (64, 48))
    (tmp_path / "f_1.png").unlink()
    (tmp_path / "f_1.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="is a link to a file that is missing"):
        decode.frames(tmp_path, (64, 48))


def write(folder, *names):
    folder.mkdir(exist_ok=True)
    for i, name in enumerate(names):
        Image.fromarray(gray(i)).save(folder / name)
    return folder


def order(folder):
    return [path.name for path in decode.numbered(folder, print)]


def test_rgb_is_taken_of_two_sorts_and_told(tmp_path):
    folder = write(
        tmp_path / "v",
        *(
            f"{sort}_{i:06d}.png"
            for i in (1, 2, 3)
            for sort in ("depth", "rgb")
        ),
    )
    told = []
    found = decode.frames(folder, (32, 24), warn=told.append)
    np.testing.assert_array_equal(found, [gray(1), gray(3), gray(5)])
    (line,) = told
    assert (
        "rgb_# is taken of its numbered pictures (3 depth_#, 3 rgb_#)" in line
    )
    found = decode.frames(folder / "*.png", (32, 24), warn=told.append)
    np.testing.assert_array_equal(found, [gray(1), gray(3), gray(5)])


@pytest.mark.parametrize(
    ("picture", "others"),
    [
        ("color-{}.jpg", ["depth-{}.png"]),
        ("Colour_{}.png", ["IR_{}.png", "depth_{}.png"]),
        ("frame_{}.jpg", ["frame_{}_mask.png"]),
        ("frame_{}.jpg", ["mask_{}.png", "seg_{}.png"]),
        ("image{}.png", ["disparity{}.png"]),
        ("img_{}.png", ["flow_x_{}.png", "flow_y_{}.png"]),
        ("image_{}.png", ["rgb_segmentation_{}.png"]),
        ("rgb_{}.png", ["rgb_mask_{}.png", "other_{}.png"]),
    ],
)
def test_what_is_named_as_the_picture_is_taken(tmp_path, picture, others):
    wanted = [picture.format(i) for i in (1, 2)]
    beside = [other.format(i) for other in others for i in (1, 2)]
    assert order(write(tmp_path / "v", *beside, *wanted)) == wanted


@pytest.mark.parametrize(
    "names",
    [
        ("a1.png", "b1.png"),
        ("img_1.png", "b1.png"),
        ("img_1.png", "frame_1.png", "depth_1.png"),
        ("color_1.png", "thumb_1.png", "mask_1.png"),
        ("rgb_mask_1.png", "depth_1.png"),
        ("1.png", "thumb_1.png"),
        ("left_rgb_1.png", "right_rgb_1.png"),
        ("1.png", "01.png"),
        ("1.png", "1.jpg"),
        ("cam1_1.png", "cam1_2.png", "cam2_1.png", "cam2_2.png"),
        tuple(f"{letter}1.png" for letter in "abcdefghij"),
    ],
)
def test_other_mixtures_are_refused_with_what_to_do(tmp_path, names):
    folder = write(tmp_path / "v", *names)
    with pytest.raises(ValueError, match=r"/v has .*Leave one sort in it"):
        decode.frames(folder, (32, 24))


@pytest.mark.parametrize(
    "names",
    [
        ("1_of_3.png", "2_of_3.png", "3_of_3.png"),
        ("take7_1.png", "take7_2.png", "take7_10.png"),
        ("1305031102.175304.png", "1305031103.043304.png"),
        ("F1.png", "f2.PNG", "f10.jpg"),
    ],
)
def test_names_of_one_sort_are_in_the_order_of_their_numbers(tmp_path, names):
    assert order(write(tmp_path / "v", *names)) == list(names)


def test_gifs_may_be_numbered_and_a_single_one_may_move(tmp_path):
    first = [Image.fromarray(gray(i)[..., 0]) for i in (1, 2, 3)]
    folder = write(tmp_path / "v", "f1.png")
    for i, image in enumerate(first):
        image.save(folder / f"f{i + 2}.gif")
    found = decode.frames(folder, (32, 24))
    assert len(found) == 4
    np.testing.assert_allclose(
        found[3], np.repeat(gray(3)[..., :1], 3, -1), atol=4
    )
    first[0].save(tmp_path / "m.gif", save_all=True, append_images=first[1:])
    assert len(decode.frames(tmp_path / "m.gif", (32, 24))) == 3


def test_files_of_the_system_are_no_frames(tmp_path):
    folder = write(tmp_path / "v", "1.png", "2.png")
    for name in ("._1.png", ".2.jpg", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"\0\5\26\7")
    assert order(folder) == ["1.png", "2.png"]
    assert len(decode.frames(folder / "*.png", (32, 24))) == 2
