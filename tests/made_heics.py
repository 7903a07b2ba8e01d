"""HEIC and AVIF files built box by box (ISO/IEC 14496-12 and 23008-12), so that they can say what no encoder would write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image

from tests.made_pictures import file_of

Extents = Sequence[tuple[int, int]]
"""Where an item's data are: offset and length of each part."""


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of four bytes of size, its kind and its content."""
    content = b"".join(parts)
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def full_box(kind: bytes, version: int, *parts: bytes) -> bytes:
    """A box that begins with a version and three bytes of flags."""
    return box(kind, bytes((version, 0, 0, 0)), *parts)


def numbers(size: int, *values: int) -> bytes:
    """Unsigned numbers of ``size`` bytes each."""
    return b"".join(value.to_bytes(size, "big") for value in values)


def ispe(width: int, height: int) -> bytes:
    """The property that declares an item's size."""
    return full_box(b"ispe", 0, numbers(4, width, height))


@dataclass(frozen=True)
class Item:
    """An item of a file.

    ``data`` are its own bytes, ``extents`` where they are instead: in the file. ``properties`` are whole boxes; ``refers`` are numbers of
    items by the kind of reference.
    """

    kind: bytes
    data: bytes = b""
    properties: Sequence[bytes] = ()
    refers: Mapping[bytes, Sequence[int]] = field(default_factory=dict)
    extents: Extents | None = None


def heic(items: Sequence[Item], *, primary: int = 1, more: bytes = b"", brand: bytes = b"heic") -> bytes:
    """A file of these items, numbered from 1; ``more`` are boxes behind those of ``meta``."""
    properties = list(dict.fromkeys(each for item in items for each in item.properties))
    index = {each: number for number, each in enumerate(properties, 1)}
    entries, places, used, references, data = [], [], [], [], []
    at = 0
    for number, item in enumerate(items, 1):
        entries.append(full_box(b"infe", 2, numbers(2, number, 0), item.kind, b"\0"))
        extents = item.extents if item.extents is not None else [(at, len(item.data))]
        method = 0 if item.extents is not None else 1  # in the file, or in the box idat
        places.append(numbers(2, number, method, 0, len(extents)) + b"".join(numbers(4, *extent) for extent in extents))
        used.append(numbers(2, number) + numbers(1, len(item.properties)) + numbers(2, *(0x8000 | index[each] for each in item.properties)))
        references += [box(kind, numbers(2, number, len(to), *to)) for kind, to in item.refers.items()]
        data.append(item.data)
        at += len(item.data)
    meta = full_box(
        b"meta",
        0,
        full_box(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
        full_box(b"pitm", 0, numbers(2, primary)),
        full_box(b"iinf", 0, numbers(2, len(items)), *entries),
        full_box(b"iref", 0, *references),
        box(b"iprp", box(b"ipco", *properties), box(b"ipma", bytes((0, 0, 0, 1)), numbers(4, len(items)), *used)),
        full_box(b"iloc", 1, b"\x44\0", numbers(2, len(items)), *places),
        box(b"idat", *data),
        more,
    )
    return box(b"ftyp", brand, bytes(4), b"mif1", brand) + meta


def av1(image: Image.Image, *properties: bytes, **options: object) -> Item:
    """A picture that AV1 encodes, with its size, its decoder's configuration and other properties."""
    whole = file_of(image, "AVIF", subsampling="4:4:4", **options)
    at = whole.index(b"av1C") - 4
    return Item(b"av01", whole[whole.index(b"mdat") + 4 :], (ispe(*image.size), whole[at : at + 12], *properties))


def coded(image: Image.Image) -> Item:
    """A picture that HEVC encodes, with its decoder's configuration and its size."""
    whole = file_of(image, "HEIF", quality=50)
    at = whole.index(b"hvcC") - 4
    configuration = whole[at : at + int.from_bytes(whole[at : at + 4], "big")]
    data = whole[whole.index(b"mdat") + 4 :]
    return Item(b"hvc1", data, (ispe(*image.size), configuration))


def grid(rows: int, columns: int, width: int, height: int) -> bytes:
    """The data of a picture in tiles."""
    return bytes((0, 1, rows - 1, columns - 1)) + numbers(4, width, height)


def overlay(width: int, height: int, *offsets: tuple[int, int]) -> bytes:
    """The data of a picture of others on a white canvas, each at its offset."""
    return bytes((0, 1)) + numbers(2, *4 * (65_535,)) + numbers(4, width, height) + b"".join(numbers(4, *each) for each in offsets)
