"""Files as shops have them: cut a little, full of garbage beside the pixels, animated, larger than any screen."""

import zlib
from io import BytesIO

import numpy as np
import pytest
from lookalike.domain import Picture
from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding
from PIL import Image

from tests.made_pictures import chunk, file_of, photograph, with_chunks, with_segment

SIZE = (64, 64)
PHOTOGRAPH = photograph(640, 480)
PALETTE = PHOTOGRAPH.quantize(64)


def decoded(content: bytes) -> Picture:
    return decoding.decode(content, at_least=SIZE)


def assert_same(content: bytes, whole: bytes) -> None:
    """The pixels are the same in all rows but the lower tenth."""
    rows = int(0.9 * decoded(whole).pixels.shape[0])
    assert np.abs(decoded(content).pixels[:rows].astype(int) - decoded(whole).pixels[:rows]).mean() < 3


FILES = {
    "JPEG": file_of(PHOTOGRAPH, "JPEG"),
    "progressive JPEG": file_of(PHOTOGRAPH, "JPEG", progressive=True),
    "grey JPEG": file_of(PHOTOGRAPH.convert("L"), "JPEG"),
    "CMYK JPEG": file_of(PHOTOGRAPH.convert("CMYK"), "JPEG"),
    "PNG": file_of(PHOTOGRAPH, "PNG"),
    "transparent PNG": file_of(PHOTOGRAPH.convert("RGBA"), "PNG"),
    "16-bit PNG": file_of(PHOTOGRAPH.convert("L").convert("I;16"), "PNG"),
    "palette PNG": file_of(PALETTE, "PNG"),
    "GIF": file_of(PALETTE, "GIF"),
    "transparent GIF": file_of(PALETTE, "GIF", transparency=3),
    "WebP": file_of(PHOTOGRAPH, "WEBP"),
    "lossless WebP": file_of(PHOTOGRAPH, "WEBP", lossless=True),
    "BMP": file_of(PHOTOGRAPH, "BMP"),
    "TIFF": file_of(PHOTOGRAPH, "TIFF"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_its_last_two_bytes_or_its_last_per_cent_is_what_browsers_show(name: str) -> None:
    whole = FILES[name]
    for missing in (2, 12, len(whole) // 100):
        if name != "TIFF" or missing == 2:
            assert_same(whole[:-missing], whole)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("name", sorted(set(FILES) - {"progressive JPEG"}))
def test_a_file_that_is_cut_off_for_real_is_refused_as_such(name: str, share: float) -> None:
    with pytest.raises(PictureUnusable, match=r"cut off|truncated"):
        decoded(FILES[name][: int(share * len(FILES[name]))])


def test_a_progressive_jpeg_is_refused_when_it_is_cut_while_it_is_still_blurred() -> None:
    whole = FILES["progressive JPEG"]

    assert_same(whole[: int(0.8 * len(whole))], whole)
    with pytest.raises(PictureUnusable, match="still blurred"):
        decoded(whole[: int(0.3 * len(whole))])


@pytest.mark.parametrize("length", [20, 150, 300, 600])
@pytest.mark.parametrize("name", FILES)
def test_a_file_without_its_pixels_is_called_damaged_or_cut(name: str, length: int) -> None:
    with pytest.raises(PictureUnusable, match=r"damaged|cut off|truncated"):
        decoded(FILES[name][:length])


HUGE = zlib.compress(bytes(2_000_000))
GARBAGE = {
    "exif": chunk(b"eXIf", b"garbage!!"),
    "no exif": chunk(b"eXIf", b""),
    "text named exif": chunk(b"tEXt", b"exif\0garbage"),
    "text named xmp": chunk(b"tEXt", b"xmp\0garbage"),
    "text named transparency": chunk(b"tEXt", b"transparency\0garbage"),
    "text named gamma": chunk(b"tEXt", b"gamma\0garbage"),
    "text named icc_profile": chunk(b"tEXt", b"icc_profile\0garbage"),
    "text without a name": chunk(b"tEXt", b""),
    "huge iCCP": chunk(b"iCCP", b"name\0\0" + HUGE),
    "odd iCCP": chunk(b"iCCP", b"name\0\7" + HUGE),
    "empty iCCP": chunk(b"iCCP", b""),
    "huge zTXt": chunk(b"zTXt", b"name\0\0" + HUGE),
    "odd zTXt": chunk(b"zTXt", b"name\0\7" + HUGE),
    "huge iTXt": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + HUGE),
    "huge XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + bytes(1_500_000)),
    "many texts": 70 * chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(1_000_000))),
    "wrong sum of iCCP": chunk(b"iCCP", b"name\0\0" + HUGE, is_sound=False),
    "wrong sum of tEXt": chunk(b"tEXt", b"name\0value", is_sound=False),
    "wrong sum of tIME": chunk(b"tIME", b"1234567", is_sound=False),
    "wrong sum of gAMA": chunk(b"gAMA", b"\0\1\0\0", is_sound=False),
    "short pHYs": chunk(b"pHYs", b"\0"),
    "short gAMA": chunk(b"gAMA", b"\0"),
    "no gAMA": chunk(b"gAMA", bytes(4)),
    "short sRGB": chunk(b"sRGB", b""),
    "short cHRM": chunk(b"cHRM", b"\0"),
    "short tRNS": chunk(b"tRNS", b"\0"),
    "short acTL": chunk(b"acTL", b"\0"),
    "short fcTL": chunk(b"fcTL", b"\0"),
    "no frames": chunk(b"acTL", bytes(8)),
    "unknown chunk": chunk(b"prVt", bytes(100)),
    "chunk that is none": chunk(b"\xff\xfe..", b""),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_png_s_chunks_without_pixels_may_be_anything(name: str) -> None:
    assert np.array_equal(decoded(with_chunks(FILES["PNG"], GARBAGE[name])).pixels, np.asarray(PHOTOGRAPH))


SEGMENTS = {
    "exif": (0xE1, b"Exif\0\0garbage"),
    "no exif": (0xE1, b"Exif\0\0"),
    "XMP": (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + bytes(60_000)),
    "several pictures": (0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "profile": (0xE2, b"ICC_PROFILE\0\1\1garbage"),
    "short profile": (0xE2, b"ICC_PROFILE\0"),
    "profile of no parts": (0xE2, b"ICC_PROFILE\0\0\0garbage"),
    "short JFIF": (0xE0, b"JFIF\0"),
    "short Adobe": (0xEE, b"Adobe"),
    "Photoshop": (0xED, b"Photoshop 3.0\x008BIM\x04\x04\xff\xff\xff\xff\xff"),
    "comment": (0xFE, b"\xff\xd8\xff\xd9"),
    "empty": (0xEB, b""),
}


@pytest.mark.parametrize("name", SEGMENTS)
def test_a_jpeg_s_segments_without_pixels_may_be_anything(name: str) -> None:
    assert np.array_equal(decoded(with_segment(FILES["JPEG"], *SEGMENTS[name])).pixels, decoded(FILES["JPEG"]).pixels)


def test_a_jpeg_may_have_megabytes_of_xmp_and_garbage_between_its_segments() -> None:
    content = FILES["JPEG"]
    for _ in range(40):
        content = with_segment(content, 0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(60_000))

    assert np.array_equal(decoded(content[:2] + b"garbage" + content[2:]).pixels, decoded(FILES["JPEG"]).pixels)


@pytest.mark.parametrize("kind", ["WEBP", "HEIF", "AVIF", "TIFF"])
@pytest.mark.parametrize("name", ["exif", "xmp", "icc_profile"])
@pytest.mark.parametrize("data", [b"garbage", b"Exif\0\0garbage", b"II*\0\xff\xff\xff\xff", bytes(1_500_000)])
def test_other_formats_metadata_may_be_anything(kind: str, name: str, data: bytes) -> None:
    plain = file_of(PHOTOGRAPH, kind)
    if name == "exif":  # Pillow writes no garbage
        exif = Image.Exif()
        exif[0x010E] = "description"
        content = file_of(PHOTOGRAPH, kind, exif=exif).replace(exif.tobytes()[6:], (data * 99)[: len(exif.tobytes()) - 6])
    else:
        content = file_of(PHOTOGRAPH, kind, **{name: data})

    assert np.array_equal(decoded(content).pixels, decoded(plain).pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "HEIF", "AVIF", "TIFF"])
def test_a_picture_is_turned_as_its_file_says_in_each_format(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if kind in ("PNG", "TIFF") else {"quality": 95}
    content = file_of(PHOTOGRAPH, kind, exif=exif.tobytes() if kind == "HEIF" else exif, **options)
    upright = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[orientation]  # Pillow's numbers of the turns
    expected = PHOTOGRAPH if upright is None else PHOTOGRAPH.transpose(Image.Transpose(upright))

    picture = decoding.decode(content, at_least=(320, 320))

    assert (picture.width, picture.height) == expected.size
    assert np.abs(picture.pixels.astype(int) - np.asarray(expected)).mean() < 3


@pytest.mark.parametrize("prefix", [0, 6])
def test_the_exif_of_a_webp_turns_nothing_as_in_browsers(prefix: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    assert_same(file_of(PHOTOGRAPH, "WEBP", exif=exif.tobytes()[prefix:]), FILES["WebP"])


BLANK = [Image.new("RGB", PHOTOGRAPH.size, "white"), Image.new("RGB", PHOTOGRAPH.size, (250, 250, 250)), Image.new("RGB", PHOTOGRAPH.size)]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("blank", [1, 3])
def test_of_an_animation_the_first_frame_that_shows_something_counts(kind: str, blank: int) -> None:
    others = [*BLANK[1:blank], PHOTOGRAPH, photograph(640, 480, seed=1)]
    content = file_of(BLANK[0], kind, save_all=True, append_images=others, duration=100)

    assert np.abs(decoded(content).pixels.astype(int) - np.asarray(PHOTOGRAPH)).mean() < 12


def test_an_animation_that_shows_nothing_is_its_first_frame() -> None:
    content = file_of(BLANK[0], "GIF", save_all=True, append_images=BLANK[2:], duration=100)

    assert (decoded(content).pixels == 255).all()


def test_what_is_damaged_behind_the_first_frame_does_not_matter() -> None:
    content = file_of(BLANK[0], "GIF", save_all=True, append_images=[PHOTOGRAPH, *BLANK], duration=100)

    assert (decoded(content[:2000]).pixels == 255).all()


def test_a_camera_s_hundred_megapixels_are_decoded_at_a_fraction_of_them() -> None:
    buffer = BytesIO()
    PHOTOGRAPH.resize((12_000, 9_000)).save(buffer, "JPEG", quality=60)
    picture = decoded(buffer.getvalue())

    assert (picture.width, picture.height, picture.pixels.shape) == (12_000, 9_000, (1125, 1500, 3))


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heix", b"msf1"])
def test_a_heic_is_one_by_any_of_its_brands(brand: bytes) -> None:
    content = file_of(PHOTOGRAPH, "HEIF", quality=95)

    assert content[4:12] == b"ftypheic"
    assert_same(content[:8] + brand + content[12:16] + b"heic" + content[20:], content)


def test_an_avif_that_also_says_heic_is_an_avif() -> None:
    content = file_of(PHOTOGRAPH, "AVIF", quality=95)

    assert_same(content[:12] + b"heic" + content[16:20] + b"heic" + content[24:], content)


def test_a_large_heic_is_averaged_down_while_it_is_decoded() -> None:
    picture = decoded(file_of(PHOTOGRAPH.resize((2000, 1500)), "HEIF", quality=60))

    assert (picture.width, picture.height, picture.pixels.shape) == (2000, 1500, (137, 182, 3))
