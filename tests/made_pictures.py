"""Pictures and their files as tests need them, made of nothing but numbers."""

import struct
from collections.abc import Sequence
from io import BytesIO
from zlib import crc32

import numpy as np
from PIL import Image
from pillow_heif import HeifImagePlugin as HeifImagePlugin  # with it Pillow writes HEIC, too

PRIMARIES = {
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    "Adobe RGB": ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    "sRGB": ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
}
"""XYZ of red, green and blue under D50."""

_D50 = (0.9642, 1.0, 0.8249)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def photograph(width: int = 320, height: int = 240, seed: int = 0) -> Image.Image:
    """Coloured blotches: no two parts are alike, and codecs find it neither too easy nor too hard."""
    blotches = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(blotches).resize((width, height), Image.Resampling.BICUBIC)


def file_of(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes, *, is_sound: bool = True) -> bytes:
    """A chunk of a PNG."""
    return len(data).to_bytes(4, "big") + kind + data + (crc32(kind + data) ^ (not is_sound)).to_bytes(4, "big")


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with these chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def with_segment(jpeg: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG with this segment before all others."""
    return jpeg[:2] + bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data + jpeg[2:]


def rgb_profile(primaries: str, gamma: float | None = None) -> bytes:
    """An ICC profile of these primaries; its curve is sRGB's, or the gamma's."""
    curve = _parametric(_SRGB_CURVE if gamma is None else (gamma, 1, 0, 0, 0))
    tags = {kind + b"XYZ": _xyz(xyz) for kind, xyz in zip((b"r", b"g", b"b"), PRIMARIES[primaries], strict=True)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of greys."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _parametric((gamma, 1, 0, 0, 0))})


def cmyk_profile(corners: Sequence[tuple[int, int, int]]) -> bytes:
    """An ICC profile of a press, straight between its corners: sixteen Lab colours, the last one of all four inks; K turns fastest."""
    straight = bytes(range(256))
    table = b"".join(bytes((lightness * 255 // 100, a + 128, b + 128)) for lightness, a, b in corners)
    identity = struct.pack(">9i", *(65_536 * (number % 4 == 0) for number in range(9)))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + 4 * straight + table + 3 * straight
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """https://www.color.org/specification/ICC.1-2022-05.pdf, section 7."""
    tags = {b"wtpt": _xyz(_D50), **tags}
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += name + struct.pack(">II", at + len(data), len(content))
        data += padded
    head = struct.pack(
        ">I4sI4s4s4s12s4s4s",
        at + len(data),
        b"lcms",
        0x02400000 if device == b"prtr" else 0x04400000,
        device,
        space,
        connection,
        b"",
        b"acsp",
        b"",
    )
    head += bytes(68 - len(head)) + struct.pack(">3i", *(round(65_536 * value) for value in _D50))
    return head + bytes(128 - len(head)) + len(tags).to_bytes(4, "big") + table + data


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65_536 * value) for value in values))


def _parametric(parameters: Sequence[float]) -> bytes:
    """Y = (aX + b)^g from d on, cX below it."""
    return b"para\0\0\0\0\0\3\0\0" + struct.pack(">5i", *(round(65_536 * value) for value in parameters))
