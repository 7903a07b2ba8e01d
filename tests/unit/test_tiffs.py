"""TIFFs by what their numbers mean: seen in their colours, or refused with the reason."""

import re
from dataclasses import replace

import numpy as np
import pytest
from lookalike.errors import PictureUnusable
from numpy.typing import NDArray
from PIL import Image

from tests.made_pictures import photograph
from tests.made_tiffs import (
    BLACK,
    COLOR_MAP,
    EXTRA_SAMPLES,
    INKS,
    LAB,
    PALETTE,
    RGB,
    SUBSAMPLING,
    WHITE,
    YCBCR,
    Layout,
    file_of_strips,
    tiff,
)
from tests.unit.test_picture_colours import pixels_of

PHOTOGRAPH = photograph(64, 48)
COLOURS = np.asarray(PHOTOGRAPH).astype(float)
GREYS = np.asarray(PHOTOGRAPH.convert("L")).astype(float)
OPAQUE = np.where(np.arange(64) < 20, 255.0, 128.0) * np.ones((48, 1))
SEEN_GREYS = np.atleast_3d(GREYS).repeat(3, axis=2)

LAYOUTS = [Layout(order, is_packed) for order in "<>" for is_packed in (False, True)]
NAMES = [f"{each.order}{' packed' if each.is_packed else ''}" for each in LAYOUTS]
Numbers = NDArray[np.float64]


def _numbers(levels: Numbers, bits: int) -> Numbers:
    return np.round(levels * ((2.0**bits - 1) / 255))


def _with_opacity(levels: Numbers) -> Numbers:
    return np.dstack((levels, OPAQUE))


def _on_white(colours: Numbers) -> Numbers:
    return 255 + (colours - 255) * np.atleast_3d(OPAQUE) / 255


INK = np.dstack((255 - COLOURS, np.zeros((48, 64))))
FADED = _with_opacity(COLOURS * np.atleast_3d(OPAQUE) / 255)
SEEN = {
    "8-bit negative": (255 - GREYS, WHITE, 8, {}, SEEN_GREYS),
    "16-bit negative": (255 - GREYS, WHITE, 16, {}, SEEN_GREYS),
    "8-bit RGB": (COLOURS, RGB, 8, {}, COLOURS),
    "16-bit RGB": (COLOURS, RGB, 16, {}, COLOURS),
    "8-bit RGBA": (_with_opacity(COLOURS), RGB, 8, {EXTRA_SAMPLES: [2]}, _on_white(COLOURS)),
    "16-bit RGBA": (_with_opacity(COLOURS), RGB, 16, {EXTRA_SAMPLES: [2]}, _on_white(COLOURS)),
    "8-bit RGBA, mixed": (FADED, RGB, 8, {EXTRA_SAMPLES: [1]}, _on_white(COLOURS)),
    "16-bit RGBA, mixed": (FADED, RGB, 16, {EXTRA_SAMPLES: [1]}, _on_white(COLOURS)),
    "16-bit RGB and a mask": (_with_opacity(COLOURS), RGB, 16, {EXTRA_SAMPLES: [0]}, COLOURS),
    "8-bit inks": (INK, INKS, 8, {}, COLOURS),
    "16-bit inks": (INK, INKS, 16, {}, COLOURS),
}


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
@pytest.mark.parametrize("is_planar", [False, True])
@pytest.mark.parametrize("name", SEEN)
def test_colours_are_the_same_in_whatever_order_their_numbers_are(name: str, is_planar: bool, layout: Layout) -> None:
    levels, meaning, bits, tags, seen = SEEN[name]
    content = tiff(_numbers(levels, bits), meaning, replace(layout, is_planar=is_planar, bits=bits), tags)

    _assert_near(content, seen)


@pytest.mark.parametrize("layout", LAYOUTS[:2], ids=NAMES[:2])
def test_light_as_numbers_of_32_bits_is_seen(layout: Layout) -> None:
    _assert_near(tiff(GREYS / 255, BLACK, replace(layout, bits=32, kind="f")), SEEN_GREYS)


@pytest.mark.parametrize("layout", LAYOUTS[:2], ids=NAMES[:2])
def test_twelve_bits_are_scaled_to_their_own_white(layout: Layout) -> None:
    _assert_near(tiff(_numbers(GREYS, 12), BLACK, replace(layout, bits=12)), SEEN_GREYS)


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
@pytest.mark.parametrize("scale", [257, 256, 1])
@pytest.mark.parametrize("bits", [4, 8])
def test_a_palette_may_have_been_written_with_eight_bits(bits: int, scale: int, layout: Layout) -> None:
    image = PHOTOGRAPH.quantize(16)
    palette = np.asarray(image.getpalette() or [])[:48].reshape(16, 3)
    colour_map = np.zeros((3, 2**bits), dtype=int)
    colour_map[:, :16] = palette.T * scale
    content = tiff(np.asarray(image), PALETTE, replace(layout, bits=bits), {COLOR_MAP: colour_map.ravel().tolist()})

    assert np.array_equal(pixels_of(content), palette[np.asarray(image)])


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
def test_lab_s_colours_are_those_of_cie(layout: Layout) -> None:
    lab = np.zeros((4, 4, 3), np.uint8) + np.array((137, 81, 70), np.uint8)  # L* 53.7, a* 81, b* 70

    assert np.abs(pixels_of(tiff(lab, LAB, layout)).astype(int) - (255, 0, 0)).max() <= 8


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
@pytest.mark.parametrize("step", [1, 2])
def test_brightness_and_colour_are_read_whether_colour_is_halved_or_not(step: int, layout: Layout) -> None:
    values = np.asarray(photograph(64, 48).resize((32, 24)).resize((64, 48), Image.Resampling.NEAREST).convert("YCbCr"))
    blocks = values[..., 0].reshape(48 // step, step, 64 // step, step).swapaxes(1, 2).reshape(48 // step, 64 // step, step * step)
    data = np.dstack((blocks, values[::step, ::step, 1:])).tobytes()
    tags = {256: [64], 257: [48], 258: [8, 8, 8], 262: [YCBCR], 277: [3], 278: [48], SUBSAMPLING: [step, step]}

    _assert_near(file_of_strips([data], tags, layout), np.asarray(Image.fromarray(values, "YCbCr").convert("RGB")).astype(float), 2)


NOT_READ = {
    "12-bit RGB": (COLOURS, RGB, Layout(bits=12), {}, "BitsPerSample (12, 12, 12)"),
    "14-bit grey": (GREYS, BLACK, Layout(bits=14), {}, "BitsPerSample (14,)"),
    "8-bit negative with transparency": (
        _with_opacity(GREYS),
        WHITE,
        Layout(),
        {EXTRA_SAMPLES: [2]},
        "PhotometricInterpretation 0",
    ),
    "16-bit grey with transparency": (_with_opacity(GREYS), BLACK, Layout(bits=16), {EXTRA_SAMPLES: [2]}, "ExtraSamples (2,)"),
    "grey and transparency in planes": (_with_opacity(GREYS), BLACK, Layout(is_planar=True), {EXTRA_SAMPLES: [2]}, "PlanarConfiguration 2"),
    "Lab in planes": (COLOURS, LAB, Layout(is_planar=True), {}, "PlanarConfiguration 2"),
    "four planes without a word": (_with_opacity(COLOURS), RGB, Layout(is_planar=True), {}, "PlanarConfiguration 2"),
    "signed bytes": (GREYS - 128, BLACK, Layout(kind="i"), {}, "SampleFormat (2,)"),
    "signed, 16 bits": (GREYS, BLACK, Layout(bits=16, kind="i"), {}, "SampleFormat (2,)"),
    "signed, 32 bits": (GREYS - 128, BLACK, Layout(bits=32, kind="i"), {}, "SampleFormat (2,)"),
    "signed, 32 bits, the other order": (GREYS - 128, BLACK, Layout(">", bits=32, kind="i"), {}, "SampleFormat (2,)"),
    "unsigned, 32 bits": (_numbers(GREYS, 32), BLACK, Layout(bits=32), {}, "BitsPerSample (32,), Compression 1"),
    "light in the other order": (GREYS / 255, BLACK, Layout(">", bits=32, kind="f"), {}, "SampleFormat (3,)"),
    "a negative as light": (1 - GREYS / 255, WHITE, Layout(bits=32, kind="f"), {}, "PhotometricInterpretation 0"),
    "RGB as light": (COLOURS / 255, RGB, Layout(bits=32, kind="f"), {}, "SampleFormat (3, 3, 3)"),
    "Lab of 16 bits": (COLOURS, LAB, Layout(bits=16), {}, "PhotometricInterpretation 8"),
    "a palette of 16 bits": (GREYS, PALETTE, Layout(bits=16), {COLOR_MAP: [0] * 3 * 65_536}, "PhotometricInterpretation 3"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_numbers_that_nobody_can_tell_are_refused_with_the_reason(name: str) -> None:
    levels, meaning, layout, tags, reason = NOT_READ[name]

    with pytest.raises(PictureUnusable, match=f"as this one are not read .*{re.escape(reason)}.* or as JPEG or PNG"):
        pixels_of(tiff(levels, meaning, layout, tags))


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES)
def test_a_tiff_whose_last_strip_is_cut_is_seen_and_one_that_lacks_more_is_refused(layout: Layout) -> None:
    image = photograph(64, 480)
    strips = [strip.tobytes() for strip in np.asarray(image).reshape(30, -1)]
    tags = {256: [64], 257: [480], 258: [8, 8, 8], 262: [RGB], 277: [3], 278: [16]}
    whole, cut = file_of_strips(strips, tags, layout), -len(strips[-1]) // 8 if layout.is_packed else -len(strips[-1]) // 2

    assert np.array_equal(pixels_of(whole[:cut])[:464], np.asarray(image)[:464])
    with pytest.raises(PictureUnusable, match="more than a tenth of it is missing"):
        pixels_of(whole[: len(whole) // 2])


def _assert_near(content: bytes, seen: Numbers, most: float = 1.2) -> None:
    assert np.abs(pixels_of(content) - seen).mean() <= most


@pytest.mark.parametrize("compression", [34_712, 50_002, 50_001, 9])
def test_a_compression_that_is_not_read_is_named(compression: int) -> None:
    content = tiff(COLOURS, RGB, Layout())

    with pytest.raises(PictureUnusable, match=f"Compression {compression}"):
        pixels_of(content.replace(b"\x03\x01\x03\0\1\0\0\0\1\0", b"\x03\x01\x03\0\1\0\0\0" + compression.to_bytes(2, "little"), 1))
