"""HEIC files that ask for far more than they hold, or contradict themselves, and what our answer says of each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
from PIL import Image

from tests.made_heics import Item, box, coded, full_box, grid, heic, ispe, numbers, overlay
from tests.made_pictures import file_of

COSTS, PARTS, CUT = "takes more than 5 seconds or", "more pixels, pictures or parts", "is cut off"
KIND, DAMAGED, PIXELS = "coded in a way that is not read", "is damaged, or its primary picture", "too many pixels"

_small = cache(lambda: coded(Image.new("RGB", (64, 64), "red")))
_huge = cache(lambda: coded(Image.new("RGB", (7000, 7000), "blue")))
_noise = cache(lambda: coded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8))))

_ALPHA = full_box(b"auxC", 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def _sized(item: Item, width: int, height: int) -> Item:
    """The item, which declares another size."""
    return replace(item, properties=(ispe(width, height), *item.properties[1:]))


def _large() -> Item:
    """One that is refused by its declared size, so that its pixels may be few."""
    return _sized(_small(), 7000, 7000)


def _with(item: Item, *properties: bytes) -> Item:
    return replace(item, properties=(*item.properties, *properties))


def _of(kind: bytes, data: bytes, side: int, to: list[int]) -> Item:
    """A picture made of other items."""
    return Item(kind, data, (ispe(side, side),), {b"dimg": to} if to else {})


def _tiles(rows: int, columns: int, side: int, to: list[int]) -> Item:
    return _of(b"grid", grid(rows, columns, side, side), side, to)


def _overlaid(side: int, to: list[int]) -> Item:
    return _of(b"iovl", overlay(side, side, *[(0, 0)] * len(to)), side, to)


def _copies(count: int) -> list[Item]:
    """Items that all have the same bytes of the file."""
    return [Item(b"hvc1", b"", _small().properties, extents=[(0, 300)])] * count


def _nested(kind: bytes, depth: int) -> bytes:
    """Boxes in boxes, each of which is the only content of the one around it."""
    return b"".join((8 * (depth - number)).to_bytes(4, "big") + kind for number in range(depth))


def _metadata_over_and_over() -> bytes:
    """Texts that each consist of the same 100,000 bytes, 32 times."""
    texts = [Item(b"Exif", b"", (), {b"cdsc": [1]}, [(0, 100_000)] * 32)] * 600
    return heic([_small(), *texts], more=box(b"free", bytes(100_000)))


HOSTILE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "65,025 tiles of one": (lambda: heic([_tiles(255, 255, 16_320, [2] * 65_025), _small()]), PARTS),
    "a grid of 4,294,967,295": (lambda: heic([_of(b"grid", grid(2, 2, 2**32 - 1, 2**32 - 1), 64, [2] * 4), _small()]), PARTS),
    "961 large tiles for small ones": (lambda: heic([_tiles(31, 31, 1984, [2] * 961), _noise()]), COSTS),
    "tiles that say they are small": (lambda: heic([_tiles(16, 16, 1024, [2] * 256), _sized(_noise(), 64, 64)]), PARTS),
    "a grid of itself": (lambda: heic([_tiles(1, 1, 64, [1]), _small()]), DAMAGED),
    "two grids of each other": (lambda: heic([_tiles(1, 1, 64, [2]), _tiles(1, 1, 64, [1])]), DAMAGED),
    "a grid of tiles that are not there": (lambda: heic([_tiles(2, 2, 128, [2, 2, 9, 2]), _small()]), DAMAGED),
    "a grid with too few tiles": (lambda: heic([_tiles(2, 2, 128, [2]), _small()]), DAMAGED),
    "60,000 overlays": (lambda: heic([_overlaid(64, [2] * 60_000), _small()]), PARTS),
    "overlays of overlays": (lambda: heic([*[_overlaid(64, [number, number]) for number in range(2, 12)], _small()]), PARTS),
    "an overlay on 3.6 gigapixels": (lambda: heic([_of(b"iovl", overlay(60_000, 60_000, (0, 0)), 64, [2]), _small()]), PARTS),
    "an overlay of itself": (lambda: heic([_overlaid(64, [1]), _small()]), DAMAGED),
    "a chain of 20,000": (lambda: heic([*[_of(b"iden", b"", 64, [number]) for number in range(2, 20_000)], _small()]), PARTS),
    "a circle of two": (lambda: heic([_of(b"iden", b"", 64, [2]), _of(b"iden", b"", 64, [1])]), DAMAGED),
    "1,000 x 1,000 as 64 x 64": (lambda: heic([_sized(_noise(), 64, 64)]), PARTS),
    "64 x 64 as 48 megapixels": (lambda: heic([_sized(_small(), 60_000, 800)]), DAMAGED),
    "67 megapixels": (lambda: heic([_sized(_small(), 8192, 8192)]), PIXELS),
    "transparent, 49 megapixels": (lambda: heic([_large(), replace(_with(_large(), _ALPHA), refers={b"auxl": [1]})]), PIXELS),
    "turned 200 times": (lambda: heic([_with(_huge(), *[box(b"irot", b"\1")] * 200)]), COSTS),
    "turned and mirrored": (lambda: heic([_with(_huge(), *[box(b"imir", b"\0"), box(b"irot", b"\1")] * 100)]), COSTS),
    "cut to 0/0": (lambda: heic([_with(_small(), box(b"clap", bytes(32)))]), DAMAGED),
    "cut to more than there is": (lambda: heic([_with(_small(), box(b"clap", numbers(4, *[2**31, 1] * 4)))]), DAMAGED),
    "4 GB of data": (lambda: heic([Item(b"hvc1", b"", _small().properties, extents=[(0, 2**32 - 1)])]), CUT),
    "data behind the end": (lambda: heic([Item(b"hvc1", b"", _small().properties, extents=[(2**32 - 9, 8)])]), CUT),
    "data in 65,535 parts": (lambda: heic([Item(b"hvc1", b"", _small().properties, extents=[(0, 300)] * 65_535)]), PARTS),
    "60,000 items of the same bytes": (lambda: heic([_small(), *_copies(60_000)]), PARTS),
    "texts of the same bytes over and over": (_metadata_over_and_over, COSTS),
    "boxes 30,000 deep": (lambda: heic([_small()], more=_nested(b"dinf", 30_000)), PARTS),
    "an alpha channel of its own": (lambda: heic([replace(_with(_small(), _ALPHA), refers={b"auxl": [1]})]), DAMAGED),
    "a thumbnail of itself": (lambda: heic([replace(_small(), refers={b"thmb": [1]})]), DAMAGED),
    "no configuration": (lambda: heic([replace(_small(), properties=_small().properties[:1])]), DAMAGED),
    "no data": (lambda: heic([replace(_small(), data=b"")]), DAMAGED),
    "data of garbage": (lambda: heic([replace(_small(), data=b"\0\0\1\0" + b"\x42" * 256)]), DAMAGED),
    "no primary picture": (lambda: heic([_small()], primary=7), DAMAGED),
    "a JPEG inside": (lambda: heic([Item(b"jpeg", file_of(Image.new("RGB", (64, 64)), "JPEG"), (ispe(64, 64),))]), KIND),
    "cut in its boxes": (lambda: heic([_small()])[:300], CUT),
    "cut in its pixels": (lambda: heic([_small()])[:-20], CUT),
    "a type and nothing else": (lambda: heic([_small()])[:24], CUT),
}
"""Each is built when it is asked for."""


def tiled() -> bytes:
    """A good one: four tiles that are one item."""
    return heic([_tiles(2, 2, 128, [2] * 4), _small()])
