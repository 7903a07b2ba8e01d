"""BMPs with any masks and runs, written to the byte (https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage)."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tests.made_pictures import photograph

WIDTH, HEIGHT = 32, 24
Numbers = NDArray[np.int64]
PIXELS: Numbers = np.asarray(photograph(WIDTH, HEIGHT)).astype(np.int64)
ALPHA: Numbers = np.tile(np.linspace(0, 255, WIDTH).astype(np.int64), (HEIGHT, 1))
INDICES: Numbers = (np.arange(HEIGHT)[:, None] // 3 + np.arange(WIDTH) // 5).astype(np.int64) % 16
COLOURS = bytes(value for number in range(16) for value in (17 * number, 255 - 16 * number, 40 + 13 * number, 0))
"""Blue, green, red and a zero, of sixteen colours."""

RGB, RUNS8, RUNS4, MASKS, MASKS_AND_ALPHA = 0, 1, 2, 3, 6


def bmp(
    bits: int, compression: int, body: bytes, *, head: int = 40, masks: Sequence[int] = (), palette: bytes = b"", top: bool = False
) -> bytes:
    """A file of `WIDTH` x `HEIGHT` pixels; ``masks`` are inside the header where it is long enough, else behind it."""
    told = struct.pack(f"<{len(masks)}I", *masks)
    header = struct.pack(
        "<IiiHHIIiiII", head, WIDTH, -HEIGHT if top else HEIGHT, 1, bits, compression, len(body), 0, 0, len(palette) // 4, 0
    )
    header += told if head == 40 else told.ljust(head - 40, b"\0")[: head - 40]
    start = 14 + len(header) + len(palette)
    return b"".join((struct.pack("<2sIII", b"BM", start + len(body), 0, start), header, palette, body))


def masked(bits: int, masks: Sequence[int], alpha: Numbers = ALPHA, *, top: bool = False) -> bytes:
    """The rows of `PIXELS`, with as many bits a channel as its mask has."""
    numbers = np.zeros((HEIGHT, WIDTH), np.int64)
    for channel, mask in zip((*np.moveaxis(PIXELS, 2, 0), alpha), masks, strict=False):
        first, most = (mask & -mask).bit_length() - 1, (1 << mask.bit_count()) - 1
        numbers |= (channel * most + 127) // 255 << max(first, 0)
    return (numbers if top else numbers[::-1]).astype(f"<u{bits // 8}").tobytes()


def in_runs(rows: Numbers, count: int, end: bytes = b"\0\0") -> bytes:
    """The first ``count`` pixels of each row, from below, one by one, each row with this end."""
    return b"".join(b"".join(bytes((1, value)) for value in row[:count].tolist()) + end for row in rows[::-1])


def _as_they_are(row: Numbers, bits: int) -> bytes:
    numbers = row.astype(np.uint8)
    packed = numbers.tobytes() if bits == 8 else (numbers[::2] << 4 | numbers[1::2]).tobytes()
    return bytes((0, len(row))) + packed + bytes(len(packed) % 2)


_MASKS: Mapping[str, tuple[int, Sequence[int]]] = {
    "565": (16, (0xF800, 0x7E0, 0x1F)),
    "555": (16, (0x7C00, 0x3E0, 0x1F)),
    "444": (16, (0xF00, 0xF0, 0xF)),
    "565 backwards": (16, (0x1F, 0x7E0, 0xF800)),
    "655": (16, (0xFC00, 0x3E0, 0x1F)),
    "332": (16, (0xE0, 0x1C, 0x3)),
    "111": (16, (4, 2, 1)),
    "red alone": (16, (0xF800, 0, 0)),
    "888": (32, (0xFF0000, 0xFF00, 0xFF)),
    "888 backwards": (32, (0xFF, 0xFF00, 0xFF0000)),
    "888 high": (32, (0xFF000000, 0xFF0000, 0xFF00)),
    "888 high backwards": (32, (0xFF00, 0xFF0000, 0xFF000000)),
    "888 between": (32, (0xFF << 2, 0xFF << 10, 0xFF << 18)),
    "10 bits": (32, (0x3FF00000, 0xFFC00, 0x3FF)),
    "567": (32, (0x1F, 0x7E0, 0x3F8000)),
}
_ALPHAS: Mapping[str, tuple[int, Sequence[int]]] = {
    "4444": (16, (0xF00, 0xF0, 0xF, 0xF000)),
    "1555": (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
    "8888": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "8888 backwards": (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    "8888 low": (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
    "10 bits and two": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
    "888 and one": (32, (0xFF0000, 0xFF00, 0xFF, 0x1000000)),
}

OF_MASKS: Mapping[str, tuple[bytes, Sequence[int]]] = {
    **{
        f"{name}, header of {head}": (bmp(bits, MASKS, masked(bits, masks), head=head, masks=masks), masks)
        for name, (bits, masks) in _MASKS.items()
        for head in (40, 52, 56, 108, 124)
    },
    **{
        f"{name}, header of {head}": (bmp(bits, MASKS, masked(bits, masks), head=head, masks=masks), masks)
        for name, (bits, masks) in _ALPHAS.items()
        for head in (56, 108, 124)
    },
    **{
        f"{name} behind the header": (bmp(bits, MASKS_AND_ALPHA, masked(bits, masks), masks=masks), masks)
        for name, (bits, masks) in _ALPHAS.items()
    },
    **{
        f"{name} from the top": (bmp(bits, MASKS, masked(bits, masks, top=True), head=108, masks=masks, top=True), masks)
        for name, (bits, masks) in {**_MASKS, **_ALPHAS}.items()
    },
    "no masks, alpha of version 4": (bmp(32, RGB, masked(32, _ALPHAS["8888"][1]), head=108, masks=_ALPHAS["8888"][1]), _ALPHAS["8888"][1]),
    "no masks, alpha of version 3": (bmp(32, RGB, masked(32, _ALPHAS["8888"][1]), head=56, masks=_ALPHAS["8888"][1]), _MASKS["888"][1]),
    "no masks, alpha that nobody told": (bmp(32, RGB, masked(32, _ALPHAS["8888"][1])), _MASKS["888"][1]),
    "no masks, 16 bits": (bmp(16, RGB, masked(16, _MASKS["555"][1])), _MASKS["555"][1]),
}
"""Files whose pixels are `PIXELS`, on white by `ALPHA` where there is a fourth mask."""


def _runs() -> Mapping[str, tuple[int, bytes, Numbers]]:
    """The runs, and the colour of each pixel; -1 where none is told, which is black."""
    last = b"\0\1"
    halves = np.where(np.arange(WIDTH) < 20, INDICES, -1)
    jumped = np.where((np.arange(WIDTH) < 8) | (np.arange(WIDTH) >= 16), INDICES, -1)
    low = np.where(np.arange(HEIGHT)[:, None] >= HEIGHT - 10, INDICES, -1)
    up = np.full_like(INDICES, -1)
    up[-1, :16], up[-5, 16:] = 5, 6
    jumps = b"".join(in_runs(row[None, :8], 8, b"\0\2\x08\0") + in_runs(row[None, 16:], 16) for row in INDICES[::-1])
    odd = b"".join(_as_they_are(row[:31], 8) + bytes((1, row[31])) + b"\0\0" for row in INDICES[::-1])
    nibbles = b"".join(bytes((2, left << 4 | right)) for left, right in INDICES[-1].reshape(-1, 2).tolist())
    return {
        "runs": (8, in_runs(INDICES, WIDTH) + last, INDICES),
        "runs without an end": (8, in_runs(INDICES, WIDTH), INDICES),
        "runs over the edge": (8, in_runs(INDICES, WIDTH, b"\x09\1\0\0") + last, INDICES),
        "short rows": (8, in_runs(INDICES, 20) + last, halves),
        "ten rows": (8, in_runs(INDICES[-10:], WIDTH) + last, low),
        "jumps to the right": (8, jumps + last, jumped),
        "a jump upwards": (8, b"\x10\5\0\2\0\4\x10\6" + last, up),
        "rows as they are": (8, b"".join(_as_they_are(row, 8) + b"\0\0" for row in INDICES[::-1]) + last, INDICES),
        "rows as they are, odd": (8, odd + last, INDICES),
        "runs of four bits": (4, nibbles + last, np.where(np.arange(HEIGHT)[:, None] == HEIGHT - 1, INDICES, -1)),
        "four bits as they are": (4, b"".join(_as_they_are(row, 4) + b"\0\0" for row in INDICES[::-1]) + last, INDICES),
        "four bits, a jump upwards": (4, b"\x10\x55\0\2\0\4\x10\x66" + last, up),
    }


OF_RUNS: Mapping[str, tuple[bytes, Numbers]] = {
    name: (bmp(bits, RUNS8 if bits == 8 else RUNS4, runs, palette=COLOURS), indices) for name, (bits, runs, indices) in _runs().items()
}
"""Files of runs, and the colour of each pixel; -1 where none is told."""
