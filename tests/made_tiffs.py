"""TIFFs of any kind of numbers, written to the byte (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf)."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

BLACK, WHITE, RGB, PALETTE, INKS, YCBCR, LAB = 1, 0, 2, 3, 5, 6, 8
"""PhotometricInterpretation: what zero, or the numbers, mean."""

COLOR_MAP, EXTRA_SAMPLES, SUBSAMPLING = 320, 338, 530
_DEFLATE = 8
_BITS_AT_ONCE = (8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF's numbers are laid out: ``order`` as `struct` has it, ``kind`` as numpy has it (u, i, f)."""

    order: str = "<"
    is_packed: bool = False
    is_planar: bool = False
    bits: int = 8
    kind: str = "u"


def tiff(numbers: ArrayLike, meaning: int, layout: Layout, tags: Mapping[int, Sequence[int]] | None = None) -> bytes:
    """Numbers of shape (height, width) or (height, width, channels) as a file of one strip, or one a channel."""
    values = np.atleast_3d(np.asarray(numbers))
    height, width, channels = values.shape
    planes = np.moveaxis(values, 2, 0)[..., None] if layout.is_planar else values[None]
    said: dict[int, Sequence[int]] = {
        256: [width],
        257: [height],
        258: [layout.bits] * channels,
        262: [meaning],
        277: [channels],
        278: [height],
    }
    said |= {284: [1 + layout.is_planar], 339: [1 + "uif".index(layout.kind)] * channels, **(tags or {})}
    return file_of_strips([_data(plane, layout) for plane in planes], said, layout)


def file_of_strips(strips: Sequence[bytes], tags: Mapping[int, Sequence[int]], layout: Layout) -> bytes:
    """The directory behind the head, and the strips behind it."""
    strips = [zlib.compress(strip) if layout.is_packed else strip for strip in strips]
    said = {**tags, 259: [_DEFLATE if layout.is_packed else 1], 273: [0] * len(strips), 279: [len(strip) for strip in strips]}
    behind = 14 + 12 * len(said) + sum(len(_values(tag, said[tag], layout)) for tag in said if len(_values(tag, said[tag], layout)) > 4)
    said[273] = np.cumsum([behind, *map(len, strips)])[:-1].tolist()
    directory, values, at = b"", b"", 14 + 12 * len(said)
    for tag in sorted(said):
        data = _values(tag, said[tag], layout)
        directory += struct.pack(f"{layout.order}HHI", tag, 4 if _is_long(tag) else 3, len(said[tag]))
        directory += data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(f"{layout.order}I", at + len(values))
        values += data if len(data) > 4 else b""
    head = struct.pack(f"{layout.order}2sHIH", b"II" if layout.order == "<" else b"MM", 42, 8, len(said))
    return head + directory + bytes(4) + values + b"".join(strips)


def _values(tag: int, values: Sequence[int], layout: Layout) -> bytes:
    return struct.pack(f"{layout.order}{len(values)}{'I' if _is_long(tag) else 'H'}", *values)


def _is_long(tag: int) -> bool:
    return tag in (273, 279)


def _data(values: np.ndarray, layout: Layout) -> bytes:
    if layout.bits in _BITS_AT_ONCE:
        return values.astype(f"{layout.order}{layout.kind}{layout.bits // 8}").tobytes()
    rows = values.reshape(len(values), -1, 1).astype(np.uint32)
    bits = (rows >> np.arange(layout.bits)[::-1]) & 1
    return np.packbits(bits.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()
