"""Files of pictures, made ready for a decoder that is stricter than browsers are.

What carries no pixels and may be garbage is left out (texts, thumbnails, sizes in print, check sums of such), a missing end is put in
place, and what a file says of its own work is checked before any of it is done. Pixels are never looked at here.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import count, islice
from zlib import crc32

from lookalike.errors import PictureUnusable
from lookalike.pictures import bmps, encodings

MAX_SCANNED_PIXELS = 640_000_000
"""Pixels of a JPEG times its scans: each scan goes over the whole picture, and a small file can hold thousands. Usual are ten at most."""

MAX_COEFFICIENTS = 200_000_000
"""Of a JPEG of several scans, whose decoder holds all of them, with two bytes each."""

MAX_MISSING = 0.1
"""Part of a picture that may be missing at its end: what is more is cut off for real."""

MAX_SEGMENTS = 100_000
"""Of a JPEG, or chunks of a PNG; usual are some thousands at most."""

MAX_PROPERTIES = 4096
"""Of an AVIF's items, and items with properties, that are looked at; usual are some dozens."""

MAX_PROFILE_BYTES = 4_000_000
"""A colour profile that is larger is ignored; those of printing presses have up to three million."""


@dataclass(frozen=True, slots=True)
class MendedFile:
    """A picture's file as its decoder wants it; ``is_cut`` says that its end may be missing, ``profile`` is one that it does not find."""

    content: bytes
    is_cut: bool = False
    profile: encodings.Profile | None = None


def mended(content: bytes) -> MendedFile:
    """The file without what its decoder may stumble on; one in a format that needs nothing comes back as it is.

    Raises `PictureUnusable` if it is cut off, or would take too long or too much memory to decode.
    """
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content.startswith(_PNG):
        return _png(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return MendedFile(_webp(content))
    if content.startswith(b"BM"):
        points_at_profile = content[14:18] == b"\x7c\0\0\0" and content[70:74] == b"DEBM"  # in version 5
        profile = content[14 + int.from_bytes(content[126:130], "little") :][:MAX_PROFILE_BYTES] if points_at_profile else None
        return MendedFile(bmps.plain(content), profile=profile)
    if content[4:8] == b"ftyp":
        return _avif(content)
    return MendedFile(content)


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A JPEG marker that is neither a stuffed byte, a restart nor a fill byte."""

_END, _SCAN, _COMMENT, _PROFILE_PART = 0xD9, 0xDA, 0xFE, 0xE2
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_PROGRESSIVE = (0xC2, 0xCA)
_APPLICATION = range(0xE0, 0xF0)
_KEPT_APPLICATION = {0xE0: (b"JFIF\0", 14), 0xE1: (b"Exif\0\0", 14), _PROFILE_PART: (b"ICC_PROFILE\0", 17), 0xEE: (b"Adobe", 12)}
"""Application segments that matter to colours or to the turn: how each begins, and how long it is at least."""


@dataclass(slots=True)
class _Jpeg:
    """What the segments of a JPEG's first image say; thumbnails inside segments and what follows the image are no part of it.

    ``body`` is where the first scan begins, ``end`` where the end marker is, ``frame`` the frame header with its marker's code.
    """

    header: list[bytes] = field(default_factory=list)
    body: int = 0
    end: int | None = None
    frame: tuple[int, bytes] = (0, b"")
    scans: list[bytes] = field(default_factory=list)


def _read_jpeg(content: bytes) -> _Jpeg:
    jpeg, at = _Jpeg(), 2
    for number in count():
        marker = _MARKER.search(content, at)
        if marker is None:
            break
        _check_number(number)
        code, start = content[marker.start() + 1], marker.end()
        if code == _END:
            jpeg.end = marker.start()
            break
        at = start + max(2, int.from_bytes(content[start : start + 2], "big"))
        segment = content[start + 2 : at]
        if code == _SCAN:
            jpeg.body = jpeg.body or marker.start()
            jpeg.scans.append(segment)
        elif not jpeg.body and _is_kept(code, segment):
            jpeg.header.append(content[marker.start() : at])
        if code in _FRAMES:
            jpeg.frame = code, segment
    return jpeg


def _is_kept(code: int, segment: bytes) -> bool:
    if code in _KEPT_APPLICATION:
        prefix, least = _KEPT_APPLICATION[code]
        return segment.startswith(prefix) and len(segment) + 2 >= least
    return code not in _APPLICATION and code != _COMMENT


def _jpeg(content: bytes) -> MendedFile:
    jpeg = _read_jpeg(content)
    code, frame = jpeg.frame
    if not jpeg.body or len(frame) < 6 or len(frame) < 6 + 3 * frame[5]:
        raise PictureUnusable("the picture is cut off or damaged: this JPEG has no pixels that browsers show")
    _check_scans(jpeg, int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big"))
    if jpeg.end is None and code in _PROGRESSIVE and not _is_seen_whole(jpeg):
        raise PictureUnusable(f"the picture is cut off in its scan {len(jpeg.scans)}, when it is still blurred")
    is_cut = jpeg.end is None and code not in _PROGRESSIVE
    header = [segment for segment in jpeg.header if segment[1] != _PROFILE_PART]
    profile = _jpeg_profile([segment[16:] for segment in jpeg.header if segment[1] == _PROFILE_PART])
    return MendedFile(b"".join((content[:2], *header, content[jpeg.body : jpeg.end], b"\xff\xd9")), is_cut, profile)


def _jpeg_profile(parts: Sequence[bytes]) -> bytes | None:
    """The first profile, of as many parts as the first part says, in any order; later ones do not count."""
    first = sorted(parts[: parts[0][1]]) if parts else []
    is_whole = [part[:2] for part in first] == [bytes((number, len(first))) for number in range(1, len(first) + 1)]
    return b"".join(part[2:] for part in first) if is_whole else None


def _check_scans(jpeg: _Jpeg, width: int, height: int) -> None:
    scans, components = len(jpeg.scans), [sampling >> 4 and (sampling >> 4) * (sampling & 15) for sampling in jpeg.frame[1][7::3]]
    if scans > 1 and scans * width * height > MAX_SCANNED_PIXELS:
        raise PictureUnusable(f"the picture has too many scans for its size: {scans:,} of {width:,} x {height:,} pixels")
    is_held_whole = jpeg.frame[0] in _PROGRESSIVE or scans > 1
    if is_held_whole and width * height * sum(components) > MAX_COEFFICIENTS * max(components):
        raise PictureUnusable(f"the picture has too many pixels for a progressive JPEG: {width:,} x {height:,}")


def _is_seen_whole(jpeg: _Jpeg) -> bool:
    """Whether the brightness (the first component) has come with all its frequencies before the last scan, which is cut."""
    brightness = jpeg.frame[1][6]
    return any(brightness in scan[1 : 1 + 2 * scan[0] : 2] and scan[2 + 2 * scan[0]] == 63 for scan in jpeg.scans[:-1])


def with_ends(content: bytes) -> tuple[bytes, bytes]:
    """A mended file whose end may be missing, as it is to be decoded, and with another end: if pixels are missing, others come out."""
    if content.startswith(b"\xff\xd8"):
        return content, content[:-2] + bytes(100_000) + content[-2:]
    missing = len(content) // 8 if content[:4] in (b"II*\0", b"MM\0*") else 0  # libtiff gives nothing of a strip that is cut
    return content + missing * b"\x80", content + missing * b"\0"


_PNG = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"fdAT")
_COLOUR_CHUNKS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_OTHER_CHUNKS = {b"eXIf": 8, b"acTL": 8, b"fcTL": 26}
"""Chunks that matter to the turn or to frames, with the bytes that each has at least."""

_TRANSPARENCY_BYTES = {0: 2, 2: 6, 3: 1}
"""The least length of ``tRNS``, by the colour type."""


def _png(content: bytes) -> MendedFile:
    kept, said, is_cut, colours = [_PNG], dict[bytes, bytes](), True, 0
    depth, colour_type = content[24:26] if len(content) > 25 else (8, 2)
    for kind, data, crc in _chunks(content):
        if kind == b"IEND":
            is_cut = False
            break
        if kind in _PIXEL_CHUNKS:
            colours = len(data) // 3 if kind == b"PLTE" else colours
            kept.append(_chunk(kind, data))
            said.setdefault(kind, b"")
        elif crc != crc32(data, crc32(kind)) or (b"IDAT" in said and kind != b"fcTL"):
            continue
        elif kind == b"tRNS" and len(data) >= _TRANSPARENCY_BYTES.get(colour_type, len(data) + 1):
            kept.append(_chunk(kind, _eight_bit_transparency(data[:colours] if colour_type == 3 else data, depth, colour_type)))
        elif len(data) >= _OTHER_CHUNKS.get(kind, len(data) + 1):
            kept.append(_chunk(kind, data))
        elif kind in _COLOUR_CHUNKS:
            said.setdefault(kind, data)
    return MendedFile(b"".join((*kept, _chunk(b"IEND", b""))), is_cut, _png_profile(said))


def _png_profile(said: Mapping[bytes, bytes]) -> encodings.Profile | None:
    """What a PNG's chunks about colours say; the first kind that is there counts (https://www.w3.org/TR/png-3/#4Concepts.ColourSpaces)."""
    codes, gamma, points = (said.get(kind, b"") for kind in (b"cICP", b"gAMA", b"cHRM"))
    if codes[2:] == b"\0\1":
        return encodings.of_codes(codes[0], codes[1], is_png=True)
    profile = _inflated(said.get(b"iCCP", b"").partition(b"\0")[2][1:])
    if profile or b"sRGB" in said or len(gamma) != 4 or gamma < b"\0\0\0\x80" or len(points) % 4:
        return profile
    chromaticities = tuple(each / 100_000 for (each,) in struct.iter_unpack(">I", points))
    return encodings.of_gamma(100_000 / int.from_bytes(gamma, "big"), chromaticities)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, data and check sum of each chunk; the last one may be cut."""
    at = len(_PNG)
    for number in count():
        data = at + 8
        end = data + int.from_bytes(content[at : at + 4], "big")
        if data > len(content):
            return
        _check_number(number)
        yield content[at + 4 : data], content[data:end], int.from_bytes(content[end : end + 4], "big")
        at = end + 4


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((len(data).to_bytes(4, "big"), kind, data, crc32(data, crc32(kind)).to_bytes(4, "big")))


def _inflated(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, MAX_PROFILE_BYTES)
    except zlib.error:
        return None


def _eight_bit_transparency(data: bytes, depth: int, colour_type: int) -> bytes:
    """The transparent colour as Pillow needs it, who makes eight bits of all but grey of sixteen, and leaves this colour as it is."""
    if colour_type == 0 and depth < 8:
        return bytes((0, data[1] * 255 // (2**depth - 1) & 255))
    if colour_type == 2 and depth == 16:
        return bytes((0, data[0], 0, data[2], 0, data[4]))
    return data


def _check_number(number: int) -> None:
    if number > MAX_SEGMENTS:
        raise PictureUnusable(f"the picture is damaged: it is in more than {MAX_SEGMENTS:,} pieces")


def _webp(content: bytes) -> bytes:
    """The file with zeros for what is missing of its last chunk, which its decoder would otherwise refuse as a whole."""
    whole = int.from_bytes(content[4:8], "little") + 8
    missing, at = whole - len(content), 12
    if missing <= 0:
        return content
    if missing > MAX_MISSING * whole:
        raise PictureUnusable(f"the picture is truncated: {missing:,} of its {whole:,} bytes are missing")
    while (end := at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")) < len(content):
        at = end + end % 2
    # An even size in all, and far more than are missing, since zeros may stand for more pixels than others do.
    zeros = bytes(2 * missing + len(content))
    sizes = [(len(content) + len(zeros) - from_).to_bytes(4, "little") for from_ in (8, at + 8)]
    return b"".join((content[:4], sizes[0], content[8 : at + 4], sizes[1], content[at + 8 :], zeros))


def _avif(content: bytes) -> MendedFile:
    told = _primary_properties(content)
    codes = None if _PROFILE.search(told) else _CODES.search(told)
    return MendedFile(_EXIF_ITEM.sub(rb"\1skip", content), profile=codes and encodings.of_codes(codes[1][1], codes[2][1]))


def _primary_properties(content: bytes) -> bytes:
    """Those of the primary item (ISO/IEC 14496-12, 8.11), each with its kind; the whole file if it does not say which they are."""
    ends = {kind: content.find(kind) + 4 for kind in (b"pitm", b"ipco", b"ipma")}
    primary, shared, uses = (BytesIO(content[end : end + int.from_bytes(content[end - 8 : end - 4], "big") - 8]) for end in ends.values())

    def number(size: int) -> int:
        return int.from_bytes(uses.read(size), "big")

    is_wide, is_long, items = number(1) > 0, number(3) & 1, number(4)
    properties = [
        shared.read(max(0, int.from_bytes(size, "big") - 4)) for size in islice(iter(lambda: shared.read(4), b""), MAX_PROPERTIES)
    ]
    for _ in range(min(items, MAX_PROPERTIES)):
        item = number(4 if is_wide else 2)
        used = [number(2) & 0x7FFF if is_long else number(1) & 0x7F for _ in range(number(1))]
        if item == int.from_bytes(primary.getvalue()[4:], "big"):
            return b"".join(properties[each - 1] for each in used if 0 < each <= len(properties))
    return content


_PROFILE = re.compile(rb"colr(?:prof|rICC)")
_CODES = re.compile(rb"colrnclx(..)(..)", re.DOTALL)
_EXIF_ITEM = re.compile(rb"(infe[\x02\x03].{7,9}?)Exif", re.DOTALL)
"""The entry of an AVIF's EXIF among its items. Its turn has a property of its own (ISO/IEC 23008-12, ``irot`` and ``imir``)."""
