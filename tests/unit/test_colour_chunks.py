"""Which of the things that a file says of its colours counts, as Chromium showed it: cICP > iCCP > sRGB > gAMA with cHRM, and the like."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from lookalike.domain import Pixels
from PIL import Image

from tests.made_pictures import chunk, file_of, photograph, rgb_profile, with_chunks
from tests.unit.test_picture_colours import pixels_of

PHOTOGRAPH = photograph(64, 48)
P3, ADOBE = rgb_profile("Display P3"), rgb_profile("Adobe RGB", 2.2)
PLAIN = file_of(PHOTOGRAPH, "PNG")


def _profile(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


def _gamma(exponent: float) -> bytes:
    return chunk(b"gAMA", round(100_000 * exponent).to_bytes(4, "big"))


def _points(*points: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * each) for each in points)))


def _codes(*codes: int) -> bytes:
    return chunk(b"cICP", bytes(codes))


SRGB_POINTS = _points(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3_POINTS = _points(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
D50_POINTS = _points(0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
ADOBE_POINTS = _points(0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
SRGB = chunk(b"sRGB", b"\0")

SAID = {
    "cICP": ([_codes(12, 13, 0, 1)], P3),
    "cICP before iCCP": ([_profile(ADOBE), _codes(12, 13, 0, 1)], P3),
    "cICP before sRGB": ([SRGB, _codes(12, 13, 0, 1)], P3),
    "cICP of sRGB": ([_profile(ADOBE), _codes(1, 13, 0, 1)], None),
    "cICP of light": ([_codes(1, 8, 0, 1)], rgb_profile("sRGB", 1.0)),
    "cICP of a video": ([_profile(P3), _codes(9, 16, 9, 0)], P3),
    "cICP that is short": ([_codes(12, 13, 0)], None),
    "iCCP before sRGB": ([SRGB, _profile(P3)], P3),
    "iCCP before gAMA": ([_gamma(1), ADOBE_POINTS, _profile(P3)], P3),
    "two iCCP": ([_profile(P3), _profile(ADOBE)], P3),
    "sRGB before gAMA": ([_gamma(1), P3_POINTS, SRGB], None),
    "gAMA with cHRM": ([_gamma(1 / 2.2), ADOBE_POINTS], ADOBE),
    "cHRM before gAMA": ([P3_POINTS, _gamma(1)], rgb_profile("Display P3", 1.0)),
    "gAMA alone": ([_gamma(1)], rgb_profile("sRGB", 1.0)),
    "cHRM alone": ([P3_POINTS], None),
    "what cameras and editors write": ([_gamma(0.45455), SRGB_POINTS], None),
    "cHRM of nothing": ([_gamma(0.45455), _points(*[0] * 8)], None),
    "cHRM of one colour": ([_gamma(0.45455), _points(*[0.3] * 8)], None),
    "cHRM that is short": ([_gamma(0.45455), chunk(b"cHRM", bytes(7))], None),
    "iCCP that cannot be unpacked": ([chunk(b"iCCP", b"x\0\0garbage"), _gamma(1)], rgb_profile("sRGB", 1.0)),
}


def _in_profile(profile: bytes | None) -> Pixels:
    """What the photograph's numbers are in this profile."""
    return pixels_of(file_of(PHOTOGRAPH, "TIFF", icc_profile=profile) if profile else PLAIN)


@pytest.mark.parametrize("name", SAID)
def test_what_a_png_says_of_its_colours_counts_in_one_order(name: str) -> None:
    chunks, profile = SAID[name]
    _assert_near(pixels_of(with_chunks(PLAIN, *chunks)), _in_profile(profile))


IN_CODES = [(0, 0, 0), (60, 60, 60), (120, 90, 60), (60, 120, 90), (148, 148, 148), (180, 120, 60), (40, 80, 200), (255, 255, 255)]
IN_CHROMIUM = {  # 156
    (9, 16): [(0, 0, 0), (26, 26, 26), (137, 50, 12), (0, 120, 53), (187, 187, 187), (255, 0, 0), (0, 5, 255), (255, 255, 255)],
    (1, 16): [(0, 0, 0), (26, 26, 26), (114, 61, 26), (26, 114, 61), (187, 187, 187), (255, 97, 21), (3, 25, 255), (255, 255, 255)],
    (12, 16): [(0, 0, 0), (26, 26, 26), (122, 58, 14), (0, 116, 55), (187, 187, 187), (255, 75, 0), (0, 24, 255), (255, 255, 255)],
    (9, 18): [(0, 0, 0), (39, 39, 39), (101, 64, 39), (0, 94, 66), (120, 120, 120), (185, 85, 32), (0, 59, 181), (255, 255, 255)],
    (1, 18): [(0, 0, 0), (39, 39, 39), (88, 67, 43), (45, 91, 68), (120, 120, 120), (155, 95, 47), (27, 59, 174), (255, 255, 255)],
    (12, 18): [(0, 0, 0), (39, 39, 39), (93, 66, 40), (23, 92, 66), (120, 120, 120), (166, 92, 34), (12, 60, 182), (255, 255, 255)],
    (1, 1): [(0, 0, 0), (49, 49, 49), (113, 81, 49), (49, 113, 81), (142, 142, 142), (176, 113, 49), (28, 70, 197), (255, 255, 255)],
    (9, 14): [(0, 0, 0), (49, 49, 49), (130, 76, 42), (0, 118, 77), (142, 142, 142), (207, 101, 26), (0, 72, 206), (255, 255, 255)],
}
"""What Chromium's canvas has for these colours, by the codes of their primaries and their curve: 16 is PQ, 18 HLG, 1 and 14 are videos'."""
IN_CHROMIUM_OF_PROPHOTO = [
    (0, 0, 0),
    (77, 77, 77),
    (168, 101, 69),
    (0, 149, 104),
    (165, 165, 165),
    (241, 122, 58),
    (0, 106, 222),
    (255,) * 3,
]
PATCHES = Image.fromarray(np.array(IN_CODES, dtype=np.uint8)[None].repeat(8, axis=0).repeat(8, axis=1))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("codes", IN_CHROMIUM)
def test_a_png_of_a_bright_display_is_seen_as_in_chromium(codes: tuple[int, int], mode: str) -> None:
    pixels = pixels_of(with_chunks(file_of(PATCHES.convert(mode), "PNG"), _codes(*codes, 0, 1)))

    assert np.abs(pixels[4, 4::8].astype(int) - IN_CHROMIUM[codes]).max() <= 3


@pytest.mark.parametrize("codes", [codes for codes in IN_CHROMIUM if codes[1] > 14])
def test_an_avif_of_a_bright_display_is_seen_as_in_chromium(codes: tuple[int, int]) -> None:
    plain = file_of(PATCHES, "AVIF", quality=100, subsampling="4:4:4")
    at = plain.index(b"colrnclx") + 8

    pixels = pixels_of(plain[:at] + struct.pack(">HH", *codes) + plain[at + 4 :])

    assert np.abs(pixels[4, 4::8].astype(int) - IN_CHROMIUM[codes]).mean() <= 2


def test_greys_of_a_bright_display_are_dimmed_too() -> None:
    grey = file_of(Image.new("L", (8, 8), 148), "PNG")

    assert np.abs(pixels_of(with_chunks(grey, _codes(9, 16, 0, 1))).astype(int) - 187).max() <= 1


def test_the_widest_colours_are_those_that_chromium_shows() -> None:
    pixels = pixels_of(with_chunks(file_of(PATCHES, "PNG"), _gamma(1 / 1.8), D50_POINTS))

    assert np.abs(pixels[4, 4::8].astype(int) - IN_CHROMIUM_OF_PROPHOTO).max() <= 3


def test_white_is_white_whatever_light_a_file_s_points_are_under() -> None:
    greys = Image.fromarray(np.linspace(0, 255, 16, dtype=np.uint8)[None, :, None].repeat(8, axis=0).repeat(3, axis=2))

    pixels = pixels_of(with_chunks(file_of(greys, "PNG"), _gamma(1 / 1.8), D50_POINTS)).astype(int)

    assert (pixels[:, -1] == 255).all()
    assert np.ptp(pixels, axis=2).max() <= 1
    assert abs(pixels[0, 8, 0] - 154) <= 2


@pytest.mark.parametrize("late", [_codes(12, 13, 0, 1), _profile(P3), _gamma(1)])
def test_what_a_png_says_behind_its_pixels_does_not_count(late: bytes) -> None:
    assert np.array_equal(pixels_of(PLAIN[:-12] + late + PLAIN[-12:]), np.asarray(PHOTOGRAPH))


@pytest.mark.parametrize("seed", range(40))
def test_no_points_of_colours_cost_a_picture(seed: int) -> None:
    points = np.random.default_rng(seed).integers(0, 2 ** (1 + seed % 32), 8, dtype=np.uint64).tolist()

    assert pixels_of(with_chunks(PLAIN, _gamma(1), chunk(b"cHRM", struct.pack(">8I", *points)))).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("codes", "profile"), [((12, 13), P3), ((1, 13), None), ((1, 1), None), ((2, 2), None), ((1, 8), rgb_profile("sRGB", 1.0))]
)
@pytest.mark.parametrize(("kind", "options"), [("AVIF", {"subsampling": "4:4:4"}), ("HEIF", {"chroma": 444})])
def test_an_avif_or_heic_says_its_colours_by_code_points(
    kind: str, options: dict[str, object], codes: Sequence[int], profile: bytes | None
) -> None:
    plain = file_of(PHOTOGRAPH, kind, quality=100, **options)
    at = plain.index(b"colrnclx") + 8

    _assert_near(pixels_of(plain[:at] + struct.pack(">HH", *codes) + plain[at + 4 :]), _in_profile(profile), 3)


def test_an_avif_s_profile_counts_before_its_code_points() -> None:
    content = file_of(PHOTOGRAPH, "AVIF", quality=100, subsampling="4:4:4", icc_profile=P3)
    at = content.find(b"colrnclx") + 8

    _assert_near(pixels_of(content[:at] + struct.pack(">HH", 1, 8) + content[at + 4 :] if at > 7 else content), _in_profile(P3), 3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_half_transparent_is_mixed_with_white_in_srgb(kind: str, mode: str) -> None:
    profile = rgb_profile("Display P3", 1.0)
    image = Image.new("RGB", (16, 16), (200, 60, 60)).convert(mode)
    image.putalpha(128)
    bare = pixels_of(file_of(image.convert(mode[:-1]), "PNG", icc_profile=profile)).astype(int)

    _assert_near(pixels_of(file_of(image, kind, icc_profile=profile, lossless=True)), bare * 128 / 255 + 127)


LIGHT = rgb_profile("sRGB", 1.0)


def _part(number: int, count: int, data: bytes) -> bytes:
    return b"\xff\xe2" + (len(data) + 16).to_bytes(2, "big") + b"ICC_PROFILE\0" + bytes((number, count)) + data


def _parts(profile: bytes, count: int = 3) -> list[bytes]:
    size = -(-len(profile) // 3)
    return [_part(number + 1, count, profile[number * size : (number + 1) * size]) for number in range(3)]


PARTS = {  # as Chromium shows them
    "one": ([_part(1, 1, P3)], P3),
    "three": (_parts(P3), P3),
    "three backwards": (_parts(P3)[::-1], P3),
    "all but the first": (_parts(P3)[1:], None),
    "all but the second": (_parts(P3)[::2], None),
    "all but the last": (_parts(P3)[:-1], None),
    "two profiles": ([_part(1, 1, P3), _part(1, 1, LIGHT)], P3),
    "one and one in parts": ([_part(1, 1, P3), *_parts(LIGHT)], P3),
    "one in parts and one": ([*_parts(LIGHT), _part(1, 1, P3)], LIGHT),
    "a part twice": ([*_parts(P3)[:2], *_parts(P3)[1:]], None),
    "more parts announced": (_parts(P3, 4), None),
    "fewer parts announced": (_parts(P3, 2), None),
    "one part announces more": ([_parts(P3)[0], _parts(P3, 4)[1], _parts(P3)[2]], None),
    "part zero": ([_part(0, 1, P3)], None),
    "part two of one": ([_part(2, 1, P3)], None),
    "part one of none": ([_part(1, 0, P3)], None),
    "an empty part": ([_part(1, 2, b""), _part(2, 2, P3)], None),
    "garbage and one": ([_part(1, 1, b"garbage"), _part(1, 1, P3)], None),
}


@pytest.mark.parametrize("name", PARTS)
def test_the_first_profile_of_a_jpeg_counts_if_its_parts_are_there(name: str) -> None:
    plain, (parts, profile) = file_of(PHOTOGRAPH, "JPEG", quality=98), PARTS[name]
    expected = file_of(PHOTOGRAPH, "JPEG", quality=98, icc_profile=profile)

    assert np.array_equal(pixels_of(plain[:2] + b"".join(parts) + plain[2:]), pixels_of(expected))


def test_a_jpeg_s_profile_may_stand_behind_its_frame_header() -> None:
    plain = file_of(PHOTOGRAPH, "JPEG", quality=95)
    segment = b"\xff\xe2" + (len(P3) + 16).to_bytes(2, "big") + b"ICC_PROFILE\0\1\1" + P3
    at = plain.index(b"\xff\xda")

    assert np.array_equal(pixels_of(plain[:at] + segment + plain[at:]), pixels_of(plain[:2] + segment + plain[2:]))


def test_a_bmp_may_point_at_a_profile() -> None:
    plain = file_of(PHOTOGRAPH, "BMP")
    head = b"\x7c\0\0\0" + plain[18:54] + bytes(16) + b"DEBM" + bytes(48)
    head += struct.pack("<4I", 4, 124 + len(plain) - 54, len(P3), 0)
    content = plain[:10] + (138).to_bytes(4, "little") + head + plain[54:] + P3

    _assert_near(pixels_of(content), _in_profile(P3))


def _assert_near(pixels: Pixels, expected: object, most: float = 1.5) -> None:
    assert np.abs(pixels.astype(int) - np.asarray(expected, dtype=float)).mean() <= most
