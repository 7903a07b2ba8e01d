"""An AVIF's colours are those that its primary item tells, whatever other items of the file tell of theirs."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from lookalike.domain import Pixels
from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding
from PIL import Image

from tests.made_heics import Item, av1, box, grid, heic, ispe
from tests.made_pictures import file_of, photograph, rgb_profile

PICTURE = photograph(64, 64)
MAP = Image.new("L", (32, 24), 90)


def codes(primaries: int, transfer: int) -> bytes:
    """The property that tells colours by code points."""
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 6, 0x80))


def profile(name: str) -> bytes:
    """The property that holds an ICC profile."""
    return box(b"colr", b"prof", rgb_profile(name))


SRGB, P3, LINEAR = codes(1, 13), codes(12, 13), codes(1, 8)


def pixels_of(content: bytes) -> Pixels:
    return decoding.decode(content, at_least=(16, 16)).pixels


def _picture(*properties: bytes) -> Item:
    return av1(PICTURE, *properties, quality=100)


def _map(*properties: bytes) -> Item:
    return av1(MAP, *properties)


BESIDE: Mapping[str, tuple[Sequence[Item], int]] = {
    "nothing": ([], 1),
    "a gain map before it, by code points": ([_map(LINEAR)], 2),
    "a gain map before it, by a profile": ([_map(profile("Adobe RGB"))], 2),
    "a gain map before it, of the same colours": ([_map(P3)], 2),
    "two pictures before it": ([_map(LINEAR), _map(profile("sRGB"))], 3),
    "an item that is made of both": ([Item(b"tmap", bytes(62), (ispe(64, 64), codes(9, 16)), {b"dimg": [3, 2]}), _map(LINEAR)], 3),
}


@pytest.mark.parametrize(
    "told", [SRGB, P3, LINEAR, profile("Display P3"), profile("sRGB")], ids=["sRGB", "P3", "linear", "ICC P3", "ICC sRGB"]
)
@pytest.mark.parametrize("beside", BESIDE)
def test_the_colours_are_those_of_the_primary_item(beside: str, told: bytes) -> None:
    items, primary = BESIDE[beside]
    alone = pixels_of(heic([_picture(told)], brand=b"avif"))

    assert np.array_equal(pixels_of(heic([*items, _picture(told)], primary=primary, brand=b"avif")), alone)
    assert np.array_equal(pixels_of(heic([_picture(told), _map(LINEAR)], brand=b"avif")), alone)


def test_other_colours_are_seen_at_all() -> None:
    plain, linear, wide = (pixels_of(heic([_picture(told)], brand=b"avif")).astype(int) for told in (SRGB, LINEAR, P3))

    assert np.abs(plain - np.asarray(PICTURE)).mean() < 3
    assert (linear - plain).mean() > 20
    assert np.abs(wide - plain).mean() > 2


def test_a_picture_in_tiles_has_the_colours_of_its_grid() -> None:
    tiles = Item(b"grid", grid(1, 2, 128, 64), (ispe(128, 64), LINEAR), {b"dimg": [2, 3]})
    tile = _picture(SRGB)
    seen = pixels_of(heic([tiles, tile, tile], brand=b"avif"))

    assert np.array_equal(seen[:, :64], pixels_of(heic([_picture(LINEAR)], brand=b"avif")))


@pytest.mark.parametrize("seed", range(60))
def test_no_change_of_its_boxes_makes_a_file_fail_otherwise_than_by_our_error(seed: int) -> None:
    content = bytearray(heic([_map(LINEAR), _picture(P3)], primary=2, brand=b"avif"))
    random = np.random.default_rng(seed)
    for at in random.integers(24, content.index(b"idat"), 3):
        content[at] = random.integers(256)
    try:
        pixels_of(bytes(content))
    except PictureUnusable:
        return


def test_an_animation_has_the_colours_that_it_tells() -> None:
    content = file_of(PICTURE, "AVIF", save_all=True, append_images=[photograph(64, 64, seed=1)], quality=100, subsampling="4:4:4")

    assert np.abs(pixels_of(content.replace(SRGB[8:16], LINEAR[8:16])).astype(int) - pixels_of(content)).mean() > 20
