"""Colours: whatever profile, depth or transparency a file has, the pixels are those that people see."""

from io import BytesIO

import numpy as np
import pytest
from lookalike.domain import Pixels
from lookalike.pictures import decoding
from PIL import Image, ImageCms

from tests.made_pictures import chunk, cmyk_profile, file_of, grey_profile, photograph, rgb_profile, with_chunks

SIZE = (64, 64)
SRGB = ImageCms.createProfile("sRGB")
PRESS = [(95, 0, 0), (20, 0, 0), (90, -5, 90), (20, 0, 10), (50, 70, 0), (15, 10, 0), (48, 65, 45), (12, 5, 5)]
PRESS += [(55, -35, -50), (15, -10, -10), (50, -65, 25), (12, -10, 5), (25, 20, -45), (8, 0, -5), (25, 0, 0), (5, 0, 0)]


def pixels_of(content: bytes) -> Pixels:
    return decoding.decode(content, at_least=SIZE).pixels


def seen(image: Image.Image, profile: bytes) -> Image.Image:
    """The same picture with numbers of another profile."""
    target = ImageCms.ImageCmsProfile(BytesIO(profile))
    converted = ImageCms.profileToProfile(image, SRGB, target, outputMode=image.mode if image.mode == "L" else "RGB")
    assert converted is not None
    return converted


def muted(image: Image.Image) -> Image.Image:
    """Colours that every profile has."""
    return image.point([64 + value // 2 for value in range(256)] * 3)


@pytest.mark.parametrize("profile", [rgb_profile("Display P3"), rgb_profile("Adobe RGB", 2.2)], ids=["Display P3", "Adobe RGB"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_a_picture_in_another_profile_has_the_colours_of_its_original(kind: str, profile: bytes) -> None:
    original = muted(photograph())
    options: dict[str, object] = {} if kind in ("PNG", "TIFF") else {"quality": 100}
    away = np.abs(np.asarray(seen(original, profile), dtype=int) - np.asarray(original)).mean()

    copy = file_of(seen(original, profile), kind, icc_profile=profile, **options)
    moved = np.abs(pixels_of(copy).astype(int) - pixels_of(file_of(original, kind, **options))).mean()

    assert moved <= 2 < away


def test_a_profile_that_is_srgb_changes_no_number() -> None:
    image = photograph()
    assert np.array_equal(pixels_of(file_of(image, "PNG", icc_profile=rgb_profile("sRGB"))), np.asarray(image))


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_a_picture_in_inks_has_the_colours_of_its_press(kind: str) -> None:
    inks = Image.new("CMYK", (64, 16))
    for number, ink in enumerate([(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255)]):
        inks.paste(ink, (16 * number, 0, 16 * number + 16, 16))

    colours = pixels_of(file_of(inks, kind, icc_profile=cmyk_profile(PRESS)))[8, 8::16].astype(int)

    assert np.abs(colours - [[0, 150, 218], [218, 41, 122], [250, 227, 0], [48, 48, 48]]).max() <= 8


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_greys_have_the_brightness_of_their_profile(mode: str) -> None:
    content = file_of(Image.new("L", (10, 10), 128).convert(mode), "PNG", icc_profile=grey_profile(1.0))

    assert abs(int(pixels_of(content)[0, 0, 0]) - 188) <= 2


@pytest.mark.parametrize("profile", [b"garbage", b"", rgb_profile("Display P3")[:200], cmyk_profile(PRESS), bytes(5_000_000)])
def test_a_profile_that_cannot_be_used_is_ignored(profile: bytes) -> None:
    image = photograph()
    assert np.array_equal(pixels_of(file_of(image, "PNG", icc_profile=profile)), np.asarray(image))


def test_grey_pixels_in_a_profile_of_colours_are_seen_through_it() -> None:
    content = file_of(Image.new("L", (10, 10), 128), "PNG", icc_profile=rgb_profile("sRGB", 1.0))

    assert abs(int(pixels_of(content)[0, 0, 0]) - 188) <= 2


@pytest.mark.parametrize(("gamma", "level"), [(45_455, 128), (100_000, 188), (22_727, 62), (1, 128), (0, 128)])
def test_a_png_s_gamma_is_that_of_its_light(gamma: int, level: int) -> None:
    grey = file_of(Image.new("RGB", (10, 10), (128, 128, 128)), "PNG")

    assert abs(int(pixels_of(with_chunks(grey, chunk(b"gAMA", gamma.to_bytes(4, "big"))))[0, 0, 0]) - level) <= 1
    assert (pixels_of(with_chunks(grey, chunk(b"gAMA", gamma.to_bytes(4, "big")), chunk(b"sRGB", b"\0"))) == 128).all()


@pytest.mark.parametrize("white", [65_535, 1.0])
def test_numbers_of_more_than_eight_bits_are_scaled_to_their_white(white: float) -> None:
    values = np.linspace(0, white, 256).reshape(1, -1).repeat(9, axis=0).astype(np.uint16 if white > 1 else np.float32)

    seen_values = pixels_of(file_of(Image.fromarray(values), "TIFF"))

    assert np.abs(seen_values[:, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, -3.0, 1.001, 5.0])
def test_one_odd_number_changes_no_other(odd: float) -> None:
    values = np.linspace(0, 1, 256).reshape(1, -1).repeat(9, axis=0).astype(np.float32)
    values[0, 0] = odd

    seen_values = pixels_of(file_of(Image.fromarray(values), "TIFF"))

    assert np.abs(seen_values[1:, :, 0].astype(int) - np.arange(256)).max() <= 1


TRANSPARENT = {
    "1 bit": (Image.new("1", (9, 9), 0), b"\0\0"),
    "16 bits": (Image.fromarray(np.full((9, 9), 770, dtype=np.uint16)), (770).to_bytes(2, "big")),
    "8 bits": (Image.new("L", (9, 9), 7), b"\0\7"),
    "RGB": (Image.new("RGB", (9, 9), (1, 2, 3)), b"\0\1\0\2\0\3"),
    "palette": (Image.new("P", (9, 9), 0), b"\0"),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_the_transparent_colour_of_a_png_is_white_in_each_mode(name: str) -> None:
    image, colour = TRANSPARENT[name]
    content = file_of(image, "PNG")
    at = content.index(b"IDAT") - 4

    assert (pixels_of(content) < 255).all() or name == "palette"
    assert (pixels_of(content[:at] + chunk(b"tRNS", colour) + content[at:]) == 255).all()


@pytest.mark.parametrize("depth", [2, 4])
def test_a_transparent_grey_of_few_bits_is_that_grey(depth: int) -> None:
    content = bytearray(file_of(Image.new("P", (8, 1), 0), "PNG", bits=depth))
    content[25] = 0  # greys instead of a palette
    grey = with_chunks(chunk(b"IHDR", bytes(content[16:29])).join((bytes(content[:8]), bytes(content[33:]))), chunk(b"tRNS", b"\0\0"))

    assert (pixels_of(grey) == 255).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_half_transparent_pixels_are_half_white(kind: str, mode: str) -> None:
    image = Image.new(mode, (16, 16), (100, 128) if mode == "LA" else (100, 100, 100, 128))

    assert np.abs(pixels_of(file_of(image, kind)).astype(int) - 177).max() <= 3
