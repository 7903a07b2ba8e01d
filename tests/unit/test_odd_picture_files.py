"""Further files as shops have them: what browsers show is decoded, and what is missing for real is told from what is grey."""

import zlib
from collections.abc import Callable

import numpy as np
import pytest
from lookalike.errors import PictureUnusable
from PIL import Image

from tests.made_pictures import chunk, file_of, photograph, with_chunks
from tests.unit.test_picture_files import BLANK, FILES, PALETTE, PHOTOGRAPH, assert_same, decoded


def _with_data(png: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A PNG whose compressed pixels are changed in one chunk."""
    at = png.index(b"IDAT") - 4
    return png[:at] + chunk(b"IDAT", change(png[at + 8 : -16])) + png[-12:]


def _one_idat(image: Image.Image) -> bytes:
    plain = file_of(image, "PNG")
    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(image))
    return plain[:33] + chunk(b"IDAT", zlib.compress(rows)) + plain[-12:]


@pytest.mark.parametrize("change", [lambda data: data[:-4], lambda data: data[:-4] + bytes(4), lambda data: data + b"garbage"])
def test_the_check_sum_of_a_png_s_pixels_may_be_anything(change: Callable[[bytes], bytes]) -> None:
    assert_same(_with_data(_one_idat(PHOTOGRAPH), change), FILES["PNG"])


def test_a_png_may_have_more_transparent_colours_than_colours() -> None:
    content = file_of(PALETTE, "PNG")
    at = content.index(b"IDAT") - 4

    assert (decoded(content[:at] + chunk(b"tRNS", bytes(256)) + content[at:]).pixels == 255).all()


ON_GREY = Image.new("RGB", (640, 480), (128, 128, 128))
ON_GREY.paste(photograph(300, 200), (10, 10))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_picture_on_grey_may_lack_its_end(kind: str, missing: int) -> None:
    whole = file_of(ON_GREY, kind)
    assert_same(whole[:-missing], whole)


@pytest.mark.parametrize("image", [PHOTOGRAPH, ON_GREY, PHOTOGRAPH.convert("L"), PHOTOGRAPH.convert("CMYK")])
def test_a_jpeg_whose_end_was_put_in_too_early_is_cut_off(image: Image.Image) -> None:
    whole = file_of(image, "JPEG")
    start = whole.index(b"\xff\xda")

    assert_same(whole[:-20] + whole[-2:], whole)
    with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
        decoded(whole[: start + (len(whole) - start) // 5] + whole[-2:])


def test_a_progressive_jpeg_whose_end_was_put_into_its_first_scan_is_cut_off() -> None:
    whole = file_of(PHOTOGRAPH, "JPEG", progressive=True)
    scans = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]

    with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
        decoded(whole[: (scans[0] + scans[1]) // 2] + whole[-2:])


@pytest.mark.parametrize(("row", "is_taken"), [(475, True), (200, False)])
def test_a_png_s_row_of_an_unknown_filter_is_where_it_ends(row: int, is_taken: bool) -> None:
    rows = bytearray(b"".join(b"\0" + row.tobytes() for row in np.asarray(PHOTOGRAPH)))
    rows[row * (1 + 3 * PHOTOGRAPH.width)] = 7
    content = _with_data(_one_idat(PHOTOGRAPH), lambda _: zlib.compress(rows))

    if is_taken:
        assert np.array_equal(decoded(content).pixels[:row], np.asarray(PHOTOGRAPH)[:row])
    else:
        with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
            decoded(content)


@pytest.mark.parametrize("missing", range(100, 112))
def test_a_webp_may_lack_an_odd_number_of_bytes(missing: int) -> None:
    assert_same(FILES["WebP"][:-missing], FILES["WebP"])


@pytest.mark.parametrize("options", [{}, {"transparency": 3}])
@pytest.mark.parametrize("kind", ["P", "L"])
def test_what_a_gif_s_first_frame_leaves_free_is_white(kind: str, options: dict[str, int]) -> None:
    small = PALETTE.resize((300, 200)) if kind == "P" else PHOTOGRAPH.convert("L").resize((300, 200))
    content = bytearray(file_of(small, "GIF", **options))
    frame = content.index(b"," + bytes(4) + (300).to_bytes(2, "little"))
    content[frame + 1 : frame + 5] = (100).to_bytes(2, "little") + (50).to_bytes(2, "little")
    content[6:10] = (640).to_bytes(2, "little") + (480).to_bytes(2, "little")

    pixels = decoded(bytes(content)).pixels

    assert pixels.shape == (480, 640, 3)
    assert (np.delete(pixels, np.s_[50:250], axis=0) == 255).all()
    assert (pixels[50:250, :100] == 255).all()
    assert np.array_equal(pixels[50:250, 100:400], decoded(file_of(small, "GIF", **options)).pixels)


def test_an_animated_png_is_its_animation_and_not_its_stand_in() -> None:
    others = [PHOTOGRAPH, BLANK[2]]
    content = file_of(photograph(640, 480, seed=1), "PNG", save_all=True, default_image=True, append_images=others)

    assert np.array_equal(decoded(content).pixels, np.asarray(PHOTOGRAPH))


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Login</title>", b"\xef\xbb\xbf\n <svg/>", b'<?xml version="1.0"?><svg/>'])
def test_a_page_or_a_drawing_is_called_so(page: bytes) -> None:
    with pytest.raises(PictureUnusable, match=r"HTML, XML or SVG\), not a picture in a format"):
        decoded(page)


@pytest.mark.parametrize("marker", [b"\xff\xc3", b"\xff\xc5", b"\xff\xf7"])
def test_a_jpeg_of_a_kind_that_browsers_do_not_show_is_called_so(marker: bytes) -> None:
    with pytest.raises(PictureUnusable, match="no pixels that browsers show"):
        decoded(FILES["JPEG"].replace(b"\xff\xc0", marker, 1))


def _passes(image: Image.Image) -> bytes:
    """The rows of an interlaced PNG (https://www.w3.org/TR/png-3/#8Interlace)."""
    pixels = np.asarray(image)
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    return b"".join(b"\0" + row.tobytes() for left, top, right, down in starts for row in pixels[top::down, left::right])


def _rows(image: Image.Image) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in np.asarray(image))


def _png(rows: bytes, depth: int, colour_type: int, is_interlaced: bool = False, before: bytes = b"") -> bytes:
    header = b"".join(side.to_bytes(4, "big") for side in PHOTOGRAPH.size) + bytes((depth, colour_type, 0, 0, is_interlaced))
    return b"".join((FILES["PNG"][:8], chunk(b"IHDR", header), before, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))


BITS = Image.fromarray(np.packbits(np.asarray(PHOTOGRAPH)[..., 0] > 100, axis=1))
SIXTEEN_BITS = Image.fromarray(np.asarray(PHOTOGRAPH.convert("L")).astype(">u2") * 257)
DATA: dict[str, tuple[bytes, int, int, bool, bytes]] = {
    "RGB": (_rows(PHOTOGRAPH), 8, 2, False, b""),
    "RGBA": (_rows(PHOTOGRAPH.convert("RGBA")), 8, 6, False, b""),
    "palette": (_rows(PALETTE), 8, 3, False, chunk(b"PLTE", bytes(PALETTE.getpalette() or []))),
    "1 bit": (_rows(BITS), 1, 0, False, b""),
    "16 bits": (_rows(SIXTEEN_BITS), 16, 0, False, b""),
    "interlaced": (_passes(PHOTOGRAPH), 8, 2, True, b""),
    "animated": (_rows(PHOTOGRAPH), 8, 2, False, chunk(b"acTL", bytes((0, 0, 0, 1, 0, 0, 0, 0)))),
}


@pytest.mark.parametrize("share", [0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("name", DATA)
def test_a_png_with_too_few_pixels_is_cut_off_though_it_has_its_end(name: str, share: float) -> None:
    rows, depth, colour_type, is_interlaced, before = DATA[name]

    def cut_to(share: float) -> bytes:
        return _png(rows[: int(share * len(rows))], depth, colour_type, is_interlaced, before)

    assert_same(cut_to(0.99), cut_to(1))
    with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
        decoded(cut_to(share))


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_a_png_that_ends_in_the_grey_of_what_is_missing_is_whole(mode: str) -> None:
    image = Image.new(mode, (64, 64), (128, 128, 128, 128) if mode == "RGBA" else 32_896 if mode == "I;16" else 128)

    assert (decoded(file_of(image, "PNG")).pixels == (191 if mode == "RGBA" else 128)).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "AVIF", "TIFF"])
def test_xmp_turns_nothing_as_in_browsers(kind: str) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    if kind == "PNG":
        content = with_chunks(FILES["PNG"], chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    else:
        content = file_of(PHOTOGRAPH, kind, xmp=xmp)

    assert (decoded(content).width, decoded(content).height) == PHOTOGRAPH.size
