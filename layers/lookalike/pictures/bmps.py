"""BMPs whose masks or runs Pillow does not read as browsers do become plain ones.

https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage
"""

import struct
from collections.abc import Sequence

import numpy as np

from lookalike.errors import PictureUnusable
from lookalike.pictures.formats import MAX_PIXELS

MAX_RUNS = 700_000
"""Of a BMP: a second's work."""

_HEADERS, _MASKED, _RUN_BITS = (40, 52, 56, 108, 124), (3, 6), {1: 8, 2: 4}
_EIGHT_BITS = (0xFF0000, 0xFF00, 0xFF)


def plain(content: bytes) -> bytes:
    """The file with eight bits a channel or with a palette; as it is if it has neither masks nor runs, or is damaged.

    Raises `PictureUnusable` for more than `MAX_RUNS` runs.
    """
    offset, head, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", content.ljust(70), 10)
    if head not in _HEADERS or width <= 0 or not 0 < width * abs(height) <= MAX_PIXELS:
        return content
    if bits == _RUN_BITS.get(compression):
        return _without_runs(content[14 + head : offset][:1024], content[offset:], width, height, bits)
    *colours, alpha = struct.unpack_from("<4I", content.ljust(70), 54)
    is_masked = compression in _MASKED or (compression == 0 and head > 56 and bits == 32 and alpha)
    masks = (*(colours if compression else _EIGHT_BITS), alpha if head >= 56 or compression == _MASKED[1] else 0)
    is_known = any(masks[:3]) and all((mask + (mask & -mask)) & mask == 0 for mask in masks)  # each is in one piece
    if bits in (16, 32) and is_masked and is_known:
        return _without_masks(content[offset:], width, height, bits, masks)
    return content


def _without_masks(pixels: bytes, width: int, height: int, bits: int, masks: Sequence[int]) -> bytes:
    """What is there of the rows, with the highest bits of each channel."""
    stride = (width * bits + 31) // 32 * 4
    rows = min(abs(height), len(pixels) // stride)
    numbers = np.frombuffer(pixels, f"<u{bits // 8}", rows * stride * 8 // bits).reshape(rows, -1)[:, :width]
    channels = np.full((rows, width, 4), (0, 0, 0, 255), np.uint8)
    for channel, mask in zip((2, 1, 0, 3), masks, strict=True):
        if kept := min(mask.bit_count(), 8):
            values, most = (numbers & mask) >> (mask.bit_length() - kept), (1 << kept) - 1
            channels[..., channel] = (values.astype(np.uint16) * 255 + most // 2) // most
    return _bmp(width, height, 32, channels, masks=struct.pack("<4I", *_EIGHT_BITS, 0xFF000000))


def _without_runs(palette: bytes, runs: bytes, width: int, height: int, bits: int) -> bytes:
    """What is there of the rows. Pixels that are skipped are black, or of the first colour if there is no other left."""
    pixels, told = bytearray(width * abs(height)), bytearray(width * abs(height))
    x = y = at = number = 0
    while at + 1 < len(runs) and y < abs(height):
        (count, value), at, number = runs[at : at + 2], at + 2, number + 1
        if number > MAX_RUNS:
            raise PictureUnusable(f"the picture is in more than {MAX_RUNS:,} runs: save it as PNG")
        size = count or (value if value > 2 else 0)
        if count:
            run = (bytes((value,)) if bits == 8 else bytes((value >> 4, value & 15))) * count
        elif size:
            packed = runs[at : at + (size * bits + 7) // 8]
            run = packed if bits == 8 else bytes.fromhex("".join("0" + each for each in packed.hex()))
            at += (size * bits + 15) // 16 * 2
        elif value == 2:
            x, y, at = x + sum(runs[at : at + 1]), y + sum(runs[at + 1 : at + 2]), at + 2
        else:
            x, y = 0, y + 1 if value == 0 else abs(height)
        start, run = y * width + x, run[: max(0, min(size, width - x))] if size else b""
        pixels[start : start + len(run)], told[start : start + len(run)], x = run, b"\1" * len(run), x + size
    colours, black = bytearray(palette.ljust(1024, b"\0")), next((colour for colour in range(1, 256) if colour not in pixels), 0)
    colours[4 * black : 4 * black + 4] = bytes(4) if black else colours[:4]
    numbers = np.where(np.frombuffer(told, bool), np.frombuffer(pixels, np.uint8), np.uint8(black)).reshape(-1, width)
    return _bmp(width, height, 8, np.pad(numbers[: y + (x > 0)], ((0, 0), (0, -width % 4))), palette=bytes(colours))


def _bmp(width: int, height: int, bits: int, pixels: np.ndarray, masks: bytes = b"", palette: bytes = b"") -> bytes:
    size, head = pixels.nbytes, 40 + len(masks)
    start = struct.pack("<2sIII", b"BM", 14 + head + len(palette) + size, 0, 14 + head + len(palette))
    header = struct.pack("<IiiHHIIiiII", head, width, height, 1, bits, 3 if masks else 0, size, 0, 0, len(palette) // 4, 0)
    return b"".join((start, header, masks, palette, pixels.tobytes()))
